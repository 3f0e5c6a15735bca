import { attentionProbabilities, type AttentionCase } from './attention-forward.ts';

/**
 * What listed rows attend to, in float64: (heads, rows, keys). A row's keys are given as a list, and
 * stand in its order; numbers past them are 0.
 */
export function attentionWeightsReference(
  qkv: ArrayLike<number>,
  rows: readonly number[],
  visible: readonly (readonly number[])[],
  sizes: AttentionCase,
  keys: number,
): Float64Array {
  const weights = new Float64Array(sizes.heads * rows.length * keys);
  for (const [a, row] of rows.entries()) {
    for (let head = 0; head < sizes.heads; head++) {
      const { probabilities } = attentionProbabilities(qkv, row, head, visible[row], sizes);
      const first = (head * rows.length + a) * keys;
      for (let j = 0; j < Math.min(keys, probabilities.length); j++) {
        weights[first + j] = probabilities[j];
      }
    }
  }
  return weights;
}
