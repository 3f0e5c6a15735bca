import { bitsOfHex } from '../formats/prompt-bits.ts';
import { FormatError } from '../formats/format-error.ts';
import { isRecord } from '../formats/json.ts';
import { tierPrompts } from '../interval.ts';
import type { Accuracy, Evaluation, ExperimentResults } from '../results.ts';
import { inTableOrder, methodLabel, methodOf, type MethodName } from '../selection/methods.ts';
import {
  crossedBootstrap,
  crossedMeans,
  type CrossedTable,
  percentiles,
} from '../statistics/crossed-bootstrap.ts';
import { holm } from '../statistics/holm.ts';
import {
  equivalence,
  type Equivalence,
  interquartileMean,
  meanInterval,
  probabilityOfImprovement,
} from '../statistics/paired.ts';
import { leastP, signFlip } from '../statistics/sign-flip.ts';
import { detectableDifference } from '../statistics/student.ts';
import { areaOf, areaTerms } from './area.ts';
import type { Place, Preregistration, RegisteredContrast, Where } from './preregistration.ts';

/** A finished cell: one config, one seed. */
export interface EvidenceCell {
  /** The grid's factors of this cell, by the dotted paths of settings. */
  readonly factors: Readonly<Record<string, unknown>>;
  readonly seed: number;
  readonly results: ExperimentResults;
}

/** What evidence is drawn from. */
export interface EvidenceSweep {
  readonly grid: { readonly methods: readonly MethodName[]; readonly seeds: readonly number[] };
  readonly cells: readonly EvidenceCell[];
}

/** Two methods of one seed. */
export interface PairedSeed {
  readonly seed: number;
  /** Accuracies: the mean over tiers of greedy answers, or as a tier says for itself. */
  readonly one: number;
  readonly other: number;
  readonly difference: number;
}

/** What is said of some paired differences. */
export interface Tested {
  readonly mean: number;
  /** 95 % interval over seeds, Student's t. */
  readonly interval: readonly [low: number, high: number];
  /** 95 % interval over seeds and prompts; absent where no bits of prompts are known, or not asked for. */
  readonly crossed?: readonly [low: number, high: number];
  /** Two-sided sign-flip test over seeds. */
  readonly p: number;
  /** Whether `p` counts all sign patterns; otherwise some were drawn. */
  readonly exact: boolean;
  /** The smallest p that so many seeds can give. */
  readonly leastP: number;
  readonly equivalence: Equivalence;
  /** The true difference that so many seeds of this spread show with 80 %, two-sided at alpha. */
  readonly detectable: number;
  readonly interquartileMean: number;
  /** The chance that a seed of the one is above a seed of the other. */
  readonly improvement: number;
}

/**
 * What a registered contrast comes to. `incomplete` where a seed is missing; `ahead` and `behind` by
 * the adjusted p; `level` where the equivalence interval lies within the margin; else `undecided`.
 */
export type Verdict = 'incomplete' | 'ahead' | 'behind' | 'level' | 'undecided';

/** The accuracy of one method minus that of another. */
export interface Contrast extends RegisteredContrast {
  /** By seed, ascending. */
  readonly pairs: readonly PairedSeed[];
  /** Seeds that lack a read-out, ascending. */
  readonly missing: readonly number[];
  /** Why no seed can be compared; absent if one can. */
  readonly refused?: string;
  /** Absent for fewer than two seeds. */
  readonly tested?: Tested;
}

/** A contrast that is always looked at and decides nothing: an area, or an interaction. */
export interface SecondaryContrast extends Contrast {
  /** The settings under which the same contrast is subtracted; absent unless it is an interaction. */
  readonly minus?: Where;
}

/** A contrast that was fixed before its results. */
export interface JudgedContrast extends Contrast {
  /** Holm's p over all registered contrasts; absent without `tested`. */
  readonly adjusted?: number;
  readonly verdict: Verdict;
}

/** What a sweep shows. */
export interface Evidence {
  /** Absent if nothing was fixed beforehand: then everything is exploratory. */
  readonly preregistration?: Preregistration;
  readonly registered: readonly JudgedContrast[];
  /** Areas under the curves of the registered pairs, and LIM - RAND with wrong keys minus without. */
  readonly secondary: readonly SecondaryContrast[];
  /** All other pairs of methods, in each combination of factors, at the read-out of the table. */
  readonly exploratory: readonly Contrast[];
}

/** Draws of the crossed bootstrap of a registered contrast, and of all others. */
const DRAWS = 10_000;
const FEW_DRAWS = 2000;
/** What is taken where nothing was fixed beforehand. */
const usual = { alpha: 0.05, equivalence: 0.02 };

/**
 * Judges the registered contrasts of a sweep, and compares all other pairs without judging them.
 *
 * @throws FormatError if bits of prompts contradict their accuracy.
 * @throws RangeError if a registered contrast names settings of several cells of one seed.
 */
export function evidenceOf(sweep: EvidenceSweep, preregistration?: Preregistration): Evidence {
  const { contrasts = [], seeds = [] } = preregistration ?? {};
  const settings = preregistration ?? usual;
  const found = contrasts.map((contrast) =>
    contrastOf(sweep, contrast, { ...settings, seeds, draws: DRAWS }),
  );
  return {
    ...(preregistration ? { preregistration } : {}),
    registered: judged(found, settings.alpha),
    secondary: [
      ...areaContrasts(sweep, contrasts, { ...settings, seeds, draws: FEW_DRAWS }),
      ...wrongKeyInteractions(sweep, {
        ...settings,
        seeds: preregistration ? seeds : sweep.grid.seeds,
        draws: FEW_DRAWS,
      }),
    ],
    exploratory: exploratoryContrasts(sweep, contrasts, settings),
  };
}

function judged(contrasts: readonly Contrast[], alpha: number): JudgedContrast[] {
  // A contrast without a p counts as one that rejects nothing.
  const adjusted = holm(contrasts.map(({ tested }) => tested?.p ?? 1));
  return contrasts.map((contrast, i) => {
    const p = adjusted[i] ?? 1;
    const { tested, missing } = contrast;
    if (!tested) return { ...contrast, verdict: 'incomplete' };
    const verdict = (): Verdict => {
      if (missing.length > 0) return 'incomplete';
      if (p <= alpha) return tested.mean > 0 ? 'ahead' : 'behind';
      return tested.equivalence.level ? 'level' : 'undecided';
    };
    return { ...contrast, adjusted: p, verdict: verdict() };
  });
}

/** How a contrast is computed. */
interface Settings {
  readonly alpha: number;
  readonly equivalence: number;
  /** Seeds that are looked for. */
  readonly seeds: readonly number[];
  /** Draws of the crossed bootstrap; 0 for none. */
  readonly draws: number;
}

/** The cell of each seed that has a contrast's settings, and what both methods have there. */
interface ReadPairs {
  readonly held: readonly EvidenceCell[];
  readonly read: readonly ReadPair[];
}

/** @throws RangeError if several cells of a seed have the contrast's settings. */
function readPairs(
  { cells }: EvidenceSweep,
  { name, one, other, where, at }: RegisteredContrast,
  seeds: readonly number[],
): ReadPairs {
  const bySeed = new Map<number, EvidenceCell>();
  for (const cell of cells) {
    if (!seeds.includes(cell.seed) || !isWhere(cell, where)) continue;
    const twin = bySeed.get(cell.seed);
    if (twin) {
      throw new RangeError(
        `${name}: seed ${cell.seed} has several cells: its settings must say ` +
          differingFactors(twin, cell).join(', '),
      );
    }
    bySeed.set(cell.seed, cell);
  }
  const held = [...bySeed.values()];
  const read = [...seeds]
    .sort((a, b) => a - b)
    .flatMap((seed): ReadPair[] => {
      const cell = bySeed.get(seed);
      const pair = cell && pairAt(cell, one, other, at, held);
      return cell && pair ? [{ cell, ...pair }] : [];
    });
  return { held, read };
}

/**
 * One method minus another, paired by seed.
 *
 * @throws RangeError if several cells of a seed have the contrast's settings.
 */
export function contrastOf(
  sweep: EvidenceSweep,
  contrast: RegisteredContrast,
  settings: Settings,
): Contrast {
  const seeds = [...settings.seeds].sort((a, b) => a - b);
  const { held, read } = readPairs(sweep, contrast, seeds);
  const pairs = read.map(({ cell, ours, theirs }) => ({
    seed: cell.seed,
    one: ours.mean,
    other: theirs.mean,
    difference: ours.mean - theirs.mean,
  }));
  const missing = seeds.filter((seed) => !pairs.some((pair) => pair.seed === seed));
  const tested = testedOf(pairs, settings, () => tierDifferences(read.map(differenceTerms)));
  return {
    ...contrast,
    pairs,
    missing,
    ...(pairs.length === 0 ? { refused: refusal(held, contrast) } : {}),
    ...(tested ? { tested } : {}),
  };
}

/** An accuracy of one method and seed: of one read-out, or the area under several. */
interface Reading {
  readonly mean: number;
  readonly terms: readonly Term[];
}

/** A part of an accuracy. */
interface Term {
  readonly accuracy: Accuracy;
  readonly weight: number;
}

interface ReadPair {
  readonly cell: EvidenceCell;
  readonly ours: Reading;
  readonly theirs: Reading;
}

/** A sum of accuracies of one seed. */
interface SeedTerms {
  readonly terms: readonly (Term & { readonly cell: EvidenceCell })[];
}

/** What both methods share, as the base of both areas, falls out. */
function differenceTerms({ cell, ours, theirs }: ReadPair): SeedTerms {
  const weights = new Map<Accuracy, number>();
  for (const [{ terms }, sign] of [[ours, 1] as const, [theirs, -1] as const]) {
    for (const { accuracy, weight } of terms) {
      weights.set(accuracy, (weights.get(accuracy) ?? 0) + sign * weight);
    }
  }
  return {
    terms: [...weights].flatMap(([accuracy, weight]) =>
      Math.abs(weight) < 1e-12 ? [] : [{ cell, accuracy, weight }],
    ),
  };
}

function refusal(held: readonly EvidenceCell[], { one, other, at }: RegisteredContrast): string {
  if (held.length === 0) return 'no finished cell has these settings';
  const names = `${methodLabel(one)} and ${methodLabel(other)}`;
  return 'update' in at || 'epoch' in at || 'areaTo' in at
    ? `no seed has read ${names} at ${placeText(at)}`
    : `no seed has read-outs of ${names} whose total samples agree, and nothing is interpolated`;
}

/** The value of a setting in a cell: of the grid's factor, else of the cell's config. */
function settingOf({ factors, results }: EvidenceCell, path: string): unknown {
  if (Object.hasOwn(factors, path)) return factors[path];
  let value: unknown = results.config;
  for (const part of path.split('.')) {
    value = isRecord(value) && Object.hasOwn(value, part) ? value[part] : undefined;
  }
  return value;
}

const isWhere = (cell: EvidenceCell, where: Where): boolean =>
  Object.entries(where).every(([path, value]) => settingOf(cell, path) === value);

const differingFactors = (a: EvidenceCell, b: EvidenceCell): string[] =>
  Object.keys(a.factors).filter(
    (key) => JSON.stringify(a.factors[key]) !== JSON.stringify(b.factors[key]),
  );

const evaluationsOf = ({ results, seed }: EvidenceCell, method: MethodName): Evaluation[] =>
  (results.methods[method]?.evaluations ?? []).filter((one) => one.seed === seed);

/** Samples before an evaluation, those of the method's selection included. */
function totalSamples(cell: EvidenceCell, method: MethodName, { samples }: Evaluation): number {
  const { config, seeds } = cell.results;
  const prompts = seeds.find(({ seed }) => seed === cell.seed)?.pool.prompts ?? 0;
  const pass = { prompts, epochs: config.experiment.epochs, samples: config.rollout.samples };
  return samples + methodOf(method).samples(pass);
}

/** Own data epochs before an evaluation; NaN if they are not whole. */
function ownEpochs(cell: EvidenceCell, method: MethodName, evaluation: Evaluation): number {
  if (evaluation.epochs !== undefined) return evaluation.epochs;
  const { config, seeds } = cell.results;
  const own = seeds.find(({ seed }) => seed === cell.seed);
  const prompts = (method === 'full' ? own?.pool.prompts : own?.selections[method]?.prompts) ?? NaN;
  const epochs = evaluation.samples / (prompts * config.rollout.samples);
  return Number.isInteger(epochs) ? epochs : NaN;
}

/** What two methods have at a place; undefined unless the cell has both. */
function pairAt(
  cell: EvidenceCell,
  one: MethodName,
  other: MethodName,
  at: Place,
  all: readonly EvidenceCell[],
): Pick<ReadPair, 'ours' | 'theirs'> | undefined {
  const place = 'equal' in at ? { totalSamples: largestCommon(all, one, other) } : at;
  const [ours, theirs] = [readingAt(cell, one, place), readingAt(cell, other, place)];
  return ours && theirs ? { ours, theirs } : undefined;
}

/** What a method has at a place; undefined unless it was read out there. */
function readingAt(
  cell: EvidenceCell,
  method: MethodName,
  at: Exclude<Place, { readonly equal: unknown }>,
): Reading | undefined {
  const evaluations = evaluationsOf(cell, method);
  if ('areaTo' in at) {
    const terms = areaTerms(cell.results, evaluations, at.areaTo);
    return terms && { mean: areaOf(terms), terms };
  }
  const found = evaluations.find((evaluation) => {
    if ('update' in at) return evaluation.update === at.update;
    if ('epoch' in at) return ownEpochs(cell, method, evaluation) === at.epoch;
    return totalSamples(cell, method, evaluation) === at.totalSamples;
  });
  return found && { mean: found.mean, terms: [{ accuracy: found, weight: 1 }] };
}

/** The largest number of total samples that both methods have read in all cells; NaN without one. */
function largestCommon(cells: readonly EvidenceCell[], one: MethodName, other: MethodName): number {
  const sets = cells.flatMap((cell) =>
    [one, other].map(
      (method) =>
        new Set(evaluationsOf(cell, method).map((found) => totalSamples(cell, method, found))),
    ),
  );
  const [first = new Set<number>(), ...others] = sets;
  const common = [...first].filter((total) => others.every((set) => set.has(total)));
  return common.length === 0 ? NaN : Math.max(...common);
}

/**
 * For each tier (seeds, prompts): each seed's sum of right answers; undefined if a seed's evaluations do
 * not tell.
 *
 * @throws FormatError if bits contradict the accuracy that stands beside them, or seeds have answered
 *   other prompts.
 */
function tierDifferences(read: readonly SeedTerms[]): CrossedTable | undefined {
  const tiers = Object.keys(read[0]?.terms[0]?.accuracy.tiers ?? {});
  const all: Float64Array[][] = [];
  for (const tier of tiers) {
    const rows: Float64Array[] = [];
    for (const { terms } of read) {
      let row: Float64Array | undefined;
      for (const { cell, accuracy, weight } of terms) {
        const shares = rightShares(cell, accuracy, tier);
        if (!shares) return undefined;
        row ??= new Float64Array(shares.length);
        expectSize(shares, row.length, cell, tier);
        for (let i = 0; i < row.length; i++) row[i] = (row[i] ?? 0) + weight * (shares[i] ?? 0);
      }
      if (!row) return undefined;
      if (rows[0] && terms[0]) expectSize(row, rows[0].length, terms[0].cell, tier);
      rows.push(row);
    }
    all.push(rows);
  }
  return all.length === 0 ? undefined : all;
}

function expectSize({ length }: Float64Array, size: number, { seed }: EvidenceCell, tier: string) {
  if (length === size) return;
  throw new FormatError(`seed ${seed}, tier ${tier}: ${length} prompts, elsewhere ${size}`);
}

/** (prompts): the share of right samples of each prompt of a tier; undefined if it is not told. */
function rightShares(
  { results, seed }: EvidenceCell,
  evaluation: Accuracy & { readonly update?: number },
  tier: string,
): Float64Array | undefined {
  const where = `seed ${seed}, update ${evaluation.update ?? 0}, tier ${tier}`;
  const size = tierPrompts(results.config, evaluation).get(tier);
  if (size === undefined) return undefined;
  const hex = evaluation.correct?.[tier];
  const counts = evaluation.counts?.[tier];
  const accuracy = evaluation.tiers[tier] ?? NaN;
  let shares: Float64Array;
  if (hex !== undefined) {
    shares = Float64Array.from(bitsOfHex(hex, size, where));
  } else if (counts) {
    // The accuracy is that of all samples, so that it tells their number.
    const right = counts.reduce((sum, count) => sum + count, 0);
    if (right === 0 && accuracy === 0) return new Float64Array(size);
    const samples = Math.round(right / (size * accuracy));
    shares = Float64Array.from(counts, (count) => count / samples);
  } else {
    return undefined;
  }
  const mean = shares.reduce((sum, share) => sum + share, 0) / size;
  if (shares.length !== size || !(Math.abs(mean - accuracy) < 1e-9)) {
    throw new FormatError(
      `${where}: ${shares.length} prompts with a share of ${mean} right, not ${size} with ${accuracy}`,
    );
  }
  return shares;
}

function testedOf(
  pairs: readonly PairedSeed[],
  settings: Pick<Settings, 'alpha' | 'equivalence' | 'draws'>,
  tiers: () => CrossedTable | undefined,
): Tested | undefined {
  const differences = pairs.map(({ difference }) => difference);
  const interval = meanInterval(differences);
  const level = equivalence(differences, settings.equivalence);
  if (!interval || !level) return undefined;
  const bits = settings.draws > 0 ? tiers() : undefined;
  const crossed = bits && crossedBootstrap(bits, { draws: settings.draws });
  const mean = differences.reduce((sum, one) => sum + one, 0) / differences.length;
  const squares = differences.reduce((sum, one) => sum + (one - mean) ** 2, 0);
  const deviation = Math.sqrt(squares / (differences.length - 1));
  return {
    mean,
    interval: [interval.low, interval.high],
    ...(crossed ? { crossed: [crossed.low, crossed.high] as const } : {}),
    ...signFlip(differences),
    leastP: leastP(differences.length),
    equivalence: level,
    detectable: detectableDifference(differences.length, deviation, 0.8, settings.alpha),
    interquartileMean: interquartileMean(differences),
    improvement: probabilityOfImprovement(
      pairs.map(({ one }) => one),
      pairs.map(({ other }) => other),
    ),
  };
}

/** Cells by their factors, in order. */
function byFactors(
  cells: readonly EvidenceCell[],
  key: (factors: EvidenceCell['factors']) => unknown,
): readonly [EvidenceCell, ...EvidenceCell[]][] {
  const groups = new Map<string, [EvidenceCell, ...EvidenceCell[]]>();
  for (const cell of cells) {
    const text = JSON.stringify(key(cell.factors));
    const group = groups.get(text);
    if (group) group.push(cell);
    else groups.set(text, [cell]);
  }
  return [...groups.values()];
}

/** The place of the read-out that the config names for tables. */
function tablePlace({ results }: EvidenceCell): { update: number } | { epoch: number } {
  const { tableReadout, budget } = results.config.experiment;
  return budget === 'updates' ? { update: tableReadout } : { epoch: tableReadout };
}

function exploratoryContrasts(
  sweep: EvidenceSweep,
  registered: readonly RegisteredContrast[],
  settings: Pick<Settings, 'alpha' | 'equivalence'>,
): Contrast[] {
  const methods = inTableOrder(sweep.grid.methods);
  return byFactors(sweep.cells, (factors) => factors).flatMap((cells) => {
    const [cell] = cells;
    const at = tablePlace(cell);
    const crossed = sharedIntervals(cells, methods, at);
    return methods.flatMap((first, i) =>
      methods.slice(i + 1).flatMap((second) => {
        // FULL is what is subtracted; of other methods, what LIM is compared with.
        const [one, other] = first === 'lim' ? [first, second] : [second, first];
        const isRegistered = registered.some(
          (contrast) =>
            [contrast.one, contrast.other].every((name) => name === one || name === other) &&
            JSON.stringify(contrast.at) === JSON.stringify(at) &&
            isWhere(cell, contrast.where),
        );
        if (isRegistered) return [];
        const name = `${methodLabel(one)} − ${methodLabel(other)}`;
        const found = contrastOf(
          { ...sweep, cells },
          { name, one, other, where: {}, at },
          { ...settings, seeds: sweep.grid.seeds, draws: 0 },
        );
        const { tested, pairs } = found;
        const interval =
          tested &&
          crossed(
            one,
            other,
            pairs.map(({ seed }) => seed),
          );
        return [
          {
            ...found,
            where: cell.factors as Where,
            ...(tested && interval ? { tested: { ...tested, crossed: interval } } : {}),
          },
        ];
      }),
    );
  });
}

/**
 * Intervals over seeds and prompts for the pairs of methods of one combination of factors. All methods
 * share the draws, which are made once for each set of seeds.
 *
 * @returns The 95 % interval of a pair over the seeds; undefined where bits of prompts are not known.
 */
function sharedIntervals(
  cells: readonly EvidenceCell[],
  methods: readonly MethodName[],
  at: Exclude<Place, { readonly equal: unknown }>,
): (
  one: MethodName,
  other: MethodName,
  seeds: readonly number[],
) => readonly [low: number, high: number] | undefined {
  const bySeed = new Map(cells.map((cell) => [cell.seed, cell]));
  const known = new Map<string, ReadonlyMap<MethodName, Float64Array>>();
  const draw = (seeds: readonly number[]): ReadonlyMap<MethodName, Float64Array> => {
    const tables = methods.flatMap((method): { method: MethodName; table: CrossedTable }[] => {
      const read = seeds.flatMap((seed): SeedTerms[] => {
        const cell = bySeed.get(seed);
        const reading = cell && readingAt(cell, method, at);
        return reading ? [{ terms: reading.terms.map((term) => ({ ...term, cell })) }] : [];
      });
      const table = read.length === seeds.length ? tierDifferences(read) : undefined;
      return table ? [{ method, table }] : [];
    });
    if (tables.length === 0) return new Map();
    const means = crossedMeans(
      tables.map(({ table }) => table),
      { draws: FEW_DRAWS },
    );
    return new Map(tables.map(({ method }, i) => [method, means[i] ?? new Float64Array()]));
  };
  return (one, other, seeds) => {
    const key = seeds.join();
    const means = known.get(key) ?? draw(seeds);
    known.set(key, means);
    const [ours, theirs] = [means.get(one), means.get(other)];
    if (!ours || !theirs) return undefined;
    const { low, high } = percentiles(ours.map((mean, i) => mean - (theirs[i] ?? NaN)));
    return [low, high];
  };
}

/** The areas under the curves of each registered pair, up to the end of the selections' trainings. */
function areaContrasts(
  sweep: EvidenceSweep,
  registered: readonly RegisteredContrast[],
  settings: Settings,
): SecondaryContrast[] {
  return registered.flatMap((contrast) => {
    const cell = sweep.cells.find((one) => isWhere(one, contrast.where));
    if (!cell || 'areaTo' in contrast.at) return [];
    const at = { areaTo: cell.results.config.experiment.armLength };
    return [contrastOf(sweep, { ...contrast, name: `Area ${contrast.name}`, at }, settings)];
  });
}

/** The setting whose effect on LIM - RAND is looked at. */
const WRONG_KEYS = 'task.wrongKeyShare';

/** LIM - RAND at each share of wrong keys minus LIM - RAND at the lowest, all other factors alike. */
function wrongKeyInteractions(sweep: EvidenceSweep, settings: Settings): SecondaryContrast[] {
  const [one, other] = ['lim', 'rand'] as const;
  if (![one, other].every((name) => sweep.grid.methods.includes(name))) return [];
  const groups = byFactors(sweep.cells, (factors) =>
    Object.entries(factors).filter(([path]) => path !== WRONG_KEYS),
  );
  return groups.flatMap((cells) => {
    const shares = [...new Set(cells.map(({ factors }) => factors[WRONG_KEYS]))]
      .filter((share) => typeof share === 'number')
      .sort((a, b) => a - b);
    const [least, ...more] = shares;
    if (least === undefined) return [];
    const at = tablePlace(cells[0]);
    return more.map((share) => {
      const name = groups.length * more.length > 1 ? `Interaction at ${share}` : 'Interaction';
      const found = interactionOf(
        { ...sweep, cells },
        { name, one, other, where: { [WRONG_KEYS]: share }, at },
        { [WRONG_KEYS]: least },
        settings,
      );
      return { ...found, where: { ...(cells[0].factors as Where), [WRONG_KEYS]: share } };
    });
  });
}

/**
 * A contrast under one setting minus the same contrast under another, paired by seed: (LIM - RAND) with
 * wrong keys minus (LIM - RAND) without. Seeds that lack one of the four read-outs are missing.
 *
 * @param minus The setting that is subtracted.
 */
export function interactionOf(
  sweep: EvidenceSweep,
  contrast: RegisteredContrast,
  minus: Where,
  settings: Settings,
): SecondaryContrast {
  const seeds = [...settings.seeds].sort((a, b) => a - b);
  const first = readPairs(sweep, contrast, seeds);
  const second = readPairs(sweep, { ...contrast, where: minus }, seeds);
  const read = first.read.flatMap((pair) => {
    const twin = second.read.find(({ cell }) => cell.seed === pair.cell.seed);
    return twin ? [{ pair, twin }] : [];
  });
  const pairs = read.map(({ pair, twin }) => {
    const [one, other] = [pair, twin].map(({ ours, theirs }) => ours.mean - theirs.mean) as [
      number,
      number,
    ];
    return { seed: pair.cell.seed, one, other, difference: one - other };
  });
  const tested = testedOf(pairs, settings, () =>
    tierDifferences(
      read.map(({ pair, twin }) => {
        const less = differenceTerms(twin).terms;
        return {
          terms: [
            ...differenceTerms(pair).terms,
            ...less.map((term) => ({ ...term, weight: -term.weight })),
          ],
        };
      }),
    ),
  );
  const lacking = [first, second].find((found) => found.read.length === 0) ?? first;
  return {
    ...contrast,
    minus,
    pairs,
    missing: seeds.filter((seed) => !pairs.some((pair) => pair.seed === seed)),
    ...(pairs.length === 0 ? { refused: refusal(lacking.held, contrast) } : {}),
    ...(tested ? { tested } : {}),
  };
}

/** A place in words. */
function placeText(at: Place): string {
  if ('update' in at) return `update ${at.update}`;
  if ('epoch' in at) return `data epoch ${at.epoch} of its own prompts`;
  if ('areaTo' in at) return `${at.areaTo}, where the area ends`;
  return 'totalSamples' in at ? `${at.totalSamples} total samples` : 'equal total samples';
}
