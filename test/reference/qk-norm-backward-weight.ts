import { headWeights, type QkNormCase } from './qk-norm-forward.ts';

/** Gradients of the query weight and the key weight of qk-norm over all rows, in float64. */
export function qkNormBackwardWeightReference(
  x: ArrayLike<number>,
  dy: ArrayLike<number>,
  dim: number,
  sizes: QkNormCase,
): { query: Float64Array; key: Float64Array } {
  const query = new Float64Array(dim);
  const key = new Float64Array(dim);
  // Each head adds to the gradient of its own weight.
  const gradients = headWeights(query, key, sizes) as (Float64Array | undefined)[];
  for (const [head, gradient] of gradients.entries()) {
    if (!gradient) continue;
    for (let start = head * dim; start < x.length; start += gradients.length * dim) {
      let square = sizes.epsilon;
      for (let d = 0; d < dim; d++) square += x[start + d] ** 2 / dim;
      for (let d = 0; d < dim; d++) {
        gradient[d] += (dy[start + d] * x[start + d]) / Math.sqrt(square);
      }
    }
  }
  return { query, key };
}
