import { momentsReference } from './moments.ts';

/** Values minus their mean, divided by their standard deviation, in float64. */
export function whitenReference(
  values: ArrayLike<number>,
  { centre = true, scale = true }: { centre?: boolean; scale?: boolean } = {},
): Float64Array {
  const { mean, variance } = momentsReference(values);
  const deviation = scale ? Math.sqrt(Math.max(variance, 1e-8)) : 1;
  return Float64Array.from(values, (value) => (value - (centre ? mean : 0)) / deviation);
}
