/** `out[n, c] = table[ids[n], c]`. */
export function embeddingForwardReference(
  ids: ArrayLike<number>,
  table: ArrayLike<number>,
  width: number,
): Float64Array {
  const out = new Float64Array(ids.length * width);
  for (let c = 0; c < width; c++) {
    for (let n = 0; n < ids.length; n++) out[n * width + c] = table[ids[n] * width + c];
  }
  return out;
}
