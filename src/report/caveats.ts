// Limits of a comparison of methods, in sentences for page and report.
import { leastSeeds } from '../interval.ts';
import { counted } from './text.ts';

/** The smallest p of an exact two-sided test of paired seeds: all signs alike, out of 2^n. */
export const leastP = (seeds: number): number => 2 ** (1 - seeds);

/** A sentence for runs with fewer seeds than an exact test needs for p = .05; else undefined. */
export function seedsCaveat(seeds: number): string | undefined {
  if (seeds < leastSeeds) {
    return `${seeds === 1 ? 'One seed' : 'Two seeds'}: intervals are over held-out prompts, and another seed may order the methods otherwise.`;
  }
  const least = leastP(seeds);
  if (least <= 0.05) return undefined;
  return (
    `Intervals are Student’s t over ${seeds} seeds; an exact two-sided test of ${seeds} seeds cannot go ` +
    `below p = ${Number(least.toPrecision(3))}.`
  );
}

/** Number of wrong keys in the training prompts of two methods, summed over the seeds. */
export interface WrongKeys {
  readonly lim: number;
  readonly rand: number;
}

/** A sentence for runs in which RAND trained on more wrong keys than LIM; else undefined. */
export function wrongKeysCaveat({ lim, rand }: WrongKeys): string | undefined {
  if (rand <= lim) return undefined;
  return (
    `RAND trained on ${counted(rand, 'wrong key')}, LIM on ${lim === 0 ? 'none' : lim}: what LIM is ahead of RAND by is not ` +
    'separated from the removal of wrong keys.'
  );
}

/** The effect of the pool's strata on scores. */
export const strataCaveat =
  'The pool’s difficulty has three modes by construction: easy, learnable and hard prompts with nothing ' +
  'between. How cleanly a score separates them here says nothing about pools that were not made so.';
