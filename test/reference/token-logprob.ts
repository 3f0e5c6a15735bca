/** Log-softmax of each row at its target, and the row's entropy in nats, in float64. */
export function tokenLogprobReference(
  logits: ArrayLike<number>,
  targets: ArrayLike<number>,
  temperature: number,
): { logprobs: Float64Array; lse: Float64Array; entropy: Float64Array } {
  const count = targets.length;
  const vocabulary = logits.length / count;
  const logprobs = new Float64Array(count);
  const lse = new Float64Array(count);
  const entropy = new Float64Array(count);
  for (let a = 0; a < count; a++) {
    const z = Array.from(
      { length: vocabulary },
      (_, v) => logits[a * vocabulary + v] / temperature,
    );
    const top = z.reduce((most, value) => Math.max(most, value), -Infinity);
    lse[a] = top + Math.log(z.reduceRight((sum, value) => sum + Math.exp(value - top), 0));
    logprobs[a] = z[targets[a]] - lse[a];
    for (const value of z) entropy[a] -= Math.exp(value - lse[a]) * (value - lse[a]);
  }
  return { logprobs, lse, entropy };
}
