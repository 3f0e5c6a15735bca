/** `dweight[c] = sum_n dy[n, c] x[n, c] / rms[n]` in float64. */
export function rmsnormBackwardWeightReference(
  x: ArrayLike<number>,
  dy: ArrayLike<number>,
  width: number,
  epsilon: number,
): Float64Array {
  const dweight = new Float64Array(width);
  for (let start = x.length - width; start >= 0; start -= width) {
    let square = 0;
    for (let c = 0; c < width; c++) square += x[start + c] ** 2;
    const rms = Math.sqrt(square / width + epsilon);
    for (let c = 0; c < width; c++) dweight[c] += (dy[start + c] * x[start + c]) / rms;
  }
  return dweight;
}
