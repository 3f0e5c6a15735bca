import { scoreGradients } from './attention-backward-query.ts';
import { columnsOf, type AttentionCase } from './attention-forward.ts';

/**
 * Key and value gradients of attention in float64, (N, kvHeads * headDim) each. Here every query
 * scatters to the keys it sees; the kernel instead walks the queries of each key.
 */
export function attentionBackwardKeyValueReference(
  qkv: ArrayLike<number>,
  dout: ArrayLike<number>,
  visible: readonly (readonly number[])[],
  sizes: AttentionCase,
): { dk: Float64Array; dv: Float64Array } {
  const { heads, kvHeads, headDim, scale } = sizes;
  const dk = new Float64Array(visible.length * kvHeads * headDim);
  const dv = new Float64Array(visible.length * kvHeads * headDim);
  for (let head = heads - 1; head >= 0; head--) {
    const { stride, query } = columnsOf(head, sizes);
    const kvHead = Math.floor(head / (heads / kvHeads));
    for (const [row, keys] of visible.entries()) {
      const { ds, probabilities } = scoreGradients(qkv, dout, row, head, keys, sizes);
      for (const [j, other] of keys.entries()) {
        for (let d = 0; d < headDim; d++) {
          const at = (other * kvHeads + kvHead) * headDim + d;
          dk[at] += scale * ds[j] * qkv[row * stride + query + d];
          dv[at] += probabilities[j] * dout[(row * heads + head) * headDim + d];
        }
      }
    }
  }
  return { dk, dv };
}
