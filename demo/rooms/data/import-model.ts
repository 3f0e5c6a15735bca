// Numbers and shapes of an import's pictures. No DOM.
import type { ImportedScores } from '../../../src/entries/browser.ts';

/** Scores from the highest, without those that are none. */
export const sortedScores = (scores: Float64Array): Float64Array =>
  scores.filter((score) => !Number.isNaN(score)).sort((a, b) => b - a);

/**
 * Number of scores of at least a threshold.
 *
 * @param sorted From the highest.
 */
export function keptAt(sorted: Float64Array, threshold: number): number {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((sorted[middle] ?? NaN) >= threshold) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The lowest score that is kept of the `count` highest; undefined if nothing is. */
export const thresholdOf = (sorted: Float64Array, count: number): number | undefined =>
  count < 1 ? undefined : sorted[Math.min(count, sorted.length) - 1];

/** Places of the prompts from the highest score, those without a score last; ties by place. */
export function placesByScore(scores: Float64Array): Uint32Array {
  const places = Uint32Array.from(scores, (_, place) => place);
  const rank = (place: number): number => {
    const score = scores[place] ?? NaN;
    return Number.isNaN(score) ? -Infinity : score;
  };
  return places.sort((a, b) => rank(b) - rank(a) || a - b);
}

/** Lowest score of a histogram: what is further below is counted with it. */
export const HISTOGRAM_FLOOR = -1;

/** Counts of scores in equal bins from `HISTOGRAM_FLOOR` to 1; what is below the floor is in the first. */
export function histogram(sorted: Float64Array, bins: number): number[] {
  const counts = new Array<number>(bins).fill(0);
  const width = (1 - HISTOGRAM_FLOOR) / bins;
  for (const score of sorted) {
    const bin = Math.floor((score - HISTOGRAM_FLOOR) / width);
    const place = Math.min(bins - 1, Math.max(0, bin));
    counts[place] = (counts[place] ?? 0) + 1;
  }
  return counts;
}

/** A map of at most so many columns: each the mean of neighbours in the order given. */
export interface Cells {
  readonly columns: number;
  readonly epochs: number;
  /** Row-major (epochs, columns); NaN where no prompt of a column has a value. */
  readonly values: Float32Array;
}

/**
 * A matrix as a map: prompts from left to right, epochs from top to bottom.
 *
 * @param order Places of the prompts.
 */
export function cellsOf(
  { values, epochs }: Pick<ImportedScores, 'values' | 'epochs'>,
  order: Uint32Array,
  most: number,
): Cells {
  const columns = Math.min(order.length, Math.max(1, Math.floor(most)));
  const cells = new Float32Array(columns * epochs);
  for (let column = 0; column < columns; column++) {
    const first = Math.floor((column * order.length) / columns);
    const end = Math.max(first + 1, Math.floor(((column + 1) * order.length) / columns));
    for (let epoch = 0; epoch < epochs; epoch++) {
      let [sum, count] = [0, 0];
      for (let i = first; i < end; i++) {
        const value = values[(order[i] ?? 0) * epochs + epoch] ?? NaN;
        if (Number.isNaN(value)) continue;
        sum += value;
        count++;
      }
      cells[epoch * columns + column] = count > 0 ? sum / count : NaN;
    }
  }
  return { columns, epochs, values: cells };
}

/** Names of what did not fit together in an import, in the order of telling. */
export const oddities = [
  'unmatchedRows',
  'duplicateEntries',
  'partialEntries',
  'missingEntries',
  'mergedPrompts',
  'neverRolledOut',
  'rowsWithoutSignal',
  'repeatedRows',
  'rowsPastEnd',
  'cutRows',
  'emptyFiles',
  'filesLeftOut',
] as const;
export type Oddity = (typeof oddities)[number];

/** What did not fit together, with counts; nothing for a clean import. */
export const odditiesOf = (
  summary: ImportedScores['summary'],
): readonly (readonly [Oddity, number])[] =>
  oddities.flatMap((name) => {
    const count = summary[name] ?? 0;
    return count > 0 ? [[name, count] as const] : [];
  });

/** A typed number; undefined for an empty field. @throws RangeError for what is no number in range. */
export function typedNumber(text: string, least: number, most: number): number | undefined {
  const words = text.trim();
  if (words === '') return undefined;
  const value = /^[+-]?(\d+\.?\d*|\.\d+)$/.test(words) ? Number(words) : NaN;
  if (value >= least && value <= most) return value;
  throw new RangeError(words);
}
