import { headWeights, type QkNormCase } from './qk-norm-forward.ts';

/** Input gradient of qk-norm in float64, by the Jacobian of each head; values pass through. */
export function qkNormBackwardReference(
  x: ArrayLike<number>,
  query: ArrayLike<number>,
  key: ArrayLike<number>,
  dy: ArrayLike<number>,
  sizes: QkNormCase,
): Float64Array {
  const dim = query.length;
  const weights = headWeights(query, key, sizes);
  const dx = Float64Array.from(dy);
  for (const [head, weight] of weights.entries()) {
    if (!weight) continue;
    for (let start = head * dim; start < x.length; start += weights.length * dim) {
      let square = sizes.epsilon;
      for (let d = 0; d < dim; d++) square += x[start + d] ** 2 / dim;
      for (let d = 0; d < dim; d++) {
        // d out_k / d x_d = weight_k ([k == d] / rms - x_k x_d / (D rms^3))
        let sum = 0;
        for (let k = 0; k < dim; k++) {
          const same = k === d ? 1 / Math.sqrt(square) : 0;
          const jacobian = same - (x[start + k] * x[start + d]) / (dim * square ** 1.5);
          sum += dy[start + k] * weight[k] * jacobian;
        }
        dx[start + d] = sum;
      }
    }
  }
  return dx;
}
