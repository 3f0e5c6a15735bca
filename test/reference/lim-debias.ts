/**
 * LIM scores from which the noise of the counts is taken, in float64; NaN where no epoch is
 * present. Unlike the shader, it corrects each squared distance, by the sample variance of the n
 * answers themselves over n.
 */
export function limDebiasReference(
  sums: ArrayLike<number>,
  samples: ArrayLike<number>,
  curve: readonly number[],
): number[] {
  const scores = [];
  for (let row = 0; row < sums.length; row += curve.length) {
    let [distance, scale, present] = [0, 0, 0];
    for (let k = curve.length - 1; k >= 0; k--) {
      const n = samples[row + k];
      if (n === 0) continue;
      const right = sums[row + k];
      const mean = right / n;
      // Sum over the answers, `right` ones and n - `right` zeros, of the squared deviation.
      const deviation = right * (1 - mean) ** 2 + (n - right) * mean ** 2;
      const variance = n === 1 ? 0 : deviation / (n - 1) / n;
      distance += (mean - curve[k]) ** 2 - variance;
      scale += (1 - curve[k]) ** 2;
      present++;
    }
    scores.push(present === 0 ? NaN : 1 - distance / scale);
  }
  return scores;
}
