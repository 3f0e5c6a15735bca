/**
 * The id whose step of the cumulative distribution contains `draw`, and the distance from the draw
 * to the nearer edge of the step. Within rounding of an edge, a kernel may pick the neighbour.
 */
export function sampleTokenReference(
  probabilities: Float64Array,
  draw: number,
): { token: number; margin: number } {
  let below = 0;
  for (const [token, probability] of probabilities.entries()) {
    if (draw < below + probability) {
      return { token, margin: Math.min(draw - below, below + probability - draw) };
    }
    below += probability;
  }
  return { token: probabilities.findLastIndex((probability) => probability > 0), margin: 0 };
}

/** Log-softmax of the raw logits at one id. */
export function rawLogprob(logits: ArrayLike<number>, token: number): number {
  const values = Array.from(logits);
  const top = values.reduce((most, value) => Math.max(most, value), -Infinity);
  return logits[token] - top - Math.log(values.reduce((sum, x) => sum + Math.exp(x - top), 0));
}
