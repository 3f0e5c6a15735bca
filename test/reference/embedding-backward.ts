/** `table + sum over rows n with ids[n] = v of dx[n]`, row v, in float64. */
export function embeddingBackwardReference(
  ids: ArrayLike<number>,
  dx: ArrayLike<number>,
  before: ArrayLike<number>,
  width: number,
): Float64Array {
  const out = Float64Array.from(before);
  for (let n = ids.length - 1; n >= 0; n--) {
    for (let c = 0; c < width; c++) out[ids[n] * width + c] += dx[n * width + c];
  }
  return out;
}
