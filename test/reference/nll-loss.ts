/** Loss and gradient of each action in float64, one at a time. */
export function nllLossReference(logprobs: ArrayLike<number>, weights: ArrayLike<number>) {
  const loss: number[] = [];
  const gradient: number[] = [];
  for (let i = logprobs.length - 1; i >= 0; i--) {
    loss.unshift(0 - logprobs[i]);
    gradient.unshift(weights[i] * -1);
  }
  return { loss, gradient };
}
