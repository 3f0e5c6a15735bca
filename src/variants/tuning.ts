import type { Dispatch } from '../../kernels/lib/kernel.ts';
import type { Tensor } from '../../kernels/lib/tensor.ts';
import type { MatrixType } from '../../kernels/lib/weight.ts';
import type { Family, VariantChoices } from '../../kernels/lib/variants.ts';
import type { Gpu } from '../gpu/device.ts';
import type { Plan } from '../gpu/plan.ts';
import { median } from '../median.ts';
import { choicesOf, choicesWithout, type VariantName } from './choices.ts';
import { checkVariants, isWithinRounding, type KernelUse } from './self-check.ts';

/** A computation of one family to measure. */
export interface TuningCase<Shape = unknown> {
  readonly family: Family<Shape>;
  readonly shape: Shape;
  /** Floating-point operations of one run. */
  readonly flops: number;
  /** Storage of the weight, where the computation reads one. Default f32. */
  readonly storage?: MatrixType;
  /** The computation in any variant, and the tensors that it binds. */
  readonly build: (gpu: Gpu) => {
    readonly steps: readonly Dispatch[];
    readonly tensors: readonly Tensor[];
  };
}

/** How fast one variant of a case ran, over rounds in which the variants took turns. */
export interface VariantTiming<Shape = unknown> extends VariantName {
  readonly shape: Shape;
  /** Milliseconds of one run, one number per round. */
  readonly milliseconds: readonly number[];
  readonly medianMs: number;
  readonly gigaflops: number;
}

export interface MeasureOptions {
  /** Turns of each variant. Default 5. */
  readonly rounds?: number;
  /** Least milliseconds of work behind one measured number. Default 60. */
  readonly milliseconds?: number;
  /** Whether a variant that tuning measures on the device is measured now. Default: each is. */
  readonly includes?: (name: VariantName) => boolean;
}

/**
 * Times every variant of some cases on a device. The first runs, in which software drivers compile,
 * do not count. The variants of a case take turns.
 */
export async function measureVariants<Shape>(
  gpu: Gpu,
  cases: readonly TuningCase<Shape>[],
  options: MeasureOptions = {},
): Promise<VariantTiming<Shape>[]> {
  const timings: VariantTiming<Shape>[] = [];
  for (const one of cases) timings.push(...(await measureCase(gpu, one, options)));
  return timings;
}

/**
 * Chooses the fastest variant of each case, among the variants that compute right for the use and
 * for the cases' storage of weights. Plans built from now on take the chosen variants. A family
 * without a case keeps the device's choice.
 *
 * @returns Plain data, to be stored or recorded with a run.
 */
export async function tuneVariants(
  gpu: Gpu,
  cases: readonly TuningCase[],
  use: KernelUse,
  options: MeasureOptions = {},
): Promise<VariantChoices> {
  const families = new Set(cases.map(({ family }) => family));
  const { includes = () => true } = options;
  const runnable: VariantChoices = Object.fromEntries(
    Array.from(families, (family) => {
      const { name } = family;
      const ids = family.tunedOn(gpu).filter((variant) => includes({ family: name, variant }));
      return [name, { preferred: ids, measured: {} }] as const;
    }),
  );
  const wrong: VariantName[] = [];
  for (const storage of new Set([use, ...cases].map((one) => one.storage ?? 'f32'))) {
    const checked = await checkVariants(gpu, { ...use, storage }, runnable);
    wrong.push(...checked.filter((one) => !isWithinRounding(one)));
  }
  const isWrong = ({ family, variant }: VariantName): boolean =>
    wrong.some((one) => one.family === family && one.variant === variant);
  const timings = await measureVariants(gpu, cases, {
    ...options,
    includes: (one) => includes(one) && !isWrong(one),
  });
  const fastest = Object.fromEntries(
    Array.from(families, (family) => {
      const measured = fastestOf(family, timings);
      return [family.name, { ...family.defaultOn(gpu), measured }] as const;
    }),
  );
  gpu.choices = choicesWithout({ ...choicesOf(gpu), ...fastest }, wrong);
  return gpu.choices;
}

/** The fastest variants of a family, by the key of the shape. */
function fastestOf(family: Family, timings: readonly VariantTiming[]): Record<string, string> {
  const best = new Map<string, VariantTiming>();
  for (const timing of timings) {
    if (timing.family !== family.name) continue;
    const [key = ''] = family.keysOf(timing.shape);
    const before = best.get(key);
    if (!before || timing.medianMs < before.medianMs) best.set(key, timing);
  }
  return Object.fromEntries(Array.from(best, ([key, { variant }]) => [key, variant]));
}

async function measureCase<Shape>(
  gpu: Gpu,
  { family, shape, flops, build }: TuningCase<Shape>,
  { rounds = 5, milliseconds: least = 60, includes = () => true }: MeasureOptions,
): Promise<VariantTiming<Shape>[]> {
  const variants = family
    .tunedOn(gpu)
    .filter((variant) => family.fits(variant, shape))
    .filter((variant) => includes({ family: family.name, variant }));
  const { steps, tensors } = build(gpu);
  const turns: { variant: string; plan: Plan; runs: number; milliseconds: number[] }[] = [];
  try {
    for (const variant of variants) {
      const run = steps.map((step) => step.offer?.in(variant) ?? step);
      const once = gpu.plan(`tuning ${variant}`, run);
      await timed(gpu, once);
      const estimate = Math.max(0.05, await timed(gpu, once));
      once.destroy();
      const runs = Math.min(1000, Math.ceil(Math.max(1, least / estimate)));
      const plan = gpu.plan(`tuning ${variant}`, Array.from({ length: runs }, () => run).flat());
      // Not measured: the queue makes many submits until it knows their time, few afterwards.
      await timed(gpu, plan);
      turns.push({ variant, plan, runs, milliseconds: [] });
    }
    for (let round = 0; round < rounds; round++) {
      for (const turn of turns) {
        turn.milliseconds.push((await timed(gpu, turn.plan)) / turn.runs);
      }
    }
    return turns.map(({ variant, milliseconds }) => {
      const medianMs = median(milliseconds);
      const gigaflops = flops / medianMs / 1e6;
      return { family: family.name, shape, variant, milliseconds, medianMs, gigaflops };
    });
  } finally {
    for (const { plan } of turns) plan.destroy();
    gpu.destroy(...tensors);
  }
}

/** Milliseconds from submitting a plan to the end of its work. */
async function timed(gpu: Gpu, plan: Plan): Promise<number> {
  await plan.ready();
  const started = performance.now();
  await gpu.run(plan);
  await gpu.idle();
  return performance.now() - started;
}
