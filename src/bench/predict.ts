import type { Dispatch } from '../../kernels/lib/kernel.ts';
import { tileShares } from '../../kernels/lib/matmul-shape.ts';
import { byteLength } from '../../kernels/lib/tensor.ts';
import { valueOf } from '../../kernels/lib/variable.ts';
import type { Gpu } from '../gpu/device.ts';
import type { Plan } from '../gpu/plan.ts';
import type { Card } from './cards.ts';

/** What bounds a kernel: arithmetic, memory, or the launches of dispatches. */
export type Bound = 'compute' | 'memory' | 'launch';

/** The predicted time of one kernel in a computation. */
export interface PredictedKernel {
  readonly kernel: string;
  readonly dispatches: number;
  readonly flops: number;
  readonly bytes: number;
  readonly ms: number;
  /** What bounds most of its time. */
  readonly bound: Bound;
}

/** The predicted time of a computation on a card. */
export interface Prediction {
  readonly ms: number;
  readonly dispatches: number;
  readonly flops: number;
  readonly bytes: number;
  /** The share of the time that each bound has. */
  readonly bounds: Readonly<Record<Bound, number>>;
  /** The kernels that take longest come first. */
  readonly kernels: readonly PredictedKernel[];
}

/** One dispatch as far as its time depends on it. */
export interface Work {
  readonly kernel: string;
  readonly flops: number;
  readonly bytes: number;
  readonly workgroups: number;
  /** The share of the f32 peak that its hot loop can reach. */
  readonly share: number;
}

/** Share of a card's published bandwidth that kernels reach: an assumption. */
const bandwidthShare = 0.8;

/** Milliseconds between one dispatch and the next: an assumption. */
const launchMs = 0.004;

/**
 * Shares of fused multiply-adds in hot loops, as compiled for Ampere (docs/performance.md): an upper bound
 * of the share of the peak.
 */
const attentionShares: Readonly<Record<string, number>> = {
  'attention-forward/tiles': 0.69,
  'attention-backward-query/tiles': 0.78,
  'attention-backward-key-value/tiles': 0.59,
};
const otherShare = 0.1;

/**
 * The time that one dispatch takes on a card: that of its arithmetic or of its bytes, whichever is longer,
 * and the launch. Arithmetic comes in rounds of one workgroup a unit.
 */
export function predictDispatch(
  { flops, bytes, workgroups, share }: Work,
  { teraflops, gigabytes, units }: Card,
): { readonly ms: number; readonly bound: Bound } {
  const used = workgroups / (Math.ceil(workgroups / units) * units);
  const arithmetic = flops / (teraflops * 1e9 * share * used);
  const memory = bytes / (gigabytes * 1e6 * bandwidthShare);
  const busy = Math.max(arithmetic, memory);
  const bound = busy < launchMs ? 'launch' : arithmetic > memory ? 'compute' : 'memory';
  return { ms: busy + launchMs, bound };
}

/** Mean number of keys that a row of attention sees: kernels do not tell. */
export interface MeanKeys {
  /** Of whole sequences: prompts on their way to a decoder, and updates. */
  readonly whole: number;
  /** Of a token that is decoded. */
  readonly decoded: number;
}

/**
 * The dispatches that a computation makes, counted on a device that runs nothing.
 *
 * @param gpu A phantom device.
 */
export async function countedWork(
  gpu: Gpu,
  keys: MeanKeys,
  body: () => Promise<unknown>,
): Promise<readonly Work[]> {
  const found: Work[] = [];
  const run = gpu.run.bind(gpu);
  gpu.run = (plan: Plan) => {
    for (const step of plan.steps) {
      if (step.op === 'dispatch') found.push(...workOf(step, keys));
      else {
        const bytes = step.op === 'copy' ? 2 * byteLength(step.from) : byteLength(step.tensor);
        found.push({ kernel: step.op, flops: 0, bytes, workgroups: 1, share: 1 });
      }
    }
    return Promise.resolve();
  };
  try {
    await body();
  } finally {
    gpu.run = run;
  }
  return found;
}

function workOf(step: Dispatch, keys: MeanKeys): Work[] {
  const grid = typeof step.grid === 'function' ? step.grid() : step.grid;
  const workgroups = grid.reduce((product, size) => product * size, 1);
  if (workgroups === 0) return [];
  const { name } = step.kernel;
  const flops = step.flops() || attentionFlops(step, keys);
  return [{ kernel: name, flops, bytes: bytesOf(step), workgroups, share: shareOf(step) }];
}

/** The tensors of a dispatch at their capacity, each once, but tables of which few rows are read. */
function bytesOf(step: Dispatch): number {
  const { name } = step.kernel;
  let bytes = 0;
  for (const [i, tensor] of step.tensors.entries()) {
    const role = step.kernel.bindings[i]?.name ?? '';
    if (name === 'embedding-forward' && role === 'weight') continue;
    if (name === 'embedding-backward' && role === 'dtable') continue;
    // A cache fills up while responses grow: half of it on average.
    const share = name.startsWith('attention-decode') && role === 'cache' ? 0.5 : 1;
    bytes += share * byteLength(tensor);
  }
  return bytes;
}

/** Operations of attention: two products forward, three for the queries' gradient, four for the others'. */
function attentionFlops(step: Dispatch, keys: MeanKeys): number {
  const { name, params } = step.kernel;
  const products = /^attention-(forward|decode)/.test(name)
    ? 2
    : name.startsWith('attention-backward-query')
      ? 3
      : name.startsWith('attention-backward-key-value')
        ? 4
        : 0;
  if (products === 0) return 0;
  const param = (wanted: string): number =>
    valueOf(step.params[params.findIndex((one) => one.name === wanted)] ?? 0);
  const [rows, heads, kvHeads] = [param('rows'), param('heads'), param('kv_heads')];
  const qkv = step.tensors.find((_, i) => step.kernel.bindings[i]?.name === 'qkv');
  const headDim = (qkv?.shape[1] ?? 0) / (heads + 2 * kvHeads);
  const seen = name.startsWith('attention-decode') ? keys.decoded : keys.whole;
  return products * 2 * rows * heads * headDim * seen;
}

function shareOf({ kernel: { name }, header }: Dispatch): number {
  const side = /const SIDE: u32 = (\d+);/.exec(header)?.[1];
  if (side !== undefined) return tileShares[(Number(side) * 8) as keyof typeof tileShares];
  return attentionShares[name] ?? otherShare;
}

/** The time of some dispatches on a card. */
export function predict(work: readonly Work[], card: Card): Prediction {
  const kernels = new Map<string, { -readonly [K in keyof PredictedKernel]: PredictedKernel[K] }>();
  const times = new Map<string, Record<Bound, number>>();
  const bounds: Record<Bound, number> = { compute: 0, memory: 0, launch: 0 };
  let ms = 0;
  for (const one of work) {
    const { ms: own, bound } = predictDispatch(one, card);
    const { kernel } = one;
    const sum = kernels.get(kernel) ?? { kernel, dispatches: 0, flops: 0, bytes: 0, ms: 0, bound };
    kernels.set(kernel, sum);
    sum.dispatches++;
    sum.flops += one.flops;
    sum.bytes += one.bytes;
    sum.ms += own;
    const time = times.get(kernel) ?? { compute: 0, memory: 0, launch: 0 };
    times.set(kernel, time);
    for (const sums of [time, bounds]) {
      sums[bound] += own - launchMs;
      sums.launch += launchMs;
    }
    ms += own;
  }
  for (const [kernel, sum] of kernels) {
    const time = Object.entries(times.get(kernel) ?? {}) as [Bound, number][];
    sum.bound = time.reduce((most, one) => (one[1] > most[1] ? one : most))[0];
  }
  const total = (pick: (one: PredictedKernel) => number): number =>
    [...kernels.values()].reduce((sum, one) => sum + pick(one), 0);
  for (const bound of Object.keys(bounds) as Bound[]) bounds[bound] /= ms;
  return {
    ms,
    dispatches: work.length,
    flops: total((one) => one.flops),
    bytes: total((one) => one.bytes),
    bounds,
    kernels: [...kernels.values()].sort((a, b) => b.ms - a.ms),
  };
}
