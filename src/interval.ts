import { mean } from 'simple-statistics';
import type { ExperimentConfig } from './config.ts';
import type { Accuracy } from './results.ts';
import { meanInterval } from './statistics/paired.ts';
import { outsideTierSizesOf, tierSizesOf } from './tasks/registry.ts';

/** A mean with its 95 % interval. */
export interface Estimate {
  readonly mean: number;
  readonly low: number;
  readonly high: number;
  /** The population of the interval: seeds, or the held-out prompts of one trained model. */
  readonly over: 'seeds' | 'prompts';
}

/** Fewest seeds for an interval over seeds. */
export const leastSeeds = 3;

/** 97.5 % point of the normal distribution. */
const Z = 1.959963984540054;

/** Student's interval for the mean of at least two independent values. */
export function studentInterval(values: readonly number[]): Estimate {
  const interval = meanInterval(values);
  if (!interval) throw new RangeError('an interval over fewer than two values');
  return { mean: mean([...values]), ...interval, over: 'seeds' };
}

/** Wilson's interval for a share of `count` trials; its width stays above 0 at shares 0 and 1. */
export function wilsonInterval(share: number, count: number): Estimate {
  const square = Z * Z;
  const center = (share + square / (2 * count)) / (1 + square / count);
  const half =
    (Z * Math.sqrt((share * (1 - share)) / count + square / (4 * count * count))) /
    (1 + square / count);
  return {
    mean: share,
    low: Math.max(0, center - half),
    high: Math.min(1, center + half),
    over: 'prompts',
  };
}

/**
 * The interval of a weighted sum of independent estimates, from their own intervals: the squared
 * distances to the limits are added (Zou and Donner 2008). Weights may be negative.
 */
export function combine(
  parts: readonly { readonly estimate: Estimate; readonly weight: number }[],
): Estimate {
  let center = 0;
  let below = 0;
  let above = 0;
  for (const { estimate, weight } of parts) {
    center += weight * estimate.mean;
    const [down, up] = [estimate.mean - estimate.low, estimate.high - estimate.mean];
    below += (weight * (weight > 0 ? down : up)) ** 2;
    above += (weight * (weight > 0 ? up : down)) ** 2;
  }
  return {
    mean: center,
    low: center - Math.sqrt(below),
    high: center + Math.sqrt(above),
    over: 'prompts',
  };
}

/**
 * Number of evaluated held-out prompts, by tier. Tiers of unknown size are left out.
 *
 * @param evaluated An evaluation, which tells sizes that the config does not tell.
 */
export function tierPrompts(
  config: ExperimentConfig,
  evaluated?: Pick<Accuracy, 'prompts'>,
): ReadonlyMap<string, number> {
  if (evaluated?.prompts) return new Map(Object.entries(evaluated.prompts));
  const { task, evaluation } = config;
  return new Map(
    [...tierSizesOf(task), ...outsideTierSizesOf(task)].flatMap(([name, size]) =>
      size === undefined ? [] : [[name, Math.min(size, evaluation.prompts)]],
    ),
  );
}

/** One model's accuracy for one way of answering. */
export type Reading = Pick<Accuracy, 'mean' | 'tiers' | 'outOfDistribution'>;

/**
 * The accuracy of a method at a read-out, from one reading per seed. With at least three seeds the
 * interval is Student's over seeds. With fewer seeds the interval is over the held-out prompts:
 * Wilson's for each tier, then the mean of the tiers; it says nothing about other seeds. Samples of
 * one prompt are not independent, so they count as one trial; the interval of sampled answers is
 * therefore too wide rather than too narrow.
 *
 * @returns Undefined if nothing was evaluated. An estimate without interval (low = high = mean) if
 *   the size of a tier is unknown.
 */
export function accuracyOf(
  readings: readonly Reading[],
  sizes: ReadonlyMap<string, number>,
): Estimate | undefined {
  const tiers = Object.keys(readings[0]?.tiers ?? {});
  if (tiers.length === 0) return undefined;
  const means = readings.map((reading) => reading.mean);
  if (readings.length >= leastSeeds) return clamped(studentInterval(means));
  const center = mean(means);
  const parts = tiers.flatMap((tier) => {
    const count = sizes.get(tier);
    if (count === undefined) return [];
    const share = mean(readings.map((reading) => reading.tiers[tier] ?? 0));
    return [{ estimate: wilsonInterval(share, count), weight: 1 / tiers.length }];
  });
  if (parts.length === 0 || parts.length < tiers.length) {
    return { mean: center, low: center, high: center, over: 'prompts' };
  }
  return clamped({ ...combine(parts), mean: center });
}

/**
 * The accuracy of one method minus another's. With at least three common seeds the interval is
 * paired by seed. With fewer seeds it is over prompts, as if the methods had answered different
 * prompts: too wide rather than too narrow.
 */
export function differenceOf(
  one: ReadonlyMap<number, Reading>,
  other: ReadonlyMap<number, Reading>,
  sizes: ReadonlyMap<string, number>,
): Estimate | undefined {
  const seeds = [...one.keys()].filter((seed) => other.has(seed));
  const readings = (of: ReadonlyMap<number, Reading>): Reading[] =>
    seeds.flatMap((seed) => of.get(seed) ?? []);
  const [ours, theirs] = [readings(one), readings(other)];
  if (seeds.length >= leastSeeds) {
    return studentInterval(ours.map((reading, i) => reading.mean - (theirs[i]?.mean ?? 0)));
  }
  const [a, b] = [accuracyOf(ours, sizes), accuracyOf(theirs, sizes)];
  if (!a || !b) return undefined;
  return combine([
    { estimate: a, weight: 1 },
    { estimate: b, weight: -1 },
  ]);
}

const clamped = (estimate: Estimate): Estimate => ({
  ...estimate,
  low: Math.max(0, estimate.low),
  high: Math.min(1, estimate.high),
});
