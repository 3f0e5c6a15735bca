import type { Dispatch } from '../../kernels/lib/kernel.ts';
import type { VariantChoices } from '../../kernels/lib/variants.ts';
import { AdapterError, type Gpu } from '../gpu/device.ts';
import { type FamilyCheck, Inputs, type KernelUse, type Probe } from './checks/case.ts';
import { choicesOf, choicesWithout, type VariantName, variantsOf } from './choices.ts';
import { familyChecks } from './families.ts';

export type { KernelUse };

/** What a model's attention asks of kernels. */
export const attentionUse = (model: {
  readonly headDim: number;
  readonly sliding?: unknown;
}): Pick<KernelUse, 'headDim' | 'sliding'> => ({
  headDim: model.headDim,
  sliding: model.sliding !== undefined,
});

/** The error of one variant on one device. */
export interface CheckedVariant extends VariantName {
  /** The largest error over the largest expected entry; NaN if the variant gave a NaN. */
  readonly error: number;
}

/** Whether rounding can explain the error: sums in f32 stay below 1e-6 at these sizes. */
export const isWithinRounding = ({ error }: CheckedVariant): boolean => error <= 1e-4;

/** One variant of a family, and the probes that it computes. */
interface Trial extends VariantName {
  readonly probes: { readonly probe: Probe; readonly steps: readonly Dispatch[] }[];
}

/**
 * A trial for each variant of a family that plans may take, with the probes that the variant fits.
 * A probe that none of these variants fits is tried in the variant that plans take for it.
 */
function trialsOf(
  { family }: FamilyCheck,
  probes: readonly Probe[],
  choices: VariantChoices,
): Trial[] {
  const trials = new Map<string, Trial>();
  const choice = choices[family.name];
  if (!choice) return [];
  for (const probe of probes) {
    const shape = probe.steps[0]?.offer?.shape;
    const fitting = variantsOf(choice).filter((id) => family.fits(id, shape));
    for (const variant of new Set([...fitting, family.choose(shape, choice)])) {
      const trial = trials.get(variant) ?? { family: family.name, variant, probes: [] };
      const steps = probe.steps.map((step) => step.offer?.in(variant) ?? step);
      trial.probes.push({ probe, steps });
      trials.set(variant, trial);
    }
  }
  return [...trials.values()];
}

/** The trials of a program's kernels, and the tensors that they bind. */
function allTrials(gpu: Gpu, use: KernelUse, choices: VariantChoices) {
  const made: Inputs[] = [];
  const trials = familyChecks
    .filter((check) => check.isUsed(use))
    .flatMap((check) => {
      const inputs = new Inputs(gpu);
      made.push(inputs);
      return trialsOf(check, check.probes(inputs, use), choices);
    });
  const destroy = (): void => {
    for (const inputs of made) inputs.destroy();
  };
  return { trials, destroy };
}

/**
 * Computes small cases of a program's kernels in each variant that plans may take, and compares
 * them with float64.
 *
 * @param choices The choices to check. Default: the device's own.
 * @param isKnown Whether a variant needs no check.
 */
export async function checkVariants(
  gpu: Gpu,
  use: KernelUse,
  choices = choicesOf(gpu),
  isKnown: (name: VariantName) => boolean = () => false,
): Promise<CheckedVariant[]> {
  const { trials, destroy } = allTrials(gpu, use, choices);
  // All plans are built first, so that the last ones compile while the first ones run.
  const planned = trials
    .filter((trial) => !isKnown(trial))
    .map((trial) => {
      const steps = trial.probes.flatMap((one) => one.steps);
      return { trial, plan: gpu.plan(`self-check ${trial.family} ${trial.variant}`, steps) };
    });
  const found: CheckedVariant[] = [];
  try {
    for (const { trial, plan } of planned) {
      for (const { probe } of trial.probes) probe.begin?.();
      await gpu.run(plan);
      found.push({
        family: trial.family,
        variant: trial.variant,
        error: await largestError(
          gpu,
          trial.probes.flatMap(({ probe }) => probe.expected),
        ),
      });
    }
  } finally {
    for (const { plan } of planned) plan.destroy();
    destroy();
  }
  return found;
}

/**
 * The largest error of some tensors, each over its largest expected entry. Sets the tensors to
 * zero.
 */
async function largestError(gpu: Gpu, expected: Probe['expected']): Promise<number> {
  let worst = 0;
  for (const { out, values } of expected) {
    const got = await gpu.read(out);
    let error = 0;
    let largest = 0;
    for (const [i, want] of values().entries()) {
      error = Math.max(error, Math.abs((got[i] ?? NaN) - want)); // NaN stays
      largest = Math.max(largest, Math.abs(want));
    }
    worst = Math.max(worst, error / largest);
    // The next variant may add to the tensor, and must not find the right values there.
    gpu.upload(out, new Float32Array(got.length));
  }
  return worst;
}

/** Requests the pipelines of a later check, ahead of the plans that are built after this call. */
export function queueChecks(gpu: Gpu, use: KernelUse): void {
  const { trials, destroy } = allTrials(gpu, use, choicesOf(gpu));
  for (const step of trials.flatMap(({ probes }) => probes.flatMap(({ steps }) => steps))) {
    gpu.pipelines.entry(step);
  }
  destroy();
}

/** Says that a variant computes wrong, and by how much. */
export const describeFault = ({ family, variant, error }: CheckedVariant): string =>
  `${family} in variant '${variant}' computes wrong (off by ${error.toPrecision(2)} of the largest entry)`;

/** Variants found right, by device, and uses with their choices: each is checked once. */
const knownRight = new WeakMap<Gpu, Set<string>>();

/**
 * Checks the variants that plans of a device would take. Plans built from now on take other
 * variants of the same family in place of the wrong ones.
 *
 * @returns One sentence for each replaced variant.
 * @throws AdapterError when `plain` itself is wrong: no variant of the family can be trusted here.
 */
export async function replaceWrongVariants(gpu: Gpu, use: KernelUse): Promise<string[]> {
  const known = knownRight.get(gpu) ?? new Set<string>();
  knownRight.set(gpu, known);
  const keyOf = ({ family, variant }: VariantName): string =>
    [family, variant, use.headDim, use.sliding, use.training, use.storage, use.cache].join(' ');
  const sentences: string[] = [];
  for (;;) {
    // Nothing is allocated for a check that has been made.
    const all = JSON.stringify([use, choicesOf(gpu)]);
    if (known.has(all)) return sentences;
    const found = await checkVariants(gpu, use, choicesOf(gpu), (one) => known.has(keyOf(one)));
    const wrong = found.filter((one) => !isWithinRounding(one));
    for (const one of wrong) {
      const what = `${describeFault(one)} on ${gpu.name}`;
      if (one.variant === 'plain') throw new AdapterError(`${what}: there is no other to use`);
      sentences.push(`${what}: another is used in its place`);
    }
    for (const one of found) if (isWithinRounding(one)) known.add(keyOf(one));
    if (wrong.length === 0) known.add(all);
    else gpu.choices = choicesWithout(choicesOf(gpu), wrong);
  }
}
