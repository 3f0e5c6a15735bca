/**
 * Weights by which the heights of a line at its points give its mean height between the first point
 * and the last: the trapezoid rule over the length. They sum to 1.
 *
 * @param places Where the points lie, rising.
 * @throws RangeError unless there are two places or more, and each lies behind the one before.
 */
export function trapezoidWeights(places: readonly number[]): number[] {
  const steps = places.slice(1).map((place, i) => place - (places[i] ?? NaN));
  if (steps.length === 0 || !steps.every((step) => step > 0)) {
    throw new RangeError(`no area over the places ${places.join(', ')}`);
  }
  const length = steps.reduce((sum, step) => sum + step, 0);
  return places.map((_, i) => ((steps[i - 1] ?? 0) + (steps[i] ?? 0)) / (2 * length));
}
