import type { RewardMatrix } from './matrix.ts';

/**
 * lim-fill on the host, for rows scored again in float64 and for files that show the scored matrix.
 * Rules: `shaders/lim-fill.wgsl`.
 *
 * @returns A new matrix. A dropped prompt has no samples in any epoch.
 */
export function fillRows(matrix: RewardMatrix): RewardMatrix {
  const { prompts, epochs } = matrix;
  const sums = matrix.sums.slice();
  const samples = matrix.samples.slice();
  for (let row = 0; row < prompts * epochs; row += epochs) {
    let dropped = false;
    for (let k = 0; k < epochs; k++) {
      const next = row + k + 1;
      if (samples[row + k] === 0 && k + 1 < epochs) {
        sums[row + k] = sums[next] ?? 0;
        samples[row + k] = samples[next] ?? 0;
      }
      dropped ||= samples[row + k] === 0;
    }
    if (dropped) samples.fill(0, row, row + epochs);
  }
  return { prompts, epochs, sums, samples };
}
