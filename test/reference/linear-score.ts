/**
 * Rise and R^2 of the least-squares line through each row, in float64; NaN if there is no line.
 * Unlike the shader, it uses raw moments and the normal equations, not deviations.
 */
export function linearScoreReference(
  sums: ArrayLike<number>,
  samples: ArrayLike<number>,
  epochs: number,
): { readonly rise: number; readonly r2: number; readonly present: number }[] {
  const rows = [];
  for (let row = 0; row < sums.length; row += epochs) {
    const [xs, ys]: [number[], number[]] = [[], []];
    for (let k = epochs - 1; k >= 0; k--) {
      if (samples[row + k] === 0) continue;
      xs.push(k);
      ys.push(sums[row + k] / samples[row + k]);
    }
    const n = xs.length;
    const dot = (a: readonly number[], b: readonly number[]): number =>
      a.reduce((sum, x, i) => sum + x * b[i], 0);
    const ones = xs.map(() => 1);
    const [sx, sy] = [dot(xs, ones), dot(ys, ones)];
    const slope = (n * dot(xs, ys) - sx * sy) / (n * dot(xs, xs) - sx * sx);
    const intercept = (sy - slope * sx) / n;
    const residual = ys.reduce((sum, y, i) => sum + (y - intercept - slope * xs[i]) ** 2, 0);
    const total = ys.reduce((sum, y) => sum + (y - sy / n) ** 2, 0);
    rows.push({ rise: slope * (epochs - 1), r2: 1 - residual / total, present: n });
  }
  return rows;
}
