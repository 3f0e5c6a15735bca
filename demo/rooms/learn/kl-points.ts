// The lesson about KL: what three recorded trainings measured.
import type { RecordedLessons } from '../../../src/lessons/recorded.ts';

type KlRun = RecordedLessons['kl'][number];

/** What the trainings can be compared by. */
export const measures = ['kl', 'accuracy', 'reward', 'entropy'] as const;
export type Measure = (typeof measures)[number];

/** Updates over which a noisy measure is averaged. */
const WINDOW = 5;

/** Measures of a training over its updates; those of a rollout as the mean of the last five. */
export function pointsOf(
  run: KlRun,
  measure: Measure,
): (readonly [update: number, value: number])[] {
  if (measure === 'accuracy') return [[0, run.base], ...run.accuracy];
  return run.updates.map((_, i) => {
    const window = run.updates.slice(Math.max(0, i + 1 - WINDOW), i + 1);
    return [i + 1, window.reduce((sum, one) => sum + one[measure], 0) / window.length];
  });
}

/** The measure at the last point that is not after an update; undefined before the first. */
export const valueAt = (
  run: KlRun | undefined,
  measure: Measure,
  update: number,
): number | undefined => run && pointsOf(run, measure).findLast(([at]) => at <= update)?.[1];
