// The lesson about LIM: learning curves as counts of right answers, and how sure their scores are.

/** Curves that are worth a look. */
export const presets = ['late', 'always', 'never', 'lucky', 'mean'] as const;
export type Preset = (typeof presets)[number];

/** Redraws of a cloud. */
export const REDRAWS = 200;

/** Shares of somebody who guesses, epoch by epoch and again from the first. */
const luck = [0.125, 0, 0.25, 0, 0.125] as const;

const within = (count: number, samples: number): number =>
  Math.min(samples, Math.max(0, Math.round(count)));

/**
 * Right answers of a preset in each epoch.
 *
 * @param mean The pool's mean share of right answers, one of each epoch.
 */
export function presetCounts(preset: Preset, mean: readonly number[], samples: number): number[] {
  const last = Math.max(1, mean.length - 1);
  return mean.map((value, epoch) => {
    switch (preset) {
      case 'always':
        return samples;
      case 'never':
        return 0;
      case 'late':
        return within(samples * (epoch / last) ** 3, samples);
      case 'lucky':
        return within(samples * (luck[epoch % luck.length] ?? 0), samples);
      case 'mean':
        return within(samples * value, samples);
    }
  });
}

/** Right answers of a prompt in each epoch; an epoch without a value takes the mean's. */
export const countsOf = (
  columns: readonly Float32Array[],
  prompt: number,
  mean: readonly number[],
  samples: number,
): number[] =>
  mean.map((value, epoch) => {
    const own = columns[epoch]?.[prompt] ?? NaN;
    return within(samples * (Number.isNaN(own) ? value : own), samples);
  });

/** What the redraws of a curve say of its score. */
export interface Cloud {
  /** Nine of ten redraws lie between them. */
  readonly low: number;
  readonly high: number;
  readonly mean: number;
  /** Share that reaches the threshold. */
  readonly kept: number;
}

/** @param scores Of redraws; NaN counts as not kept and is left out of the rest. */
export function cloudOf(scores: readonly number[], theta: number): Cloud {
  const sorted = scores.filter((score) => !Number.isNaN(score)).sort((a, b) => a - b);
  const at = (share: number): number => sorted[Math.round(share * (sorted.length - 1))] ?? NaN;
  return {
    low: at(0.05),
    high: at(0.95),
    mean: sorted.reduce((sum, score) => sum + score, 0) / sorted.length,
    kept: sorted.filter((score) => score >= theta).length / scores.length,
  };
}

/** A dot of a cloud: its column and its place in it, from below. */
export interface Dot {
  readonly column: number;
  readonly height: number;
}

/**
 * Scores as stacked dots; those below the axis stand in its first column.
 *
 * @param columns Of the axis from `low` to 1.
 */
export function dotsOf(scores: readonly number[], low: number, columns: number): Dot[] {
  const heights = new Map<number, number>();
  return scores.flatMap((score) => {
    if (Number.isNaN(score)) return [];
    const column = Math.min(
      columns - 1,
      Math.max(0, Math.floor(((score - low) / (1 - low)) * columns)),
    );
    const height = heights.get(column) ?? 0;
    heights.set(column, height + 1);
    return [{ column, height }];
  });
}

/** Where the score's axis begins: low enough for a prompt that is never solved, within reason. */
export const axisLow = (never: number): number => (never < -1 ? -2 : -1);
