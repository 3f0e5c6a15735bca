/** One AdamW update in float64, in place, `update` counting from 1 (Loshchilov and Hutter). */
export function adamwReference(
  page: { weights: Float64Array; first: Float64Array; second: Float64Array },
  gradients: ArrayLike<number>,
  hyper: {
    readonly update: number;
    readonly learningRate: number;
    readonly betas: readonly [number, number];
    readonly epsilon: number;
    readonly weightDecay: number;
    readonly decayEnd: number;
    readonly scale: number;
  },
): void {
  const [beta1, beta2] = hyper.betas;
  page.weights.forEach((weight, i) => {
    const gradient = gradients[i] * hyper.scale;
    page.first[i] = beta1 * page.first[i] + (1 - beta1) * gradient;
    page.second[i] = beta2 * page.second[i] + (1 - beta2) * gradient ** 2;
    const unbiasedFirst = page.first[i] / (1 - beta1 ** hyper.update);
    const unbiasedSecond = page.second[i] / (1 - beta2 ** hyper.update);
    const decay = i < hyper.decayEnd ? hyper.weightDecay : 0;
    page.weights[i] =
      weight * (1 - hyper.learningRate * decay) -
      (hyper.learningRate * unbiasedFirst) / (Math.sqrt(unbiasedSecond) + hyper.epsilon);
  });
}
