import type { DecodeCase, DecodeRow } from '../support/decode-case.ts';

/** One row and head: softmax of its scores, then the weighted values, in float64. */
export function attentionDecodeMixReference(
  given: DecodeCase,
  row: number,
  { start, prompt }: DecodeRow,
  head: number,
  scores: readonly number[],
): Float64Array {
  const { heads, kvHeads, headDim, columns, fused, cached } = given;
  const group = Math.floor((head * kvHeads) / heads);
  const top = Math.max(...scores);
  const weights = scores.map((score) => Math.exp(score - top));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const out = new Float64Array(headDim);
  for (const [key, weight] of weights.entries()) {
    for (let d = 0; d < headDim; d++) {
      const value =
        key < prompt
          ? given.promptQkv[(start + key) * fused + (heads + kvHeads + group) * headDim + d]
          : given.cache[(row * columns + key - prompt) * cached + (kvHeads + group) * headDim + d];
      out[d] += (weight / total) * value;
    }
  }
  return out;
}
