import { mean as meanOf } from 'simple-statistics';
import { jsonText, parseJson, shorten } from '../formats/json.ts';
import { readoutOf, readoutUnit } from '../readouts.ts';
import type { ExperimentResults, LimSummary, SeedResults } from '../results.ts';
import { parseResults } from '../run-folder/finished-run.ts';
import { inTableOrder, type MethodName } from '../selection/methods.ts';
import { combine, type Reading, tierPrompts, wilsonInterval } from '../interval.ts';

/** The program and the machine that computed results. A file of results does not name them. */
export interface Build {
  /** Version of this package. */
  readonly version: string;
  /** System and processor: a software adapter computes with the processor's instructions. */
  readonly machine: string;
}

/** Results that later runs of the same experiment are compared with. */
export interface Baseline extends Partial<Build> {
  readonly results: ExperimentResults;
}

/**
 * How results are compared. `exact`: every number equals the baseline's. `interval`: the 95 %
 * interval of each difference holds 0. `auto`: exact where adapter, host, kernels, version and
 * machine are the baseline's, else by intervals.
 */
export type Rule = 'auto' | 'exact' | 'interval';

export const rules: readonly Rule[] = ['auto', 'exact', 'interval'];

/** Settings of a comparison. */
export interface ComparisonOptions {
  /** Default `auto`. */
  readonly rule?: Rule;
  /** Largest difference of an accuracy or share, in [0, 1]; takes the place of the intervals. */
  readonly tolerance?: number;
}

/** One row of a comparison: the base, a read-out of a method, or a seed's selection. */
export interface ComparedRow {
  readonly name: string;
  /** The row's number in the baseline and in the run; null if it is missing there. */
  readonly baseline: number | null;
  readonly run: number | null;
  readonly same: boolean;
  /** What differs, or how much was allowed. */
  readonly text: string;
}

/** A run's results beside a baseline. */
export interface Comparison {
  readonly passed: boolean;
  readonly rule: 'exact' | 'interval' | 'tolerance';
  /** Why `auto` did not ask for equal numbers: what differs besides the results. */
  readonly because: readonly string[];
  readonly rows: readonly ComparedRow[];
}

/** The text of a baseline file: the results, with the build in front. */
export const baselineText = (results: ExperimentResults, { version, machine }: Build): string =>
  jsonText({ version, machine, ...results });

/**
 * Parses a baseline file. A run's `results.json` is a baseline too, of an unknown build.
 *
 * @throws FormatError or ConfigError naming file and field.
 */
export function parseBaseline(text: string, where: string): Baseline {
  const results = parseResults({ text, where });
  const { version, machine } = parseJson(text, where) as Record<string, unknown>;
  return {
    results,
    ...(typeof version === 'string' && { version }),
    ...(typeof machine === 'string' && { machine }),
  };
}

/** The reason why two results are not of one experiment; undefined if they are. */
export function mismatch(run: ExperimentResults, baseline: ExperimentResults): string | undefined {
  const settings = differences(run.config, baseline.config);
  if (settings.length > 0) {
    return `the run has another config than the baseline: ${listed(settings)}`;
  }
  const [own, want] = [run, baseline].map(({ seeds }) => seeds.map(({ seed }) => seed).join(', '));
  if (own !== want) return `the run has the seeds ${own ?? ''}, the baseline ${want ?? ''}`;
  const numbers = itemsOf(baseline).flatMap(({ quantities }) => quantities);
  if (!numbers.some(({ compared, value }) => compared && Number.isFinite(value))) {
    return 'the baseline holds no accuracy and no LIM scores: there is nothing to compare';
  }
  return undefined;
}

/**
 * Compares the results of a run with those of a baseline. Both are of one experiment: `mismatch`
 * gives no reason. A row that only one of the two has counts as different.
 */
export function compareResults(
  run: { readonly results: ExperimentResults } & Build,
  baseline: Baseline,
  { rule = 'auto', tolerance }: ComparisonOptions = {},
): Comparison {
  const because = rule === 'auto' ? otherConditions(run, baseline) : [];
  const exact = rule === 'exact' || (rule === 'auto' && because.length === 0);
  const own = new Map(itemsOf(run.results).map((item) => [item.name, item]));
  const want = new Map(itemsOf(baseline.results).map((item) => [item.name, item]));
  const rows = [...new Set([...want.keys(), ...own.keys()])].map((name): ComparedRow => {
    const [ours, theirs] = [own.get(name), want.get(name)];
    const told = { name, baseline: shown(theirs), run: shown(ours) };
    if (!ours || !theirs) {
      return { ...told, same: false, text: `missing in the ${ours ? 'baseline' : 'run'}` };
    }
    const found = exact ? exactly(ours, theirs) : within(ours, theirs, tolerance);
    return { ...told, ...found };
  });
  return {
    passed: rows.every(({ same }) => same),
    rule: exact ? 'exact' : tolerance === undefined ? 'interval' : 'tolerance',
    because,
    rows,
  };
}

/** A comparison as lines for a person: one for each row, after the reasons for the rule. */
export function comparisonLines({ because, rows }: Comparison): string[] {
  const width = Math.max(0, ...rows.map(({ name }) => name.length));
  const number = (value: number | null): string =>
    value === null ? 'none' : Number.isInteger(value) ? String(value) : value.toFixed(3);
  return [
    ...because.map((reason) => `not held to equal numbers: ${reason}`),
    ...rows.map(({ name, baseline, run, same, text }) => {
      const [before, after] = [number(baseline), number(run)];
      const values = before === after ? after : `${before} -> ${after}`;
      const why = text === '' ? '' : `  (${text})`;
      return `${same ? 'same   ' : 'DIFFERS'}  ${name.padEnd(width)}  ${values}${why}`;
    }),
  ];
}

/** What differs between two computations besides their results, so that bits may differ. */
function otherConditions(
  run: { readonly results: ExperimentResults } & Build,
  baseline: Baseline,
): string[] {
  const pairs: [string, string | undefined, string | undefined][] = [
    ['adapter', run.results.adapter, baseline.results.adapter],
    ['host', run.results.host, baseline.results.host],
    ['version', run.version, baseline.version],
    ['machine', run.machine, baseline.machine],
  ];
  const told = pairs.flatMap(([what, own, want]) => {
    if (own === want) return [];
    return want === undefined
      ? [`the baseline does not say its ${what}`]
      : [`the ${what} is '${own ?? ''}', the baseline's '${want}'`];
  });
  const kernels = differences(run.results.kernels, baseline.results.kernels);
  if (kernels.length > 0) told.push('the kernels are other variants than the baseline has');
  return told;
}

/** A weighted sum of shares, each a share of `count` trials. */
interface Quantity {
  /** Name inside its item; empty if the item has one quantity. */
  readonly name: string;
  readonly value: number;
  /** Seeds and tiers of the mean; empty for a share of one pool. */
  readonly over: string;
  /** Whether the number tells of training; a size that the config fixes does not. */
  readonly compared: boolean;
  readonly parts: readonly {
    readonly share: number;
    readonly count: number;
    readonly weight: number;
  }[];
}

/** A row before it is compared. */
interface Item {
  readonly name: string;
  readonly shown: number;
  /** Everything that an exact comparison looks at. */
  readonly all: unknown;
  /** What a comparison by intervals looks at. */
  readonly quantities: readonly Quantity[];
}

const shown = (item: Item | undefined): number | null =>
  item === undefined || !Number.isFinite(item.shown) ? null : item.shown;

/** The rows of a run's results: base, read-outs by method, then each seed's LIM and selections. */
function itemsOf(results: ExperimentResults): Item[] {
  const { config, base, methods, seeds } = results;
  const sizes = tierPrompts(config);
  const unit = readoutUnit(config);
  // Whether the base was found or made anew is no result.
  const { mean, tiers, sampled } = base;
  const items: Item[] = [
    {
      name: 'base',
      shown: mean,
      all: { mean, tiers, sampled },
      quantities: [accuracyOf([base], sizes)],
    },
  ];
  for (const method of inTableOrder(Object.keys(methods) as MethodName[])) {
    const evaluations = methods[method]?.evaluations ?? [];
    for (const readout of new Set(evaluations.map((one) => readoutOf(config, one)))) {
      const readings = evaluations.filter((one) => readoutOf(config, one) === readout);
      const all = Object.fromEntries(readings.map((one) => [`seed ${one.seed}`, one]));
      const quantity = accuracyOf(readings, sizes);
      const name = `${method} after ${readout} ${unit}${readout === 1 ? '' : 's'}`;
      items.push({ name, shown: quantity.value, all, quantities: [quantity] });
    }
  }
  return [...items, ...seeds.flatMap(itemsOfSeed)];
}

function itemsOfSeed({ seed, lim, pool, selections, scoreQuantiles }: SeedResults): Item[] {
  const sizeOf = (prompts: number, compared: boolean): Quantity => ({
    name: '',
    value: prompts / pool.prompts,
    over: '',
    compared,
    parts: [{ share: prompts / pool.prompts, count: pool.prompts, weight: 1 }],
  });
  const items: Item[] = [];
  if (lim) {
    items.push({
      name: `seed ${seed}: kept by LIM`,
      shown: lim.kept,
      all: { lim, pool, scoreQuantiles },
      quantities: [sizeOf(lim.kept, true), ...curveOf(lim, pool.prompts)],
    });
  } else {
    items.push({
      name: `seed ${seed}: prompts of the pool`,
      shown: pool.prompts,
      all: { pool, scoreQuantiles },
      quantities: [sizeOf(pool.prompts, false)],
    });
  }
  for (const method of inTableOrder(Object.keys(selections) as MethodName[])) {
    const selection = selections[method];
    if (!selection) continue;
    items.push({
      name: `seed ${seed}: prompts of ${method}`,
      shown: selection.prompts,
      all: selection,
      quantities: [sizeOf(selection.prompts, true)],
    });
  }
  return items;
}

/** The mean signal of each data epoch. A mean reward in [-1, 1] is twice a share, less 1. */
const curveOf = ({ signal, meanCurve }: LimSummary, prompts: number): Quantity[] =>
  meanCurve.map((value, epoch) => {
    const weight = signal === 'reward' ? 2 : 1;
    const share = signal === 'reward' ? (value + 1) / 2 : value;
    return {
      name: `mean ${signal} of data epoch ${epoch}`,
      value,
      over: '',
      compared: true,
      parts: [{ share, count: prompts, weight }],
    };
  });

/** The mean accuracy over tiers and seeds: each tier has as many trials as prompts times seeds. */
function accuracyOf(
  readings: readonly (Reading & { readonly seed?: number })[],
  sizes: ReadonlyMap<string, number>,
): Quantity {
  const tiers = Object.keys(readings[0]?.tiers ?? {}).sort();
  const seeds = readings.flatMap(({ seed }) => seed ?? []);
  return {
    name: '',
    value: meanOf(readings.map((reading) => reading.mean)),
    over: [...seeds.map((seed) => `seed ${seed}`), ...tiers].join(', '),
    compared: true,
    parts: tiers.map((name) => ({
      share: meanOf(readings.map((reading) => reading.tiers[name] ?? NaN)),
      count: (sizes.get(name) ?? 0) * readings.length,
      weight: 1 / tiers.length,
    })),
  };
}

function exactly(ours: Item, theirs: Item): Pick<ComparedRow, 'same' | 'text'> {
  const found = differences(ours.all, theirs.all);
  return { same: found.length === 0, text: found.length === 0 ? '' : listed(found) };
}

/** Compares each quantity of a row; the text is that of the first that differs, or of the last. */
function within(
  ours: Item,
  theirs: Item,
  tolerance: number | undefined,
): Pick<ComparedRow, 'same' | 'text'> {
  const names = new Set([...theirs.quantities, ...ours.quantities].map(({ name }) => name));
  let text = '';
  for (const name of names) {
    const [own, want] = [ours, theirs].map(({ quantities }) =>
      quantities.find((quantity) => quantity.name === name),
    );
    const label = name === '' ? '' : `${name}: `;
    if (!own || !want) {
      return { same: false, text: `${label}missing in the ${own ? 'baseline' : 'run'}` };
    }
    if (own.over !== want.over) {
      return { same: false, text: `${label}the mean is over ${own.over}, was over ${want.over}` };
    }
    const none = [own, want].filter(({ value }) => Number.isNaN(value)).length;
    if (none === 2) continue;
    if (none === 1) return { same: false, text: `${label}no number on one side` };
    const change = own.value - want.value;
    const allowed = tolerance ?? allowedChange(own, want);
    const told = `${label}${change < 0 ? '' : '+'}${change.toFixed(3)}, allowed ${allowed.toFixed(3)}`;
    if (Math.abs(change) > allowed) return { same: false, text: told };
    if (name === '' && change !== 0) text = told;
  }
  return { same: true, text };
}

/**
 * The largest change whose 95 % interval holds 0, on the side of the change: as if the two models
 * had answered different prompts, which is too wide rather than too narrow.
 */
function allowedChange(own: Quantity, want: Quantity): number {
  // A tier that the config does not have: its size is unknown.
  if ([...own.parts, ...want.parts].some(({ count }) => count === 0)) return 0;
  const signed = (parts: Quantity['parts'], sign: 1 | -1) =>
    parts.map(({ share, count, weight }) => ({
      estimate: wilsonInterval(share, count),
      weight: sign * weight,
    }));
  const found = combine([...signed(own.parts, 1), ...signed(want.parts, -1)]);
  return found.mean < 0 ? found.high - found.mean : found.mean - found.low;
}

interface Difference {
  readonly path: string;
  readonly own: unknown;
  readonly want: unknown;
}

/** The fields in which two values of JSON differ. Undefined fields count as absent. */
function differences(own: unknown, want: unknown, path = ''): Difference[] {
  if (Object.is(own, want) || (own === 0 && want === 0)) return [];
  if (!isTree(own) || !isTree(want) || Array.isArray(own) !== Array.isArray(want)) {
    return [{ path, own, want }];
  }
  const names = new Set([...Object.keys(want), ...Object.keys(own)]);
  return [...names].flatMap((name) => {
    const field = (of: Readonly<Record<string, unknown>>): unknown =>
      Object.hasOwn(of, name) ? of[name] : undefined;
    return differences(field(own), field(want), path === '' ? name : `${path}.${name}`);
  });
}

const isTree = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null;

/** Differences that a sentence names; it counts the others. */
const MOST_NAMED = 3;

function listed(found: readonly Difference[]): string {
  const text = (value: unknown): string =>
    value === undefined ? 'nothing' : Number.isNaN(value) ? 'none' : shorten(JSON.stringify(value));
  const named = found
    .slice(0, MOST_NAMED)
    .map(({ path, own, want }) => `${path === '' ? '' : `${path} `}${text(want)} -> ${text(own)}`);
  const more = found.length - named.length;
  return `${named.join('; ')}${more > 0 ? `; and ${more} more` : ''}`;
}
