/** `out = x weight^T + bias + residual` in float64: x (M, K), weight (N, K), out (M, N). */
export function matmulForwardReference(
  x: ArrayLike<number>,
  weight: ArrayLike<number>,
  [rows, inner, columns]: readonly [number, number, number],
  { bias, residual }: { bias?: ArrayLike<number>; residual?: ArrayLike<number> } = {},
): Float64Array {
  const out = new Float64Array(rows * columns);
  for (let k = 0; k < inner; k++) {
    for (let n = 0; n < columns; n++) {
      for (let i = 0; i < rows; i++) {
        out[i * columns + n] += x[i * inner + k] * weight[n * inner + k];
      }
    }
  }
  return out.map((sum, at) => sum + (bias?.[at % columns] ?? 0) + (residual?.[at] ?? 0));
}
