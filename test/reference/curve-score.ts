/**
 * Mean, variance over epochs, and mean of r (1 - r) of each row's present entries, in float64; NaN
 * where there is none. Unlike the shader, the variance comes from pairs of entries: half the mean
 * squared difference.
 */
export function curveScoreReference(
  sums: ArrayLike<number>,
  samples: ArrayLike<number>,
  epochs: number,
): { readonly mean: number; readonly variance: number; readonly group: number }[] {
  const rows = [];
  for (let row = 0; row < sums.length; row += epochs) {
    const values: number[] = [];
    for (let k = epochs - 1; k >= 0; k--) {
      if (samples[row + k] > 0) values.push(sums[row + k] / samples[row + k]);
    }
    const n = values.length;
    const mean = values.reduce((sum, value) => sum + value / n, n === 0 ? NaN : 0);
    let pairs = 0;
    for (const one of values) for (const other of values) pairs += (one - other) ** 2;
    const squares = values.reduce((sum, value) => sum + value * value, 0);
    rows.push({ mean, variance: pairs / (2 * n * n), group: mean - squares / n });
  }
  return rows;
}
