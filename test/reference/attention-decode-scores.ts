import type { DecodeCase, DecodeRow } from '../support/decode-case.ts';

/** Scores of one row and head over its prompt and its response, in float64. */
export function attentionDecodeScoresReference(
  given: DecodeCase,
  row: number,
  { start, prompt, length }: DecodeRow,
  head: number,
  scale: number,
): number[] {
  const { heads, kvHeads, headDim, columns, fused, cached } = given;
  const group = Math.floor((head * kvHeads) / heads);
  const dot = (source: Float32Array, at: number): number => {
    let sum = 0;
    for (let d = headDim - 1; d >= 0; d--) {
      sum += given.qkv[row * fused + head * headDim + d] * source[at + d];
    }
    return sum * scale;
  };
  return [
    ...Array.from({ length: prompt }, (_, i) =>
      dot(given.promptQkv, (start + i) * fused + (heads + group) * headDim),
    ),
    ...Array.from({ length }, (_, i) =>
      dot(given.cache, (row * columns + i) * cached + group * headDim),
    ),
  ];
}
