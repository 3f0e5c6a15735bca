import { mean, sampleStandardDeviation } from 'simple-statistics';
import { studentCumulative, studentQuantile } from './student.ts';

/** An interval of a mean. */
export interface Interval {
  readonly low: number;
  readonly high: number;
}

/**
 * Student's interval of the mean.
 *
 * @param level Share of such intervals that hold the true mean.
 * @returns Undefined for fewer than two values.
 */
export function meanInterval(values: readonly number[], level = 0.95): Interval | undefined {
  if (values.length < 2) return undefined;
  const center = mean([...values]);
  const error = sampleStandardDeviation([...values]) / Math.sqrt(values.length);
  const half = studentQuantile((1 + level) / 2, values.length - 1) * error;
  return { low: center - half, high: center + half };
}

/** Whether a mean difference is as small as a margin. */
export interface Equivalence extends Interval {
  readonly margin: number;
  /** The larger p of the two one-sided tests. */
  readonly p: number;
  /** Whether the interval of level 1 - 2 alpha lies within the margin on both sides. */
  readonly level: boolean;
}

/**
 * Two one-sided t-tests of mean differences of at least ± margin (Schuirmann 1987).
 *
 * @returns Undefined for fewer than two differences.
 */
export function equivalence(
  differences: readonly number[],
  margin: number,
  alpha = 0.05,
): Equivalence | undefined {
  const interval = meanInterval(differences, 1 - 2 * alpha);
  if (!interval) return undefined;
  const center = mean([...differences]);
  const error = sampleStandardDeviation([...differences]) / Math.sqrt(differences.length);
  const degrees = differences.length - 1;
  const room = margin - Math.abs(center);
  const p = error > 0 ? studentCumulative(-room / error, degrees) : room > 0 ? 0 : 1;
  return { ...interval, margin, p, level: interval.low > -margin && interval.high < margin };
}

/** The mean without the lowest and the highest quarter of the values, each rounded down. */
export function interquartileMean(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const cut = Math.floor(values.length / 4);
  return mean(sorted.slice(cut, sorted.length - cut));
}

/**
 * The chance that a value of the one group is above a value of the other; ties count half (Agarwal
 * et al. 2021, arXiv:2108.13264).
 */
export function probabilityOfImprovement(one: readonly number[], other: readonly number[]): number {
  let wins = 0;
  for (const a of one) for (const b of other) wins += a > b ? 1 : a === b ? 0.5 : 0;
  return wins / (one.length * other.length);
}
