/** `out[a] = x[index[a]]` over rows of `width`. */
export function gatherRowsReference(
  index: ArrayLike<number>,
  x: ArrayLike<number>,
  width: number,
): Float64Array {
  const out = new Float64Array(index.length * width);
  for (let c = 0; c < width; c++) {
    for (let a = 0; a < index.length; a++) out[a * width + c] = x[index[a] * width + c];
  }
  return out;
}
