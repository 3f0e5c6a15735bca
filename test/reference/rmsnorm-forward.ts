/** `out = x / sqrt(mean(x^2) + epsilon) * weight` per row, in float64; `rstd` is 1 / sqrt(...). */
export function rmsnormForwardReference(
  x: ArrayLike<number>,
  weight: ArrayLike<number>,
  epsilon: number,
): { out: Float64Array; rstd: Float64Array } {
  const width = weight.length;
  const rows = x.length / width;
  const meanSquares = new Float64Array(rows);
  for (let c = 0; c < width; c++) {
    for (let n = 0; n < rows; n++) meanSquares[n] += x[n * width + c] ** 2 / width;
  }
  const rstd = meanSquares.map((square) => 1 / Math.sqrt(square + epsilon));
  const out = Float64Array.from(
    { length: x.length },
    (_, i) => x[i] * weight[i % width] * rstd[Math.floor(i / width)],
  );
  return { out, rstd };
}
