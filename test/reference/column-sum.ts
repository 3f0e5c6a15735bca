/** Sums over blocks of `blockRows` rows of a (rows, width) matrix in float64: (blocks, width). */
export function columnSumReference(
  x: ArrayLike<number>,
  { rows, width, blocks, blockRows }: Readonly<Record<string, number>>,
): Float64Array {
  const out = new Float64Array(blocks * width);
  for (let n = rows - 1; n >= 0; n--) {
    const block = Math.floor(n / blockRows);
    for (let c = 0; c < width; c++) out[block * width + c] += x[n * width + c];
  }
  return out;
}
