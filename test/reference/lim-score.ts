/**
 * LIM scores in float64, from the definition 1 - sum (r - m)^2 / sum (1 - m)^2 over the epochs
 * present; NaN if there is no score. Unlike the shader, it works on curves, not on deficits.
 */
export function limScoreReference(
  sums: ArrayLike<number>,
  samples: ArrayLike<number>,
  curve: readonly number[],
): number[] {
  const scores: number[] = [];
  for (let row = 0; row < sums.length; row += curve.length) {
    let distance = 0;
    let scale = 0;
    let present = 0;
    for (let k = curve.length - 1; k >= 0; k--) {
      if (samples[row + k] === 0) continue;
      present++;
      distance += (sums[row + k] / samples[row + k] - curve[k]) ** 2;
      scale += (1 - curve[k]) ** 2;
    }
    if (scale > 0) scores.push(1 - distance / scale);
    else scores.push(present > 0 && distance === 0 ? 0 : NaN);
  }
  return scores;
}
