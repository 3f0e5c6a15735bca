import { copy } from '../../kernels/copy.ts';
import type { Tensor } from '../../kernels/lib/tensor.ts';
import { tokenLogprob } from '../../kernels/token-logprob.ts';
import { copyStep, type Step } from '../gpu/plan.ts';
import { median } from '../median.ts';
import { forwardCase } from '../variants/matmul-cases.ts';
import { measureVariants } from '../variants/tuning.ts';
import { matmulShapes } from './matmul.ts';
import type { Bench, BenchRecord } from './record.ts';

type Figures = Pick<BenchRecord, 'name' | 'shapes' | 'flops' | 'bytes' | 'roof'>;

/** The adapter's time for each element of a plan. No plan can be faster than its elements. */
export async function benchRoof(bench: Bench): Promise<void> {
  await matmuls(bench);
  await bandwidths(bench);
  await overheads(bench);
  await compilation(bench);
}

async function report(bench: Bench, figures: Figures, times: readonly number[]): Promise<void> {
  await bench.report({
    suite: 'roof',
    ...figures,
    adapter: bench.gpu.name,
    host: bench.host,
    runs: times.length,
    firstMs: null,
    medianMs: median(times),
    spreadMs: [Math.min(...times), Math.max(...times)],
    tokensPerSecond: null,
  });
}

/** The fastest variant of each product, at a large shape and at a model's shape. */
async function matmuls(bench: Bench): Promise<void> {
  const { gpu, tiny, repeats, roofs } = bench;
  const side = gpu.kind === 'cpu' ? 512 : 4096;
  const shapes = tiny
    ? ([[8, 4, 4]] as const)
    : ([[side, side, side], ...matmulShapes.reference] as const);
  const cases = shapes.map((shape) => forwardCase(shape));
  const timings = await measureVariants(gpu, cases, {
    rounds: repeats,
    milliseconds: tiny ? 0 : 40,
  });
  for (const { shape } of cases) {
    const [best] = timings
      .filter((timing) => timing.shape === shape)
      .sort((a, b) => a.medianMs - b.medianMs);
    if (!best) continue;
    const [rows, inner, columns] = shape;
    await report(
      bench,
      {
        name: `matmul, ${best.variant}`,
        shapes: { rows, inner, columns },
        flops: 2 * rows * inner * columns,
        bytes: 4 * (rows * inner + inner * columns + rows * columns),
        roof: { kind: 'matmul', share: best.gigaflops / roofs.matmulGigaflops },
      },
      best.milliseconds,
    );
  }
}

async function bandwidths(bench: Bench): Promise<void> {
  const { gpu, tiny } = bench;
  const count = tiny ? 2 ** 12 : gpu.kind === 'cpu' ? 2 ** 22 : 2 ** 25;
  const source = gpu.tensor('copy source', [count], 'f32', 'activations');
  const target = gpu.tensor('copy target', [count], 'f32', 'activations');
  const steps: Readonly<Record<string, Step>> = {
    'copy kernel': copy({ x: source, out: target }),
    'buffer copy': copyStep(source, target),
  };
  for (const [name, step] of Object.entries(steps)) {
    const times = await timesOf(bench, [step], 8);
    const bytes = 8 * count;
    await report(
      bench,
      {
        name,
        shapes: { elements: count },
        flops: null,
        bytes,
        roof: { kind: 'copy', share: bytes / median(times) / 1e6 / bench.roofs.copyGigabytes },
      },
      times,
    );
  }
  gpu.destroy(source, target);
}

/** Milliseconds of one dispatch that does next to nothing, of one submit, of one readback. */
async function overheads(bench: Bench): Promise<void> {
  const { gpu, tiny } = bench;
  const x = gpu.tensor('roof x', [4], 'f32', 'activations');
  const out = gpu.tensor('roof out', [4], 'f32', 'activations');
  const nothing = copy({ x, out });
  const many = tiny ? 4 : 512;
  const plain = { flops: null, bytes: null, roof: null };
  const dispatches = await timesOf(bench, [nothing], many);
  await report(bench, { name: 'dispatch', shapes: { together: many }, ...plain }, dispatches);

  const plan = gpu.plan('roof submit', [nothing]);
  await gpu.run(plan);
  const submits = tiny ? 4 : 64;
  const times = await repeated(bench, async () => {
    for (let i = 0; i < submits; i++) gpu.device.queue.submit([plan.encode(0, 1)]);
    await gpu.ask(() => gpu.device.queue.onSubmittedWorkDone());
  });
  plan.destroy();
  await report(
    bench,
    { name: 'submit of one dispatch', shapes: { together: submits }, ...plain },
    times.map((ms) => ms / submits),
  );
  const reads = await repeated(bench, () => gpu.read(out));
  await report(bench, { name: 'readback', shapes: { elements: 4 }, ...plain }, reads);
  gpu.destroy(x, out);
}

/**
 * Milliseconds from asking for a pipeline to the end of its first run. The sizes are random, so
 * that a driver finds few of them in its cache.
 */
async function compilation(bench: Bench): Promise<void> {
  const { gpu } = bench;
  const f32 = (name: string, ...shape: number[]): Tensor =>
    gpu.tensor(`roof ${name}`, shape, 'f32', 'activations');
  const tensors = {
    logits: f32('logits', 1, 4),
    targets: gpu.tensor('roof targets', [1], 'u32', 'activations'),
    logprobs: f32('logprobs', 1),
    lse: f32('lse', 1),
    entropy: f32('entropy', 1),
  };
  const times = await repeated(bench, async () => {
    const lanes = { lanes: 1, rows: 1 + Math.floor(Math.random() * 256) } as const;
    const plan = gpu.plan('roof pipeline', [
      tokenLogprob(tensors, { count: 1, temperature: 1, lanes }),
    ]);
    await gpu.run(plan);
    await gpu.idle();
    plan.destroy();
  });
  gpu.destroy(...Object.values(tensors));
  await report(
    bench,
    { name: 'pipeline, made and first run', shapes: {}, flops: null, bytes: null, roof: null },
    times,
  );
}

/** Milliseconds of one of `count` equal steps of a plan. */
async function timesOf(bench: Bench, [step]: readonly [Step], count: number): Promise<number[]> {
  const { gpu } = bench;
  const plan = gpu.plan(
    'roof',
    Array.from({ length: count }, () => step),
  );
  await gpu.run(plan);
  const times = await repeated(bench, async () => {
    await gpu.run(plan);
    await gpu.idle();
  });
  plan.destroy();
  return times.map((ms) => ms / count);
}

async function repeated(bench: Bench, body: () => Promise<unknown>): Promise<number[]> {
  await body();
  await bench.gpu.idle();
  const times: number[] = [];
  for (let i = 0; i < bench.repeats; i++) {
    const started = performance.now();
    await body();
    times.push(performance.now() - started);
  }
  return times;
}
