/** `dw = dy^T x` in float64: dy (M, N), x (M, K), dw (N, K). */
export function matmulBackwardWeightReference(
  dy: ArrayLike<number>,
  x: ArrayLike<number>,
  [rows, inner, columns]: readonly [number, number, number],
): Float64Array {
  const dw = new Float64Array(columns * inner);
  for (let n = 0; n < columns; n++) {
    for (let k = 0; k < inner; k++) {
      for (let i = rows - 1; i >= 0; i--) {
        dw[n * inner + k] += dy[i * columns + n] * x[i * inner + k];
      }
    }
  }
  return dw;
}
