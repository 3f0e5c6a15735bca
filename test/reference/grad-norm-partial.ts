/**
 * Sum of squares of part `part` of a page, in float64: 64 parts interleave by vectors of four in
 * each run of `64 * perThread` vectors.
 */
export function gradNormPartialReference(
  gradients: ArrayLike<number>,
  perThread: number,
  part: number,
): number {
  let sum = 0;
  for (let i = gradients.length - 1; i >= 0; i--) {
    const vector = Math.floor(i / 4);
    const run = Math.floor(vector / (64 * perThread));
    if (run * 64 + (vector % 64) === part) sum += gradients[i] ** 2;
  }
  return sum;
}
