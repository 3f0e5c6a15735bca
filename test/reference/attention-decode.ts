import type { DecodeCase, DecodeRow } from '../support/decode-case.ts';
import { ropeReference } from './rope.ts';

/** The results of one row, in float64. */
export interface DecodedRow {
  /** The output, (heads, D). */
  readonly out: Float64Array;
  /** The new slot of the row's cache: the keys of all key-value heads, then their values. */
  readonly slot: Float64Array;
}

/** Attention of one row: its newest query over its prompt, its cache and its own new key. */
export function attentionDecodeReference(
  given: DecodeCase,
  index: number,
  { start, prompt, length }: DecodeRow,
  {
    scale,
    theta,
    window = Infinity,
  }: { readonly scale: number; readonly theta?: number; readonly window?: number | undefined },
): DecodedRow {
  const { heads, kvHeads, headDim, columns, fused, cached } = given;
  const raw = given.qkv.subarray(index * fused, (index + 1) * fused);
  const own =
    theta === undefined
      ? Float64Array.from(raw)
      : ropeReference(raw, [prompt + length - 1], { heads: heads + kvHeads, headDim, theta });
  const slot = own.subarray(heads * headDim);
  // Keys and values together, one array per token, first to last.
  const past = [
    ...Array.from({ length: prompt }, (_, i) => {
      const at = (start + i) * cached;
      return Float64Array.from(given.prompts.subarray(at, at + cached));
    }),
    ...Array.from({ length: length - 1 }, (_, i) => {
      const at = (index * columns + i) * cached;
      return Float64Array.from(given.cache.subarray(at, at + cached));
    }),
    slot,
  ].slice(-window);
  const out = new Float64Array(heads * headDim);
  for (let head = 0; head < heads; head++) {
    const group = Math.floor((head * kvHeads) / heads);
    const scores = past.map((token) => {
      let sum = 0;
      for (let d = headDim - 1; d >= 0; d--) {
        sum += own[head * headDim + d] * token[group * headDim + d];
      }
      return sum * scale;
    });
    const top = Math.max(...scores);
    const weights = scores.map((score) => Math.exp(score - top));
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    for (const [i, token] of past.entries()) {
      for (let d = 0; d < headDim; d++) {
        out[head * headDim + d] += (weights[i] / total) * token[(kvHeads + group) * headDim + d];
      }
    }
  }
  return { out, slot };
}
