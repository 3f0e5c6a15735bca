/** The cache (R, T, columns) after one write; `status` holds length and finish reason per row. */
export function cacheWriteReference(
  cache: ArrayLike<number>,
  qkv: ArrayLike<number>,
  status: ArrayLike<number>,
  { rows, slots, columns }: { rows: number; slots: number; columns: number },
): Float64Array {
  const out = Float64Array.from(cache);
  const capacity = out.length / (slots * columns);
  const fused = qkv.length / capacity;
  for (let row = 0; row < rows; row++) {
    const length = status[row * 2];
    if (length === 0 || status[row * 2 + 1] !== 0) continue;
    for (let column = 0; column < columns; column++) {
      out[(row * slots + length - 1) * columns + column] =
        qkv[(row + 1) * fused - columns + column]!;
    }
  }
  return out;
}
