import type { Part } from './low-rank-forward.ts';

/** Gradient of an adapter's second factor (features of all parts, rank), in float64. */
export function lowRankBackwardWeightReference(
  dy: ArrayLike<number>,
  t: ArrayLike<number>,
  parts: readonly Part[],
  { rows, rank }: { readonly rows: number; readonly rank: number },
): Float64Array {
  const owners = parts.flatMap(({ features, scale }, p) =>
    Array.from({ length: features }, () => ({ p, scale })),
  );
  const width = owners.length;
  const db = new Float64Array(width * rank);
  for (let i = rows - 1; i >= 0; i--) {
    for (const [n, { p, scale }] of owners.entries()) {
      for (let j = 0; j < rank; j++) {
        db[n * rank + j] += scale * dy[i * width + n] * t[(i * parts.length + p) * rank + j];
      }
    }
  }
  return db;
}
