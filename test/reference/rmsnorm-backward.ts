/**
 * Input gradient of RMSNorm in float64, by the chain rule over the mean square m of each row:
 * dL/dx = dy w m^(-1/2) + dL/dm 2 x / C with dL/dm = -1/2 m^(-3/2) sum(dy w x).
 */
export function rmsnormBackwardReference(
  x: ArrayLike<number>,
  weight: ArrayLike<number>,
  dy: ArrayLike<number>,
  epsilon: number,
): Float64Array {
  const width = weight.length;
  const dx = new Float64Array(x.length);
  for (let start = x.length - width; start >= 0; start -= width) {
    let square = epsilon;
    let along = 0;
    for (let c = width - 1; c >= 0; c--) {
      square += (x[start + c] * x[start + c]) / width;
      along += dy[start + c] * weight[c] * x[start + c];
    }
    const slope = -0.5 * square ** -1.5 * along;
    for (let c = 0; c < width; c++) {
      dx[start + c] = (dy[start + c] * weight[c]) / Math.sqrt(square);
      dx[start + c] += (slope * 2 * x[start + c]) / width;
    }
  }
  return dx;
}
