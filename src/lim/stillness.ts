import { RandomStream } from '../random.ts';
import { binomialQuantile } from '../statistics/binomial.ts';
import type { MissingRule } from '../vocabulary/signals.ts';
import { ExactCurve, exactScore } from './exact.ts';
import { fillRows } from './fill.ts';
import type { RewardMatrix } from './matrix.ts';

/** How much a ranking by LIM score moved with its last data epoch, beside its sampling noise. */
export interface Stillness {
  /** 1 - Jaccard index of the highest prompts with and without the last data epoch. */
  readonly change: number;
  /** Mean of 1 - Jaccard index of the highest prompts and those of resampled matrices. */
  readonly noise: number;
}

/** Whether a ranking moved no more than it would if the same samples were drawn again. */
export const isStill = ({ change, noise }: Stillness): boolean => change <= noise;

/**
 * Measures whether the ranking of a pool has come to rest, in float64.
 *
 * A resampled matrix has the same counts; its right responses are binomial with
 * p = (right + 1/2) / (count + 1), as the observed share is never exactly 0 or 1.
 *
 * @param matrix Right responses and samples of the data epochs so far, at least two.
 * @param options.count The highest prompts that are compared: as many as LIM keeps.
 * @param options.seed Keys the resampling, with the number of data epochs and the resample.
 */
export function stillnessOf(
  matrix: RewardMatrix,
  options: {
    readonly count: number;
    readonly resamples: number;
    readonly rule: MissingRule;
    readonly seed: number;
  },
): Stillness {
  const { count, resamples, rule, seed } = options;
  const { epochs } = matrix;
  const now = highest(matrix, rule, count);
  const before = highest(firstColumns(matrix, epochs - 1), rule, count);
  let noise = 0;
  for (let i = 0; i < resamples; i++) {
    const drawn = resampled(matrix, new RandomStream(seed, 'stillness', epochs, i));
    noise += distance(now, highest(drawn, rule, count)) / resamples;
  }
  return { change: distance(now, before), noise };
}

/** The first data epochs of a matrix. */
export function firstColumns(matrix: RewardMatrix, epochs: number): RewardMatrix {
  const { prompts, epochs: all } = matrix;
  const place = (i: number): number => Math.floor(i / epochs) * all + (i % epochs);
  const length = prompts * epochs;
  return {
    prompts,
    epochs,
    sums: Float64Array.from({ length }, (_, i) => matrix.sums[place(i)] ?? 0),
    samples: Uint32Array.from({ length }, (_, i) => matrix.samples[place(i)] ?? 0),
  };
}

/** The prompts with the highest scores; equal scores in the pool's order. */
function highest(given: RewardMatrix, rule: MissingRule, count: number): ReadonlySet<number> {
  const matrix = rule === 'limr' ? fillRows(given) : given;
  const curve = new ExactCurve(matrix.epochs);
  curve.add(matrix);
  const deficits = curve.deficits();
  const scored = Array.from({ length: matrix.prompts }, (_, prompt) => ({
    prompt,
    score: exactScore(matrix, prompt, deficits),
  })).filter(({ score }) => !Number.isNaN(score));
  scored.sort((a, b) => b.score - a.score || a.prompt - b.prompt);
  return new Set(scored.slice(0, count).map(({ prompt }) => prompt));
}

/** 1 - Jaccard index; 0 for two empty sets. */
function distance(one: ReadonlySet<number>, other: ReadonlySet<number>): number {
  const both = [...one].filter((prompt) => other.has(prompt)).length;
  const any = one.size + other.size - both;
  return any === 0 ? 0 : 1 - both / any;
}

function resampled({ sums, samples, ...shape }: RewardMatrix, stream: RandomStream): RewardMatrix {
  return {
    ...shape,
    sums: Float64Array.from(sums, (right, i) => {
      const count = samples[i] ?? 0;
      return count === 0 ? 0 : binomialQuantile(stream.float(), count, (right + 0.5) / (count + 1));
    }),
    samples,
  };
}
