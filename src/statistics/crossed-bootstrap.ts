import { RandomStream } from '../random.ts';
import type { Interval } from './paired.ts';

/** How a bootstrap is drawn. */
export interface Drawn {
  readonly draws: number;
  /** Keys the draws. */
  readonly seed?: number;
  /** Share of the draws inside the interval. */
  readonly level?: number;
}

/**
 * A percentile interval of a mean difference over seeds and prompts, both drawn again with
 * replacement and independently (the crossed bootstrap: Owen 2007, doi:10.1214/07-AOAS122). Every
 * seed answers the same prompts. Prompts are drawn within their tier, and the mean is that of the
 * tiers' means.
 *
 * @param tiers For each tier (seeds, prompts): the difference of each seed and prompt.
 * @throws RangeError unless all tiers have the same seeds, all seeds of a tier its prompts, and
 *   there is at least one of all.
 */
export function crossedBootstrap(
  tiers: readonly (readonly ArrayLike<number>[])[],
  { draws, seed = 0, level = 0.95 }: Drawn,
): Interval {
  const seeds = tiers[0]?.length ?? 0;
  for (const tier of tiers) {
    const prompts = tier[0]?.length ?? 0;
    if (tier.length !== seeds || prompts === 0 || tier.some((row) => row.length !== prompts)) {
      throw new RangeError('a crossed bootstrap needs every prompt of every seed');
    }
  }
  if (seeds === 0 || draws < 1) throw new RangeError('a crossed bootstrap of nothing');
  const means = new Float64Array(draws);
  const columns = tiers.map((tier) => new Float64Array(tier[0]?.length ?? 0));
  for (let draw = 0; draw < draws; draw++) {
    const random = new RandomStream(seed, 'bootstrap', draw);
    for (const column of columns) column.fill(0);
    for (let drawn = 0; drawn < seeds; drawn++) {
      const chosen = random.below(seeds);
      for (const [t, tier] of tiers.entries()) {
        const [row, column] = [tier[chosen], columns[t]];
        if (row && column)
          for (let i = 0; i < column.length; i++) column[i] = (column[i] ?? 0) + (row[i] ?? 0);
      }
    }
    let sum = 0;
    for (const column of columns) {
      let total = 0;
      for (let i = 0; i < column.length; i++) total += column[random.below(column.length)] ?? 0;
      sum += total / column.length;
    }
    means[draw] = sum / (tiers.length * seeds);
  }
  means.sort();
  const at = (share: number): number => {
    const place = share * (draws - 1);
    const [below, above] = [means[Math.floor(place)] ?? NaN, means[Math.ceil(place)] ?? NaN];
    return below + (above - below) * (place - Math.floor(place));
  };
  return { low: at((1 - level) / 2), high: at((1 + level) / 2) };
}
