import { attentionProbabilities, columnsOf, type AttentionCase } from './attention-forward.ts';

/**
 * Gradient of one row's scores in float64, through the Jacobian of the softmax:
 * ds_j = p_j (dp_j - sum_k p_k dp_k) with dp_j = dot(dout, v_j). The sum over k is `delta`.
 */
export function scoreGradients(
  qkv: ArrayLike<number>,
  dout: ArrayLike<number>,
  row: number,
  head: number,
  keys: readonly number[],
  sizes: AttentionCase,
): { ds: number[]; probabilities: number[]; delta: number } {
  const { stride, value } = columnsOf(head, sizes);
  const { probabilities } = attentionProbabilities(qkv, row, head, keys, sizes);
  const dp = keys.map((other) => {
    let sum = 0;
    for (let d = 0; d < sizes.headDim; d++) {
      sum += dout[(row * sizes.heads + head) * sizes.headDim + d] * qkv[other * stride + value + d];
    }
    return sum;
  });
  const delta = probabilities.reduce((sum, p, j) => sum + p * dp[j], 0);
  return { ds: probabilities.map((p, j) => p * (dp[j] - delta)), probabilities, delta };
}

/** Query gradient (N, heads * headDim) and `delta` (N, heads) of attention in float64. */
export function attentionBackwardQueryReference(
  qkv: ArrayLike<number>,
  dout: ArrayLike<number>,
  visible: readonly (readonly number[])[],
  sizes: AttentionCase,
): { dq: Float64Array; delta: Float64Array } {
  const { heads, headDim, scale } = sizes;
  const dq = new Float64Array(visible.length * heads * headDim);
  const delta = new Float64Array(visible.length * heads);
  for (let head = 0; head < heads; head++) {
    const { stride, key } = columnsOf(head, sizes);
    for (const [row, keys] of visible.entries()) {
      const { ds, delta: own } = scoreGradients(qkv, dout, row, head, keys, sizes);
      delta[row * heads + head] = own;
      for (const [j, other] of keys.entries()) {
        for (let d = 0; d < headDim; d++) {
          dq[(row * heads + head) * headDim + d] += scale * ds[j] * qkv[other * stride + key + d];
        }
      }
    }
  }
  return { dq, delta };
}
