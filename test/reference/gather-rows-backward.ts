/** `dx[index[a]] += dout[a]` from zero, over `rows` rows, in float64. */
export function gatherRowsBackwardReference(
  index: ArrayLike<number>,
  dout: ArrayLike<number>,
  rows: number,
): Float64Array {
  const width = dout.length / index.length;
  const dx = new Float64Array(rows * width);
  for (let a = index.length - 1; a >= 0; a--) {
    for (let c = 0; c < width; c++) dx[index[a] * width + c] += dout[a * width + c];
  }
  return dx;
}
