import { RandomStream } from '../random.ts';
import type { Interval } from './paired.ts';

/** How a bootstrap is drawn. */
export interface Drawn {
  readonly draws: number;
  /** Keys the draws. */
  readonly seed?: number;
  /** Share of the draws inside the interval. */
  readonly level?: number | undefined;
}

/** For each tier (seeds, prompts): a number of each seed and prompt. */
export type CrossedTable = readonly (readonly ArrayLike<number>[])[];

/**
 * Means over seeds and prompts, both drawn again with replacement and independently (the crossed
 * bootstrap: Owen 2007, doi:10.1214/07-AOAS122). Every seed answers the same prompts. Prompts are drawn
 * within their tier, and the mean is that of the tiers' means.
 *
 * @param tables Tables of the same seeds and prompts, which are drawn alike: a difference of two means
 *   of one draw is paired.
 * @returns For each table its mean in each draw.
 * @throws RangeError unless all tables and tiers have the same seeds, all seeds of a tier its prompts, and
 *   there is at least one of all.
 */
export function crossedMeans(
  tables: readonly CrossedTable[],
  { draws, seed = 0 }: Pick<Drawn, 'draws' | 'seed'>,
): Float64Array[] {
  const [first = []] = tables;
  const seeds = first[0]?.length ?? 0;
  const sizes = first.map((tier) => tier[0]?.length ?? 0);
  for (const table of tables) {
    const whole =
      table.length === sizes.length &&
      table.every(
        (tier, t) => tier.length === seeds && tier.every(({ length }) => length === sizes[t]),
      );
    if (!whole || sizes.includes(0)) {
      throw new RangeError('a crossed bootstrap needs every prompt of every seed');
    }
  }
  if (seeds === 0 || draws < 1) throw new RangeError('a crossed bootstrap of nothing');
  const means = tables.map(() => new Float64Array(draws));
  const chosen = new Uint32Array(seeds);
  const places = sizes.map((size) => new Uint32Array(size));
  const columns = sizes.map((size) => new Float64Array(size));
  for (let draw = 0; draw < draws; draw++) {
    const random = new RandomStream(seed, 'bootstrap', draw);
    for (let i = 0; i < seeds; i++) chosen[i] = random.below(seeds);
    for (const place of places) {
      for (let i = 0; i < place.length; i++) place[i] = random.below(place.length);
    }
    for (const [number, table] of tables.entries()) {
      let sum = 0;
      for (const [t, tier] of table.entries()) {
        const [column, place] = [columns[t], places[t]];
        if (column && place) sum += drawnMean(tier, chosen, place, column);
      }
      const own = means[number];
      if (own) own[draw] = sum / (sizes.length * seeds);
    }
  }
  return means;
}

/** The sum over the chosen seeds of the means over the prompts at `places`. `column` is overwritten. */
function drawnMean(
  tier: readonly ArrayLike<number>[],
  chosen: Uint32Array,
  places: Uint32Array,
  column: Float64Array,
): number {
  column.fill(0);
  for (const seed of chosen) {
    const row = tier[seed];
    if (row) for (let i = 0; i < column.length; i++) column[i] = (column[i] ?? 0) + (row[i] ?? 0);
  }
  let total = 0;
  for (const place of places) total += column[place] ?? 0;
  return total / column.length;
}

/** The percentile interval of a mean over seeds and prompts: `crossedMeans` of one table. */
export function crossedBootstrap(tiers: CrossedTable, { draws, seed = 0, level }: Drawn): Interval {
  const [means = new Float64Array()] = crossedMeans([tiers], { draws, seed });
  return percentiles(means, level);
}

/** The interval that holds the middle of some values. @param level Share of them inside. */
export function percentiles(values: Float64Array, level = 0.95): Interval {
  const sorted = values.toSorted();
  const at = (share: number): number => {
    const place = share * (sorted.length - 1);
    const [below, above] = [sorted[Math.floor(place)] ?? NaN, sorted[Math.ceil(place)] ?? NaN];
    return below + (above - below) * (place - Math.floor(place));
  };
  return { low: at((1 - level) / 2), high: at((1 + level) / 2) };
}
