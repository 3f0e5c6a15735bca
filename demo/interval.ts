import type { Evaluation, ExperimentConfig } from '../src/index.ts';

/** A mean with its 95 % interval, and what the interval is over. */
export interface Interval {
  readonly mean: number;
  readonly low: number;
  readonly high: number;
  readonly over: 'seeds' | 'prompts';
}

// Student's t at 0.975 for 2, 3, ... degrees of freedom: as many as a page has seeds.
const quantiles = [4.303, 3.182, 2.776, 2.571, 2.447, 2.365] as const;

/**
 * The mean accuracy of one method at one read-out, over the evaluations of its seeds. From three
 * seeds up the interval is Student's over seeds; below, it is over the held-out prompts, each tier
 * by Agresti and Coull so that 0 and 1 keep a width, and says nothing about other seeds.
 *
 * @returns Undefined without evaluations, and where the task does not tell how many prompts a tier has.
 */
export function intervalOf(
  evaluations: readonly Evaluation[],
  config: ExperimentConfig,
): Interval | undefined {
  const means = evaluations.map(({ mean }) => mean);
  const count = means.length;
  if (count === 0) return undefined;
  const mean = average(means);
  const t = quantiles[count - 3];
  if (t !== undefined) {
    const variance = means.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (count - 1);
    return around(mean, mean, t * Math.sqrt(variance / count), 'seeds');
  }
  if (config.task.name !== 'arithmetic') return undefined;
  const { tiers } = config.task;
  let center = 0;
  let variance = 0;
  tiers.forEach(({ prompts }, i) => {
    const right = average(evaluations.map((one) => one.tiers[`T${i + 1}`] ?? 0)) * prompts;
    const share = (right + 2) / (prompts + 4);
    center += share / tiers.length;
    variance += (share * (1 - share)) / (prompts + 4) / tiers.length ** 2;
  });
  return around(mean, center, 1.96 * Math.sqrt(variance), 'prompts');
}

const average = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

const around = (mean: number, center: number, half: number, over: Interval['over']): Interval => ({
  mean,
  low: Math.max(0, center - half),
  high: Math.min(1, center + half),
  over,
});
