// The cut that LIM makes through the scores, in words.
import type { LimSummary } from '../results.ts';
import { count, fixed } from './text.ts';

/** The score of the cut: theta, or the lowest kept score of a selection by count. */
export const cutOf = ({ theta, lowestKept }: LimSummary): number => lowestKept ?? theta;

/** The rule of the cut, as a short label. */
export const cutText = (lim: LimSummary): string =>
  isByCount(lim)
    ? `the ${count(lim.kept)} highest${lim.lowestKept === undefined ? '' : `, from ${fixed(lim.lowestKept)} up`}`
    : `θ = ${lim.theta}`;

/**
 * Whether LIM kept the highest scores by count. Results of older versions have `lowestKept` alone.
 */
export const isByCount = (lim: LimSummary): boolean =>
  lim.count !== undefined || lim.lowestKept !== undefined;
