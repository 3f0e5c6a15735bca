import { readoutOf, readoutUnit } from '../readouts.ts';
import { accuracyOf, leastSeeds, studentInterval, tierPrompts } from '../interval.ts';
import type { Evaluation, ExperimentResults } from '../results.ts';
import { inTableOrder, methodOf, type MethodName } from '../selection/methods.ts';
import { areaOf, areaTerms } from './area.ts';

/** The FULL pass of a cell. */
export interface ReadPass {
  readonly prompts: number;
  readonly epochs: number;
  /** Share of right samples, (prompts, epochs) by rows; NaN where an epoch missed a prompt. */
  readonly accuracy: Float32Array;
  /** LIM scores; NaN for a prompt without score. */
  readonly scores: Float64Array;
  readonly wrongKeys?: readonly boolean[];
  /** Chosen prompts of each method, ascending. */
  readonly selections: Readonly<Partial<Record<MethodName, readonly number[]>>>;
}

/** What curves and differences are read from. */
export type ReadResults = Pick<ExperimentResults, 'config' | 'base' | 'seeds' | 'methods'> &
  Partial<Pick<ExperimentResults, 'adapter' | 'host' | 'configHash'>>;

/** A finished cell: one config, one seed. */
export interface ReadCell {
  readonly hash: string;
  readonly factors: Readonly<Record<string, unknown>>;
  readonly seed: number;
  /** Of other seeds too, where one run had several. */
  readonly results: ReadResults;
  /** Absent where no more than numbers of accuracy were read. */
  readonly pass?: () => Promise<ReadPass>;
}

/** A finished cell with all of its results. */
export interface WholeCell extends ReadCell {
  readonly results: ExperimentResults;
  readonly pass: () => Promise<ReadPass>;
}

/** What the tables and figures of a sweep are made from. */
export interface ReadSweep<Cell extends ReadCell = WholeCell> {
  readonly grid: {
    readonly preset: string;
    readonly config?: unknown;
    readonly factors: Readonly<Record<string, readonly unknown[]>>;
    readonly methods: readonly MethodName[];
    readonly seeds: readonly number[];
  };
  readonly cells: readonly Cell[];
  /** Number of cells of the whole grid. */
  readonly planned: number;
}

/** The cells that agree in all factors: one a seed. */
export interface Condition<Cell extends ReadCell = ReadCell> {
  readonly factors: Readonly<Record<string, unknown>>;
  /** In order of seed; empty if no cell has finished. */
  readonly cells: readonly Cell[];
}

/** What a curve is drawn over. */
export type Axis = 'updates' | 'epochs' | 'samples';

/** A mean over seeds. */
export interface Mean {
  readonly mean: number;
  /**
   * 95 % interval: Student's t over at least three seeds; with fewer seeds undefined for a
   * difference, and Wilson's over held-out prompts for an accuracy whose tier sizes are known.
   */
  readonly interval?: readonly [low: number, high: number];
  readonly bySeed: readonly { readonly seed: number; readonly value: number }[];
}

/** One method at one read-out. */
export interface Point {
  /** In the unit of the config's read-outs. */
  readonly readout: number;
  readonly accuracy: Mean;
  /** Place on each axis, the mean over seeds. */
  readonly at: Readonly<Record<Axis, number>>;
  /** Samples before the read-out, without those of the selection. */
  readonly trained: number;
}

/** The difference of two methods at one read-out of the first. */
export interface DifferencePoint extends Mean {
  readonly readout: number;
}

/** Sorted by the product of the grid's factors, the last factor fastest. */
export function conditionsOf<Cell extends ReadCell>({
  grid,
  cells,
}: Pick<ReadSweep<Cell>, 'grid' | 'cells'>): Condition<Cell>[] {
  const names = Object.keys(grid.factors);
  let products: Record<string, unknown>[] = [{}];
  for (const name of names) {
    products = products.flatMap((made) =>
      (grid.factors[name] ?? []).map((value) => ({ ...made, [name]: value })),
    );
  }
  const key = (factors: Readonly<Record<string, unknown>>): string =>
    JSON.stringify(names.map((name) => factors[name] ?? null));
  const held = grouped(cells, ({ factors }) => key(factors));
  return products.map((factors) => ({
    factors,
    cells: [...(held.get(key(factors)) ?? [])].sort((a, b) => a.seed - b.seed),
  }));
}

/** The methods of the grid, FULL first and in the order of tables. */
export const sweepMethods = ({ grid }: Pick<ReadSweep, 'grid'>): MethodName[] =>
  inTableOrder(grid.methods);

/** The config of a condition's cells; undefined before the first cell. */
export const configOf = (condition: Condition): ReadResults['config'] | undefined =>
  condition.cells[0]?.results.config;

/** The unit of read-outs: `update` or `data epoch`. */
export function sweepUnit({ cells }: Pick<ReadSweep<ReadCell>, 'cells'>): string {
  const [first] = cells;
  return first ? readoutUnit(first.results.config) : 'update';
}

/** Responses that a method's selection costs in a cell. */
export function selectionSamples({ results }: ReadCell, method: MethodName): number {
  const { experiment, rollout } = results.config;
  const prompts = results.seeds[0]?.pool.prompts ?? 0;
  return methodOf(method).samples({
    prompts,
    epochs: experiment.epochs,
    samples: rollout.samples,
  });
}

/** Number of prompts that a method trains on in a cell: its own selection, or the pool. */
export function promptsOf({ results, seed }: ReadCell, method: MethodName): number {
  const summary = results.seeds.find((one) => one.seed === seed) ?? results.seeds[0];
  return summary?.selections[method]?.prompts ?? summary?.pool.prompts ?? 0;
}

const evaluationsOf = ({ results, seed }: ReadCell, method: MethodName): Evaluation[] =>
  (results.methods[method]?.evaluations ?? []).filter((one) => one.seed === seed);

function grouped<Item, Key>(items: readonly Item[], keyOf: (item: Item) => Key): Map<Key, Item[]> {
  const groups = new Map<Key, Item[]>();
  for (const item of items) {
    const key = keyOf(item);
    const group = groups.get(key);
    if (group) group.push(item);
    else groups.set(key, [item]);
  }
  return groups;
}

const average = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

/** A mean of differences, or of other numbers that are not shares. */
export function meanOf(bySeed: Mean['bySeed']): Mean {
  const values = bySeed.map(({ value }) => value);
  if (values.length < leastSeeds) return { mean: average(values), bySeed };
  const { mean, low, high } = studentInterval(values);
  return { mean, interval: [low, high], bySeed };
}

/** A mean of shares: its interval lies in [0, 1]. */
export function shareMean(bySeed: Mean['bySeed']): Mean {
  const mean = meanOf(bySeed);
  const [low, high] = mean.interval ?? [];
  return low === undefined || high === undefined
    ? mean
    : { ...mean, interval: [Math.max(0, low), Math.min(1, high)] };
}

/** A mean of accuracies; its interval lies in [0, 1]. */
function accuracyMean(
  { results }: ReadCell,
  found: readonly { readonly seed: number; readonly evaluation: Evaluation }[],
): Mean {
  const [first] = found;
  const bySeed = found.map(({ seed, evaluation }) => ({ seed, value: evaluation.mean }));
  const estimate = accuracyOf(
    found.map(({ evaluation }) => evaluation),
    tierPrompts(results.config, first?.evaluation),
  );
  return {
    mean: average(bySeed.map(({ value }) => value)),
    ...(estimate && estimate.low < estimate.high
      ? { interval: [estimate.low, estimate.high] as const }
      : {}),
    bySeed,
  };
}

/** Own epochs of an evaluation: samples for training over those of one pass through its prompts. */
function ownEpochs(cell: ReadCell, method: MethodName, { samples }: Evaluation): number {
  const pass = promptsOf(cell, method) * cell.results.config.rollout.samples;
  return pass === 0 ? 0 : samples / pass;
}

/** A method's read-outs that any seed has, in order. */
export function pointsOf(condition: Condition, method: MethodName): readonly Point[] {
  const held = readPoints.get(condition) ?? new Map<MethodName, readonly Point[]>();
  readPoints.set(condition, held);
  const found = held.get(method) ?? readPointsOf(condition, method);
  held.set(method, found);
  return found;
}

/** Points are read many times, by every figure of a condition. */
const readPoints = new WeakMap<Condition, Map<MethodName, readonly Point[]>>();

function readPointsOf(condition: Condition, method: MethodName): Point[] {
  const read = condition.cells.flatMap((cell) =>
    evaluationsOf(cell, method).map((evaluation) => ({
      cell,
      evaluation,
      readout: readoutOf(cell.results.config, evaluation),
    })),
  );
  return [...grouped(read, ({ readout }) => readout)]
    .sort(([a], [b]) => a - b)
    .flatMap(([readout, found]): Point[] => {
      const cell = found[0]?.cell;
      if (!cell) return [];
      const trained = average(found.map(({ evaluation }) => evaluation.samples));
      const point = {
        readout,
        accuracy: accuracyMean(
          cell,
          found.map((one) => ({ seed: one.cell.seed, evaluation: one.evaluation })),
        ),
        at: {
          updates: average(found.map(({ evaluation }) => evaluation.update)),
          epochs: average(found.map(({ cell, evaluation }) => ownEpochs(cell, method, evaluation))),
          samples: trained + average(found.map(({ cell }) => selectionSamples(cell, method))),
        },
        trained,
      };
      return [point];
    });
}

/** The base's accuracy, which seeds may share. */
export const baseAccuracy = ({ cells }: Condition): number | undefined =>
  cells.length === 0 ? undefined : average(cells.map(({ results }) => results.base.mean));

/** One method minus another at each read-out that both have, paired by seed. */
export function differencesOf(
  condition: Condition,
  one: MethodName,
  other: MethodName,
): DifferencePoint[] {
  const theirs = new Map(
    pointsOf(condition, other).map(({ readout, accuracy }) => [readout, accuracy]),
  );
  return pointsOf(condition, one).flatMap(({ readout, accuracy }) => {
    const values = new Map(theirs.get(readout)?.bySeed.map(({ seed, value }) => [seed, value]));
    const bySeed = accuracy.bySeed.flatMap(({ seed, value }) => {
      const against = values.get(seed);
      return against === undefined ? [] : [{ seed, value: value - against }];
    });
    return bySeed.length === 0 ? [] : [{ readout, ...meanOf(bySeed) }];
  });
}

/**
 * One method minus another at equal total samples, the samples of both selections charged: at each
 * read-out of the first, the second's accuracy is interpolated between its read-outs, its own and
 * the base's before its first. A read-out is left out unless every seed of the first that has it
 * has read the second so far.
 */
export function differencesAtSamples(
  condition: Condition,
  one: MethodName,
  other: MethodName,
): DifferencePoint[] {
  const read = condition.cells.flatMap((cell) => {
    const cost = selectionSamples(cell, one);
    const curve = sampleCurve(cell, other);
    return evaluationsOf(cell, one).map((evaluation) => {
      const against = interpolated(curve, evaluation.samples + cost);
      return {
        readout: readoutOf(cell.results.config, evaluation),
        seed: cell.seed,
        value: against === undefined ? undefined : evaluation.mean - against,
      };
    });
  });
  return [...grouped(read, ({ readout }) => readout)]
    .sort(([a], [b]) => a - b)
    .flatMap(([readout, found]) => {
      const bySeed = found.flatMap(({ seed, value }) =>
        value === undefined ? [] : [{ seed, value }],
      );
      return bySeed.length < found.length ? [] : [{ readout, ...meanOf(bySeed) }];
    });
}

/**
 * The area under a method's curve of each seed, from the base to the end of the selections' trainings, over
 * that length: a mean accuracy. A seed that was not read out there has none.
 *
 * @returns Undefined if no seed has one.
 */
export function areaMean(condition: Condition, method: MethodName): Mean | undefined {
  const bySeed = condition.cells.flatMap((cell) => {
    const { armLength } = cell.results.config.experiment;
    const terms = areaTerms(cell.results, evaluationsOf(cell, method), armLength);
    return terms ? [{ seed: cell.seed, value: areaOf(terms) }] : [];
  });
  return bySeed.length === 0 ? undefined : shareMean(bySeed);
}

/** The area of one method minus that of another, paired by seed; undefined if no seed has both. */
export function areaDifference(
  condition: Condition,
  one: MethodName,
  other: MethodName,
): Mean | undefined {
  const theirs = new Map(
    areaMean(condition, other)?.bySeed.map(({ seed, value }) => [seed, value]),
  );
  const bySeed = (areaMean(condition, one)?.bySeed ?? []).flatMap(({ seed, value }) => {
    const against = theirs.get(seed);
    return against === undefined ? [] : [{ seed, value: value - against }];
  });
  return bySeed.length === 0 ? undefined : meanOf(bySeed);
}

/** A seed's accuracy over total samples, from the base on. */
function sampleCurve(cell: ReadCell, method: MethodName): [samples: number, mean: number][] {
  const cost = selectionSamples(cell, method);
  return [
    [cost, cell.results.base.mean],
    ...evaluationsOf(cell, method)
      .map(({ samples, mean }): [number, number] => [samples + cost, mean])
      .sort(([a], [b]) => a - b),
  ];
}

/** The value of a curve at x; undefined outside of the curve. */
function interpolated(
  curve: readonly (readonly [number, number])[],
  x: number,
): number | undefined {
  const next = curve.findIndex(([at]) => at >= x);
  const [right, left] = [curve[next], curve[next - 1]];
  if (!right) return undefined;
  if (right[0] === x) return right[1];
  if (!left) return undefined;
  return left[1] + ((right[1] - left[1]) * (x - left[0])) / (right[0] - left[0]);
}

/** Whether an interval excludes zero, and on which side; 0 for undecided. */
export function sideOf({ interval }: Pick<Mean, 'interval'>): -1 | 0 | 1 {
  if (!interval) return 0;
  if (interval[0] > 0) return 1;
  return interval[1] < 0 ? -1 : 0;
}

/** Where a method's lead ends. */
export interface Crossing {
  /** The last budget at which the mean difference is above 0; undefined if it never is. */
  readonly at?: number;
  /** Whether the method still leads at the last read-out, so that `at` is a lower bound. */
  readonly open: boolean;
  /** The last read-out whose interval lies above 0. */
  readonly aheadUntil?: number;
  /** The first read-out from which on all intervals lie below 0. */
  readonly behindFrom?: number;
  /** As `at` for every seed alone; undefined where a seed is never ahead. */
  readonly bySeed: readonly {
    readonly seed: number;
    readonly at?: number;
    readonly open: boolean;
  }[];
}

/**
 * The crossing update U* of a method: the last budget at which it is above the other, linearly
 * interpolated between read-outs.
 *
 * @param points Differences in order of read-out.
 */
export function crossingOf(points: readonly DifferencePoint[]): Crossing {
  const ahead = points.findLast((point) => sideOf(point) > 0)?.readout;
  const lastNotBehind = points.findLastIndex((point) => sideOf(point) >= 0);
  const behind = points[lastNotBehind + 1]?.readout;
  const seeds = [...new Set(points.flatMap(({ bySeed }) => bySeed.map(({ seed }) => seed)))];
  return {
    ...lastLead(points.map(({ readout, mean }) => [readout, mean])),
    ...(ahead === undefined ? {} : { aheadUntil: ahead }),
    ...(behind === undefined ? {} : { behindFrom: behind }),
    bySeed: seeds
      .sort((a, b) => a - b)
      .map((seed) => ({
        seed,
        ...lastLead(
          points.flatMap(({ readout, bySeed }): [number, number][] => {
            const found = bySeed.find((one) => one.seed === seed);
            return found ? [[readout, found.value]] : [];
          }),
        ),
      })),
  };
}

function lastLead(points: readonly (readonly [number, number])[]): {
  readonly at?: number;
  readonly open: boolean;
} {
  const place = points.findLastIndex(([, value]) => value > 0);
  const [point, next] = [points[place], points[place + 1]];
  if (!point) return { open: false };
  if (!next) return { at: point[0], open: true };
  const share = point[1] / (point[1] - next[1]);
  return { at: point[0] + share * (next[0] - point[0]), open: false };
}

/** Words for factors that readers know by another name than the config's key. */
const factorNames: Readonly<Record<string, string>> = {
  'task.wrongKeyShare': 'wrong keys',
  'lim.count': 'subset',
};

export const factorName = (key: string): string =>
  Object.hasOwn(factorNames, key) ? (factorNames[key] ?? key) : key;

/** A factor's value in words. Shares are in percent; a subset is a share of its pool if known. */
export function factorValue(key: string, value: unknown, pool?: number): string {
  if (typeof value === 'number' && key === 'task.wrongKeyShare') return percentText(value);
  if (typeof value === 'number' && key === 'lim.count' && pool !== undefined && pool > 0) {
    return `${percentText(value / pool)} (${value})`;
  }
  return typeof value === 'string' ? value : JSON.stringify(value);
}

const percentText = (share: number): string => `${Number((100 * share).toFixed(1))} %`;

/** The pool's size in a condition; undefined before the first cell. */
export const poolOf = ({ cells }: Condition): number | undefined =>
  cells[0]?.results.seeds[0]?.pool.prompts;

/** `wrong keys 10 %, subset 15 % (192)`; `the only condition` without factors. */
export function conditionText(condition: Condition, without: readonly string[] = []): string {
  const parts = Object.entries(condition.factors).flatMap(([key, value]) =>
    without.includes(key)
      ? []
      : [`${factorName(key)} ${factorValue(key, value, poolOf(condition))}`],
  );
  return parts.length === 0 ? 'all cells' : parts.join(', ');
}
