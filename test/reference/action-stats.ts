/** The amounts that one micro-batch adds to the eight totals, in float64. */
export function actionStatsReference(
  stats: ArrayLike<number>,
  weights: ArrayLike<number>,
  extras: ArrayLike<number>,
  count: number,
): Float64Array {
  const totals = new Float64Array(8);
  for (let i = count - 1; i >= 0; i--) {
    const [loss, second, third, fourth] = Array.from({ length: 4 }, (_, c) => stats[i * 4 + c]);
    const added = [weights[i] * loss, second, third, fourth, extras[i], 1, loss, weights[i]];
    added.forEach((value, c) => (totals[c] += value));
  }
  return totals;
}
