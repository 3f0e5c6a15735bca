import { matmulBackwardInput } from '../../kernels/matmul-backward-input.ts';
import { matmulBackwardWeight } from '../../kernels/matmul-backward-weight.ts';
import { matmulForward } from '../../kernels/matmul-forward.ts';
import type { Dispatch } from '../../kernels/lib/kernel.ts';
import {
  type MatmulChoices,
  type MatmulForm,
  matmulKey,
  type MatmulShape,
  type MatmulVariant,
  variantFits,
} from '../../kernels/lib/matmul-variants.ts';
import type { Gpu } from './device.ts';
import { defaultMatmulChoices, runnableVariants } from './matmul-choices.ts';
import { checkVariants, choicesWithout, isRight, type KernelUse } from './self-check.ts';

/** A matmul to measure. */
export interface MatmulCase {
  readonly form: MatmulForm;
  readonly shape: MatmulShape;
  /** Of the weight, where the form reads it. Default f32. */
  readonly storage?: 'f32' | 'f16' | undefined;
}

/** How fast the variants of one case ran, in rounds where each took its turn. */
export interface MatmulTiming extends MatmulCase {
  readonly variant: MatmulVariant;
  /** Milliseconds of one run, one number per round. */
  readonly milliseconds: readonly number[];
  readonly medianMs: number;
  readonly gigaflops: number;
}

export interface MeasureOptions {
  /** Turns of each variant. Default 5. */
  readonly rounds?: number;
  /** Least milliseconds of work behind one number. Default 60. */
  readonly milliseconds?: number;
  /** Default: all that the device can run. */
  readonly variants?: readonly MatmulVariant[];
}

/**
 * Times every variant of some matmuls on a device: the first runs, in which software drivers
 * compile, are left out, and the variants of a case take turns.
 */
export async function measureMatmuls(
  gpu: Gpu,
  cases: readonly MatmulCase[],
  options: MeasureOptions = {},
): Promise<MatmulTiming[]> {
  const timings: MatmulTiming[] = [];
  for (const one of cases) timings.push(...(await measureCase(gpu, one, options)));
  return timings;
}

/** Chooses the fastest variant per case. The result is plain data: store it, record it with a run. */
export function fastestChoices(gpu: Gpu, timings: readonly MatmulTiming[]): MatmulChoices {
  const best = new Map<string, MatmulTiming>();
  for (const timing of timings) {
    const key = matmulKey(timing.form, timing.shape, timing.storage);
    const before = best.get(key);
    if (!before || timing.medianMs < before.medianMs) best.set(key, timing);
  }
  return {
    ...defaultMatmulChoices(gpu),
    measured: Object.fromEntries([...best].map(([key, { variant }]) => [key, variant])),
  };
}

/**
 * Measures the variants that compute right for a use and for how the cases store weights, and makes the device take the outcome in plans
 * built from now on.
 */
export async function tuneMatmuls(
  gpu: Gpu,
  cases: readonly MatmulCase[],
  use: KernelUse,
  options: MeasureOptions = {},
): Promise<MatmulChoices> {
  const runnable = options.variants ?? runnableVariants(gpu);
  const wrong: MatmulVariant[] = [];
  for (const storage of new Set([use, ...cases].map((one) => one.storage ?? 'f32'))) {
    const checked = await checkVariants(gpu, runnable, { ...use, storage });
    wrong.push(...checked.filter((one) => !isRight(one)).map(({ variant }) => variant));
  }
  const variants = runnable.filter((variant) => !wrong.includes(variant));
  const timings = await measureMatmuls(gpu, cases, { ...options, variants });
  const choices = choicesWithout(fastestChoices(gpu, timings), wrong);
  gpu.matmulChoices = choices;
  return choices;
}

async function measureCase(
  gpu: Gpu,
  { form, shape, storage = 'f32' }: MatmulCase,
  options: MeasureOptions,
): Promise<MatmulTiming[]> {
  const [rows, inner, columns] = shape;
  const tensor = (name: string, first: number, second: number, dtype: 'f32' | 'f16' = 'f32') =>
    gpu.tensor(`tuning ${name}`, [first, second], dtype, 'activations');
  const x = tensor('x', rows, inner);
  const y = tensor('y', rows, columns);
  const weight = tensor('weight', columns, inner, storage);
  const build = (variant: MatmulVariant): Dispatch[] => {
    switch (form) {
      case 'forward':
        return matmulForward({ x, weight, out: y }, { rows, variant });
      case 'backward-input':
        return matmulBackwardInput({ dy: y, weight, dx: x }, { rows, variant });
      case 'backward-weight':
        return matmulBackwardWeight({ dy: y, x, dw: weight }, { rows, variant });
    }
  };
  const variants = (options.variants ?? runnableVariants(gpu)).filter((variant) =>
    variantFits(variant, form, shape),
  );
  try {
    const turns = [];
    for (const variant of variants) {
      const once = gpu.plan(`tuning ${variant}`, build(variant));
      await timed(gpu, once);
      const estimate = Math.max(0.05, await timed(gpu, once));
      once.destroy();
      const repeats = Math.ceil(Math.max(1, (options.milliseconds ?? 60) / estimate));
      const steps = Array.from({ length: Math.min(repeats, 1000) }, () => build(variant)).flat();
      const plan = gpu.plan(`tuning ${variant}`, steps);
      // Many submits at first, few when their time is known: not part of the measurement.
      await timed(gpu, plan);
      turns.push({ variant, plan, runs: Math.min(repeats, 1000), milliseconds: [] as number[] });
    }
    for (let round = 0; round < (options.rounds ?? 5); round++) {
      for (const turn of turns) {
        turn.milliseconds.push((await timed(gpu, turn.plan)) / turn.runs);
      }
    }
    return turns.map(({ variant, plan, milliseconds }) => {
      plan.destroy();
      const medianMs = median(milliseconds);
      const gigaflops = (2 * rows * inner * columns) / medianMs / 1e6;
      return { form, shape, storage, variant, milliseconds, medianMs, gigaflops };
    });
  } finally {
    gpu.destroy(x, y, weight);
  }
}

/** Milliseconds from submitting a plan to the end of its work. */
async function timed(gpu: Gpu, plan: ReturnType<Gpu['plan']>): Promise<number> {
  await plan.ready();
  const started = performance.now();
  await gpu.run(plan);
  await gpu.idle();
  return performance.now() - started;
}

/** The middle of some numbers, the lower one of two. */
export function median(numbers: readonly number[]): number {
  const sorted = [...numbers].sort((a, b) => a - b);
  return sorted[Math.floor((sorted.length - 1) / 2)] ?? Number.NaN;
}
