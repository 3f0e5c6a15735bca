import type { RewardMatrix } from './matrix.ts';

/** Adds up 1 - signal per epoch in float64, block by block. Each partial sum covers 64 rows. */
export class ExactCurve {
  readonly #totals: Float64Array;
  readonly #entries: Float64Array;

  constructor(epochs: number) {
    this.#totals = new Float64Array(epochs);
    this.#entries = new Float64Array(epochs);
  }

  add({ prompts, epochs, sums, samples }: RewardMatrix): void {
    const block = new Float64Array(epochs);
    for (let first = 0; first < prompts; first += 64) {
      block.fill(0);
      const end = Math.min(prompts, first + 64) * epochs;
      for (let i = first * epochs, k = 0; i < end; i++) {
        const count = samples[i] ?? 0;
        if (count > 0) {
          block[k] = (block[k] ?? 0) + (count - (sums[i] ?? 0)) / count;
          this.#entries[k] = (this.#entries[k] ?? 0) + 1;
        }
        if (++k === epochs) k = 0;
      }
      for (let k = 0; k < epochs; k++) {
        this.#totals[k] = (this.#totals[k] ?? 0) + (block[k] ?? 0);
      }
    }
  }

  /** 1 - mean signal per epoch; 0 where no prompt is present. */
  deficits(): Float64Array {
    return this.#totals.map((total, k) => total / Math.max(1, this.#entries[k] ?? 0));
  }
}

/**
 * The score of one row in float64; NaN if the row has no score. Rules: `shaders/lim-score.wgsl`.
 *
 * @param debias Whether the noise of the counts is taken out: `shaders/lim-debias.wgsl`.
 */
export function exactScore(
  matrix: RewardMatrix,
  row: number,
  deficits: Float64Array,
  debias = false,
): number {
  const { epochs, sums, samples } = matrix;
  let distance = 0;
  let scale = 0;
  let present = false;
  for (let k = 0; k < epochs; k++) {
    const i = row * epochs + k;
    const count = samples[i] ?? 0;
    if (count === 0) continue;
    present = true;
    const deficit = deficits[k] ?? 0;
    const wrong = (count - (sums[i] ?? 0)) / count;
    const difference = deficit - wrong;
    distance += difference * difference;
    if (debias && count > 1) distance -= (wrong * (1 - wrong)) / (count - 1);
    scale += deficit * deficit;
  }
  if (scale > 0) return 1 - distance / scale;
  return present && distance === 0 ? 0 : NaN;
}
