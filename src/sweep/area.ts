import { readoutOf } from '../readouts.ts';
import type { Accuracy, Evaluation, ExperimentResults } from '../results.ts';
import { trapezoidWeights } from '../statistics/area.ts';

/** Evaluations whose weighted accuracies are the area under a curve; the weights sum to 1. */
export type AreaTerms = readonly { readonly accuracy: Accuracy; readonly weight: number }[];

/**
 * The area under a training's curve of accuracy, over its length: the mean accuracy from the base up to
 * a read-out, by the trapezoid rule between read-outs.
 *
 * @param evaluations Those of one method and seed, in any order.
 * @param to Where the area ends, in the unit of the config's read-outs.
 * @returns Undefined unless the training was read out at `to`.
 */
export function areaTerms(
  { config, base }: Pick<ExperimentResults, 'config' | 'base'>,
  evaluations: readonly Evaluation[],
  to: number,
): AreaTerms | undefined {
  const read = new Map<number, Accuracy>([[0, base]]);
  for (const evaluation of evaluations) {
    const place = readoutOf(config, evaluation);
    if (place > 0 && place <= to) read.set(place, evaluation);
  }
  if (!(to > 0) || !read.has(to)) return undefined;
  const places = [...read.keys()].sort((a, b) => a - b);
  const weights = trapezoidWeights(places);
  return places.flatMap((place, i) => {
    const accuracy = read.get(place);
    return accuracy ? [{ accuracy, weight: weights[i] ?? 0 }] : [];
  });
}

/** The area in [0, 1]. */
export const areaOf = (terms: AreaTerms): number =>
  terms.reduce((sum, { accuracy, weight }) => sum + weight * accuracy.mean, 0);
