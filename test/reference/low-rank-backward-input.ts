import type { Part } from './low-rank-forward.ts';

/** Gradient of an adapter's inner values (rows, parts times rank), in float64. */
export function lowRankBackwardInputReference(
  dy: ArrayLike<number>,
  b: ArrayLike<number>,
  parts: readonly Part[],
  { rows, rank }: { readonly rows: number; readonly rank: number },
): Float64Array {
  const width = parts.reduce((sum, { features }) => sum + features, 0);
  return Float64Array.from({ length: rows * parts.length * rank }, (_, at) => {
    const j = at % rank;
    const p = Math.floor(at / rank) % parts.length;
    const row = Math.floor(at / rank / parts.length);
    const first = parts.slice(0, p).reduce((sum, { features }) => sum + features, 0);
    let sum = 0;
    for (let n = first + parts[p].features - 1; n >= first; n--) {
      sum += dy[row * width + n] * b[n * rank + j];
    }
    return parts[p].scale * sum;
  });
}
