/** `dx = dy weight` in float64: dy (M, N), weight (N, K), dx (M, K). */
export function matmulBackwardInputReference(
  dy: ArrayLike<number>,
  weight: ArrayLike<number>,
  [rows, inner, columns]: readonly [number, number, number],
): Float64Array {
  const dx = new Float64Array(rows * inner);
  for (let n = 0; n < columns; n++) {
    for (let i = 0; i < rows; i++) {
      for (let k = 0; k < inner; k++) {
        dx[i * inner + k] += dy[i * columns + n] * weight[n * inner + k];
      }
    }
  }
  return dx;
}
