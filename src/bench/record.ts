import { byteLength } from '../../kernels/lib/tensor.ts';
import type { Gpu } from '../gpu/device.ts';
import type { Plan } from '../gpu/plan.ts';
import { median } from '../median.ts';
import type { Roofs } from './roofs.ts';

/** The parts of the engine that can be measured. */
export const suiteNames = ['roof', 'kernels', 'train', 'rollout', 'ppo', 'lim'] as const;
export type SuiteName = (typeof suiteNames)[number];

/** One line of `bench.json`. */
export interface BenchRecord {
  readonly suite: SuiteName;
  readonly name: string;
  readonly shapes: Readonly<Record<string, number>>;
  readonly adapter: string;
  readonly host: string;
  /** Runs behind the median, without the first ones, in which drivers compile. */
  readonly runs: number;
  /** Time of the first run, compilation included; null where it was not taken. */
  readonly firstMs: number | null;
  readonly medianMs: number;
  /** Fastest and slowest run. */
  readonly spreadMs: readonly [number, number];
  readonly tokensPerSecond: number | null;
  /** Floating-point operations of one run: of matmuls, optimizer and LIM's kernels. */
  readonly flops: number | null;
  /** Least bytes that one run moves: each tensor of each dispatch once. */
  readonly bytes: number | null;
  /** Share in [0, 1] of the rate that this adapter reached on matmul or copy alone; see `Roofs`. */
  readonly roof: { readonly kind: 'matmul' | 'copy'; readonly share: number } | null;
  /** Medians of the parts of a run, in milliseconds. */
  readonly parts?: Readonly<Record<string, number>>;
}

/** How often and at what size the suites measure. */
export interface BenchOptions {
  /** Measured runs of each benchmark. */
  readonly repeats: number;
  /** Shapes that take seconds in all: shows that everything works, measures nothing. */
  readonly tiny: boolean;
}

/** The inputs of every suite. */
export interface Bench extends BenchOptions {
  readonly gpu: Gpu;
  readonly host: string;
  readonly roofs: Roofs;
  readonly report: (record: BenchRecord) => Promise<void> | void;
}

/** A benchmark before it has run. */
export interface BenchCase {
  readonly suite: SuiteName;
  readonly name: string;
  readonly shapes: Readonly<Record<string, number>>;
  /** One run, from idle to idle. May return tokens processed, and how long its parts took. */
  readonly run: () => Promise<RunFigures | undefined>;
  /** Bytes of a run, where counting dispatches would not give them. */
  readonly bytes?: number;
  readonly bound: 'matmul' | 'copy';
}

export interface RunFigures {
  readonly tokens?: number;
  /** Milliseconds by name. */
  readonly parts?: Readonly<Record<string, number>>;
}

/** Runs a benchmark, after two runs to warm up, and reports it. */
export async function measure(bench: Bench, entry: BenchCase): Promise<void> {
  const { gpu } = bench;
  const started = performance.now();
  await entry.run();
  const firstMs = performance.now() - started;
  const work = await countWork(gpu, entry.run);
  const times: number[] = [];
  const figures: RunFigures[] = [];
  for (let i = 0; i < bench.repeats; i++) {
    const before = performance.now();
    figures.push((await entry.run()) ?? {});
    times.push(performance.now() - before);
  }
  const medianMs = median(times);
  const bytes = entry.bytes ?? work.bytes;
  const { matmulGigaflops, copyGigabytes } = bench.roofs;
  const tokens = figures.at(-1)?.tokens;
  await bench.report({
    suite: entry.suite,
    name: entry.name,
    shapes: entry.shapes,
    adapter: gpu.name,
    host: bench.host,
    runs: times.length,
    firstMs,
    medianMs,
    spreadMs: [Math.min(...times), Math.max(...times)],
    tokensPerSecond: tokens === undefined ? null : (tokens / medianMs) * 1000,
    flops: work.flops,
    bytes,
    roof: {
      kind: entry.bound,
      share:
        entry.bound === 'matmul'
          ? work.flops / medianMs / 1e6 / matmulGigaflops
          : bytes / medianMs / 1e6 / copyGigabytes,
    },
    ...partsOf(figures),
  });
}

function partsOf(figures: readonly RunFigures[]): { parts?: Record<string, number> } {
  const names = Object.keys(figures[0]?.parts ?? {});
  if (names.length === 0) return {};
  const medianOf = (name: string): number => median(figures.map(({ parts }) => parts?.[name] ?? 0));
  return { parts: Object.fromEntries(names.map((name) => [name, medianOf(name)])) };
}

/** Operations and bytes of the plans that a function runs. */
export async function countWork(
  gpu: Gpu,
  body: () => Promise<unknown>,
): Promise<{ flops: number; bytes: number }> {
  const total = { flops: 0, bytes: 0 };
  const run = gpu.run.bind(gpu);
  gpu.run = (plan) => {
    total.flops += plan.flops;
    total.bytes += bytesOf(plan);
    return run(plan);
  };
  try {
    await body();
  } finally {
    gpu.run = run;
  }
  return total;
}

/** Bytes of the tensors that a plan's steps name, at their capacity. */
function bytesOf(plan: Plan): number {
  let bytes = 0;
  for (const step of plan.steps) {
    if (step.op === 'dispatch') {
      for (const tensor of step.tensors) bytes += byteLength(tensor);
    } else bytes += step.op === 'copy' ? 2 * byteLength(step.from) : byteLength(step.tensor);
  }
  return bytes;
}
