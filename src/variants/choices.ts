import {
  type Adapter,
  choiceOf,
  type ChoosingDevice,
  type FamilyChoice,
  type VariantChoices,
} from '../../kernels/lib/variants.ts';
import { families } from './families.ts';
import { storedChoices } from './stored-choices.ts';

/** A device's choice in every family. */
export const choicesOf = (device: ChoosingDevice): VariantChoices =>
  Object.fromEntries(families.map((family) => [family.name, choiceOf(device, family)]));

/** An adapter's choice in every family where nothing was measured. */
export const defaultChoices = (adapter: Adapter): VariantChoices =>
  Object.fromEntries(families.map((family) => [family.name, family.defaultOn(adapter)]));

/** The variants that a choice lets plans take. */
export const variantsOf = ({ preferred, measured }: FamilyChoice): string[] => [
  ...new Set([...preferred, ...Object.values(measured)]),
];

/**
 * Checks choices that were read from a file.
 *
 * @returns Undefined when the value is not choices, or names families or variants that this version
 *   does not have.
 */
export function readChoices(value: unknown): VariantChoices | undefined {
  const choices = storedChoices(value);
  const isKnown = ([name, choice]: readonly [string, FamilyChoice]): boolean => {
    const family = families.find((one) => one.name === name);
    return [...variantsOf(choice), ...(choice.wrong ?? [])].every((id) => family?.ids.includes(id));
  };
  return choices && Object.entries(choices).every(isKnown) ? choices : undefined;
}

/**
 * The choices that a recorded run was computed with. A family that the record does not name had
 * only `plain` at that time.
 *
 * @returns Undefined where `readChoices` returns undefined.
 */
export function choicesOfRun(recorded: unknown): VariantChoices | undefined {
  const choices = readChoices(recorded);
  const plain: FamilyChoice = { preferred: ['plain'], measured: {} };
  const all = families.map(({ name }) => [name, choices?.[name] ?? plain] as const);
  return choices && Object.fromEntries(all);
}

/** A variant of a family. */
export interface VariantName {
  readonly family: string;
  readonly variant: string;
}

/** The first variant among some choices that a device cannot run. */
export function unrunnable(adapter: Adapter, choices: VariantChoices): VariantName | undefined {
  for (const family of families) {
    const choice = choices[family.name];
    const can = family.runnableOn(adapter);
    const variant = choice && variantsOf(choice).find((id) => !can.includes(id));
    if (variant !== undefined) return { family: family.name, variant };
  }
  return undefined;
}

/**
 * Choices without the wrong variants. A family left without a preferred variant prefers its
 * portable variants that are right.
 */
export function choicesWithout(
  choices: VariantChoices,
  wrong: readonly VariantName[],
): VariantChoices {
  const without = [...families].flatMap(({ name, portable }) => {
    const choice = choices[name];
    const found = wrong.filter(({ family }) => family === name).map(({ variant }) => variant);
    if (!choice || found.length === 0) return [];
    const all = [...new Set([...(choice.wrong ?? []), ...found])];
    const isRight = (id: string): boolean => !all.includes(id);
    const preferred = choice.preferred.filter(isRight);
    const measured = Object.entries(choice.measured).filter(([, variant]) => isRight(variant));
    return [
      [
        name,
        {
          preferred: preferred.length > 0 ? preferred : portable.filter(isRight),
          measured: Object.fromEntries(measured),
          wrong: all,
        },
      ] as const,
    ];
  });
  return { ...choices, ...Object.fromEntries(without) };
}

/** Measured choices of several adapters, by `tuningKey`. Plain data. */
export type TunedVariants = Readonly<Record<string, VariantChoices>>;

/**
 * The key of measured choices: an adapter, and the implementation of WebGPU that drives it.
 *
 * @param host The host's name from `hostName`; its version does not count.
 */
export const tuningKey = (gpu: { readonly name: string }, host: string): string =>
  `${host.split(' ')[0] ?? ''}: ${gpu.name}`;

/**
 * Makes a device use the choices that were measured on it before.
 *
 * @returns False when there are no such choices, or when they name a variant that cannot run here.
 */
export function useTuned(
  gpu: Adapter & { readonly name: string; choices: VariantChoices },
  host: string,
  tuned: Readonly<Record<string, unknown>>,
): boolean {
  const key = tuningKey(gpu, host);
  const choices = Object.hasOwn(tuned, key) ? readChoices(tuned[key]) : undefined;
  if (!choices || unrunnable(gpu, choices)) return false;
  gpu.choices = choices;
  return true;
}
