import { bitsOfHex } from '../formats/prompt-bits.ts';
import { FormatError } from '../formats/format-error.ts';
import { isRecord } from '../formats/json.ts';
import { tierPrompts } from '../interval.ts';
import type { Evaluation, ExperimentResults } from '../results.ts';
import { inTableOrder, methodLabel, methodOf, type MethodName } from '../selection/methods.ts';
import { crossedBootstrap } from '../statistics/crossed-bootstrap.ts';
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
  /** All other pairs of methods, in each combination of factors, at the read-out of the table. */
  readonly exploratory: readonly Contrast[];
}

/** Draws of the crossed bootstrap of a registered contrast. */
const DRAWS = 10_000;
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

/**
 * One method minus another, paired by seed.
 *
 * @throws RangeError if several cells of a seed have the contrast's settings.
 */
export function contrastOf(
  { cells }: EvidenceSweep,
  contrast: RegisteredContrast,
  settings: Settings,
): Contrast {
  const { one, other, at } = contrast;
  const seeds = [...settings.seeds].sort((a, b) => a - b);
  const bySeed = new Map<number, EvidenceCell>();
  for (const cell of cells) {
    if (!seeds.includes(cell.seed) || !isWhere(cell, contrast.where)) continue;
    const twin = bySeed.get(cell.seed);
    if (twin) {
      throw new RangeError(
        `${contrast.name}: seed ${cell.seed} has several cells: its settings must say ` +
          differingFactors(twin, cell).join(', '),
      );
    }
    bySeed.set(cell.seed, cell);
  }
  const held = [...bySeed.values()];
  const read = seeds.flatMap((seed): ReadPair[] => {
    const cell = bySeed.get(seed);
    const pair = cell && pairAt(cell, one, other, at, held);
    return cell && pair ? [{ cell, ...pair }] : [];
  });
  const pairs = read.map(({ cell, ours, theirs }) => ({
    seed: cell.seed,
    one: ours.mean,
    other: theirs.mean,
    difference: ours.mean - theirs.mean,
  }));
  const missing = seeds.filter((seed) => !pairs.some((pair) => pair.seed === seed));
  const tested = testedOf(pairs, settings, () => tierDifferences(read));
  return {
    ...contrast,
    pairs,
    missing,
    ...(pairs.length === 0 ? { refused: refusal(held, contrast) } : {}),
    ...(tested ? { tested } : {}),
  };
}

interface ReadPair {
  readonly cell: EvidenceCell;
  readonly ours: Evaluation;
  readonly theirs: Evaluation;
}

function refusal(held: readonly EvidenceCell[], { one, other, at }: RegisteredContrast): string {
  if (held.length === 0) return 'no finished cell has these settings';
  const names = `${methodLabel(one)} and ${methodLabel(other)}`;
  return 'update' in at || 'epoch' in at
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

/** The read-outs of two methods that a place names; undefined unless the cell has both. */
function pairAt(
  cell: EvidenceCell,
  one: MethodName,
  other: MethodName,
  at: Place,
  all: readonly EvidenceCell[],
): Pick<ReadPair, 'ours' | 'theirs'> | undefined {
  const find = (
    method: MethodName,
    value: (evaluation: Evaluation) => number,
    wanted: number,
  ): Evaluation | undefined =>
    evaluationsOf(cell, method).find((evaluation) => value(evaluation) === wanted);
  const of = (method: MethodName): Evaluation | undefined => {
    if ('update' in at) return find(method, ({ update }) => update, at.update);
    if ('epoch' in at) return find(method, (found) => ownEpochs(cell, method, found), at.epoch);
    const wanted = 'totalSamples' in at ? at.totalSamples : largestCommon(all, one, other);
    return find(method, (found) => totalSamples(cell, method, found), wanted);
  };
  const [ours, theirs] = [of(one), of(other)];
  return ours && theirs ? { ours, theirs } : undefined;
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
 * For each tier (seeds, prompts): the one's right answers minus the other's; undefined if a seed's
 * evaluations do not tell.
 *
 * @throws FormatError if bits contradict the accuracy that stands beside them.
 */
function tierDifferences(read: readonly ReadPair[]): Float64Array[][] | undefined {
  const tiers = Object.keys(read[0]?.ours.tiers ?? {});
  const all: Float64Array[][] = [];
  for (const tier of tiers) {
    const rows: Float64Array[] = [];
    for (const { cell, ours, theirs } of read) {
      const [one, other] = [rightShares(cell, ours, tier), rightShares(cell, theirs, tier)];
      if (!one || !other) return undefined;
      rows.push(one.map((share, i) => share - (other[i] ?? NaN)));
    }
    all.push(rows);
  }
  return all.length === 0 ? undefined : all;
}

/** (prompts): the share of right samples of each prompt of a tier; undefined if it is not told. */
function rightShares(
  { results, seed }: EvidenceCell,
  evaluation: Evaluation,
  tier: string,
): Float64Array | undefined {
  const where = `seed ${seed}, update ${evaluation.update}, tier ${tier}`;
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
  tiers: () => Float64Array[][] | undefined,
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

function exploratoryContrasts(
  sweep: EvidenceSweep,
  registered: readonly RegisteredContrast[],
  settings: Pick<Settings, 'alpha' | 'equivalence'>,
): Contrast[] {
  const conditions = new Map<string, EvidenceCell>();
  for (const cell of sweep.cells) conditions.set(JSON.stringify(cell.factors), cell);
  const methods = inTableOrder(sweep.grid.methods);
  return [...conditions.values()].flatMap((cell) => {
    const { experiment } = cell.results.config;
    const readout = experiment.tableReadout;
    const at: Place = experiment.budget === 'updates' ? { update: readout } : { epoch: readout };
    const cells = sweep.cells.filter(
      ({ factors }) => JSON.stringify(factors) === JSON.stringify(cell.factors),
    );
    return methods.flatMap((other, i) =>
      methods.slice(i + 1).flatMap((one) => {
        const isRegistered = registered.some(
          (contrast) =>
            [contrast.one, contrast.other].every((name) => name === one || name === other) &&
            JSON.stringify(contrast.at) === JSON.stringify(at) &&
            isWhere(cell, contrast.where),
        );
        if (isRegistered) return [];
        const name = `${methodLabel(one)} − ${methodLabel(other)}`;
        const contrast = { name, one, other, where: cell.factors as Where, at };
        return [
          contrastOf(
            { ...sweep, cells },
            { ...contrast, where: {} },
            {
              ...settings,
              seeds: sweep.grid.seeds,
              draws: 0,
            },
          ),
        ].map((found) => ({ ...found, where: contrast.where }));
      }),
    );
  });
}

/** The difference of one contrast between two settings, paired by seed. */
export interface Interaction {
  readonly pairs: readonly PairedSeed[];
  readonly missing: readonly number[];
  readonly tested?: Tested;
}

/**
 * A contrast under one setting minus the same contrast under another: (LIM - RAND) with wrong keys
 * minus (LIM - RAND) without. Seeds that lack one of the four read-outs are missing.
 *
 * @param other The setting that is subtracted.
 *
 * @public For the secondary analyses of `studies/`.
 */
export function interactionOf(
  sweep: EvidenceSweep,
  contrast: RegisteredContrast,
  other: Where,
  settings: Omit<Settings, 'draws'>,
): Interaction {
  const all = { ...settings, draws: 0 };
  const first = contrastOf(sweep, contrast, all);
  const second = contrastOf(sweep, { ...contrast, where: other }, all);
  const pairs = first.pairs.flatMap(({ seed, difference }) => {
    const twin = second.pairs.find((pair) => pair.seed === seed);
    if (!twin) return [];
    const against = twin.difference;
    return [{ seed, one: difference, other: against, difference: difference - against }];
  });
  const tested = testedOf(pairs, all, () => undefined);
  return {
    pairs,
    missing: [...new Set([...first.missing, ...second.missing])].sort((a, b) => a - b),
    ...(tested ? { tested } : {}),
  };
}

/** A place in words. */
function placeText(at: Place): string {
  if ('update' in at) return `update ${at.update}`;
  if ('epoch' in at) return `data epoch ${at.epoch} of its own prompts`;
  return 'totalSamples' in at ? `${at.totalSamples} total samples` : 'equal total samples';
}
