/**
 * Gradient of `sum_a dlogprob_a logprob_a + dentropy sum_a weight_a entropy_a` with respect to the
 * logits, in float64. It computes the softmax itself and does not read the stored lse and entropy.
 */
export function logitsBackwardReference(
  logits: ArrayLike<number>,
  targets: ArrayLike<number>,
  dlogprob: ArrayLike<number>,
  weights: ArrayLike<number>,
  { temperature, dentropy }: { temperature: number; dentropy: number },
): Float64Array {
  const count = targets.length;
  const vocabulary = logits.length / count;
  const gradient = new Float64Array(logits.length);
  for (let a = 0; a < count; a++) {
    const z = Array.from(
      { length: vocabulary },
      (_, v) => logits[a * vocabulary + v] / temperature,
    );
    const top = z.reduce((most, value) => Math.max(most, value), -Infinity);
    const total = z.reduce((sum, value) => sum + Math.exp(value - top), 0);
    const p = z.map((value) => Math.exp(value - top) / total);
    // H = log(total) + top - sum p z, so that dH/dz_v = p_v (sum_u p_u z_u - z_v).
    const mean = p.reduce((sum, share, v) => sum + share * z[v], 0);
    for (let v = 0; v < vocabulary; v++) {
      const policy = dlogprob[a] * (Number(v === targets[a]) - p[v]);
      const spread = dentropy * weights[a] * p[v] * (mean - z[v]);
      gradient[a * vocabulary + v] = (policy + spread) / temperature;
    }
  }
  return gradient;
}
