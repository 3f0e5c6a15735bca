import { momentsReference } from './moments.ts';

/** Count, mean and summed squared deviation of part `part` of 2048, in float64. */
export function momentsPartialReference(
  values: ArrayLike<number>,
  part: number,
): { count: number; mean: number; m2: number } {
  const run = 64 * Math.ceil(values.length / 2048);
  const own = Array.from(values).filter((_, i) => Math.floor(i / run) * 64 + (i % 64) === part);
  const { mean, variance } = momentsReference(own);
  return { count: own.length, mean, m2: variance * own.length };
}
