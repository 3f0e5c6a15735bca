/** Strided column sums of a matrix of partial sums, in float64. */
export function limReduceReference(
  partials: ArrayLike<number>,
  entries: ArrayLike<number>,
  epochs: number,
  stripes: number,
  divide: boolean,
): { partials: number[]; entries: number[] } {
  const sums = new Array<number>(stripes * epochs).fill(0);
  const counts = new Array<number>(stripes * epochs).fill(0);
  for (let row = 0; row * epochs < partials.length; row++) {
    for (let k = 0; k < epochs; k++) {
      sums[(row % stripes) * epochs + k] += partials[row * epochs + k];
      counts[(row % stripes) * epochs + k] += entries[row * epochs + k];
    }
  }
  if (divide) for (let i = 0; i < sums.length; i++) sums[i] /= Math.max(1, counts[i]);
  return { partials: sums, entries: counts };
}
