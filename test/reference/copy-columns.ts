/** `out[i, to + c] = x[i, from + c]` for `c < count`, `i < rows`; all other numbers as they were. */
export function copyColumnsReference(
  x: ArrayLike<number>,
  xColumns: number,
  before: ArrayLike<number>,
  outColumns: number,
  { rows, count, from, to }: { rows: number; count: number; from: number; to: number },
): Float64Array {
  const out = Float64Array.from(before);
  for (let row = 0; row < rows; row++) {
    for (let c = 0; c < count; c++) {
      out[row * outColumns + to + c] = x[row * xColumns + from + c];
    }
  }
  return out;
}
