export interface AttentionCase {
  readonly heads: number;
  readonly kvHeads: number;
  readonly headDim: number;
  readonly scale: number;
}

/** The columns of one query head in a row of fused queries, keys and values. */
export function columnsOf(head: number, { heads, kvHeads, headDim }: AttentionCase) {
  const kvHead = Math.floor((head * kvHeads) / heads);
  return {
    stride: (heads + 2 * kvHeads) * headDim,
    query: head * headDim,
    key: (heads + kvHead) * headDim,
    value: (heads + kvHeads + kvHead) * headDim,
  };
}

/**
 * Softmax of one row's scores over the keys it sees, in float64.
 *
 * @param keys The rows that it attends to, as a list. The kernels read spans instead.
 */
export function attentionProbabilities(
  qkv: ArrayLike<number>,
  row: number,
  head: number,
  keys: readonly number[],
  sizes: AttentionCase,
): { probabilities: number[]; lse: number } {
  const { stride, query, key } = columnsOf(head, sizes);
  const scores = keys.map((other) => {
    let score = 0;
    for (let d = sizes.headDim - 1; d >= 0; d--) {
      score += qkv[row * stride + query + d] * qkv[other * stride + key + d];
    }
    return score * sizes.scale;
  });
  const top = scores.reduce((most, score) => Math.max(most, score), -Infinity);
  const total = scores.reduceRight((sum, score) => sum + Math.exp(score - top), 0);
  return {
    probabilities: scores.map((score) => Math.exp(score - top) / total),
    lse: top + Math.log(total),
  };
}

/** Attention in float64: `out` (N, heads * headDim) and `lse` (N, heads). */
export function attentionForwardReference(
  qkv: ArrayLike<number>,
  visible: readonly (readonly number[])[],
  sizes: AttentionCase,
): { out: Float64Array; lse: Float64Array } {
  const { heads, headDim } = sizes;
  const out = new Float64Array(visible.length * heads * headDim);
  const lse = new Float64Array(visible.length * heads);
  for (let head = 0; head < heads; head++) {
    const { stride, value } = columnsOf(head, sizes);
    for (const [row, keys] of visible.entries()) {
      const softmax = attentionProbabilities(qkv, row, head, keys, sizes);
      lse[row * heads + head] = softmax.lse;
      for (const [j, other] of keys.entries()) {
        for (let d = 0; d < headDim; d++) {
          out[(row * heads + head) * headDim + d] +=
            softmax.probabilities[j] * qkv[other * stride + value + d];
        }
      }
    }
  }
  return { out, lse };
}
