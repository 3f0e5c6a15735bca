/** A part of a fused matrix: its output features and its scale. */
export interface Part {
  readonly features: number;
  readonly scale: number;
}

/** What an adapter adds to an output (rows, features of all parts), in float64, part by part. */
export function lowRankForwardReference(
  t: ArrayLike<number>,
  b: ArrayLike<number>,
  parts: readonly Part[],
  { rows, rank }: { readonly rows: number; readonly rank: number },
): Float64Array {
  const width = parts.reduce((sum, { features }) => sum + features, 0);
  const out = new Float64Array(rows * width);
  let first = 0;
  for (const [p, { features, scale }] of parts.entries()) {
    for (let n = first + features - 1; n >= first; n--) {
      for (let j = rank - 1; j >= 0; j--) {
        for (let i = 0; i < rows; i++) {
          out[i * width + n] += scale * b[n * rank + j] * t[i * parts.length * rank + p * rank + j];
        }
      }
    }
    first += features;
  }
  return out;
}
