/** Mean deficit 1 - r of each epoch over the prompts present, and their number, in float64. */
export function limMeanReference(
  sums: ArrayLike<number>,
  samples: ArrayLike<number>,
  epochs: number,
): { deficits: number[]; entries: number[] } {
  const deficits: number[] = [];
  const entries: number[] = [];
  for (let k = 0; k < epochs; k++) {
    const present: number[] = [];
    for (let i = k; i < sums.length; i += epochs) {
      if (samples[i] > 0) present.push(1 - sums[i] / samples[i]);
    }
    entries.push(present.length);
    deficits.push(present.reduce((sum, deficit) => sum + deficit, 0) / Math.max(1, present.length));
  }
  return { deficits, entries };
}
