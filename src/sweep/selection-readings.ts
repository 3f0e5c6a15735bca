import { RandomStream } from '../random.ts';
import type { MethodName } from '../selection/methods.ts';
import { binomialQuantile } from '../statistics/binomial.ts';
import { takesGivenModel } from '../tasks/registry.ts';
import { meanOf, shareMean, type Condition, type Mean, type ReadPass } from './readings.ts';

/** Rules that rank prompts by their matrix and that are computed again from half of the samples. */
export const halvedRules = ['lim', 'near', 'hvar', 'gvar'] as const;

type HalvedRule = (typeof halvedRules)[number];

/** What ranks keys from surely wrong to surely right: the LIM score, or mean accuracy. */
export const detectors = ['lim', 'accuracy'] as const;

export type Detector = (typeof detectors)[number];

/** How a condition's selections repeat, and what its scores know of wrong keys. */
export interface SelectionReadings {
  /** Number of prompts and of wrong keys among them, by method. */
  readonly sizes: readonly {
    readonly method: MethodName;
    readonly prompts: Mean;
    readonly wrongKeys?: Mean;
  }[];
  /** Jaccard index of each method's selection with LIM's, within a seed. */
  readonly withLim: readonly { readonly method: MethodName; readonly jaccard: Mean }[];
  /** Jaccard index of a rule's selections from two halves of the samples, at LIM's size. */
  readonly halves: readonly { readonly rule: HalvedRule; readonly jaccard: Mean }[];
  /**
   * Jaccard index of a rule's selections from two matrices that are sampled anew, at LIM's size: entries
   * are binomial with the number of samples and the shares that were read, drawn a little towards a half.
   */
  readonly resampled: readonly { readonly rule: HalvedRule; readonly jaccard: Mean }[];
  /** What LIM's threshold keeps; absent where LIM keeps a number of prompts, or reads rewards. */
  readonly threshold?: ThresholdReadings;
  /** The Jaccard index of two random selections of LIM's size. */
  readonly chance: number;
  /**
   * Jaccard index of LIM's selections between pairs of seeds; absent where each seed draws a pool
   * of its own.
   */
  readonly betweenSeeds?: number;
  /** ROC for wrong keys; empty where no key is known to be wrong. */
  readonly roc: readonly {
    readonly detector: Detector;
    readonly area: Mean;
    /** Mean share of wrong keys found at each share of right keys suspected, steps of 1/50. */
    readonly curve: readonly number[];
  }[];
}

/** Numbers of prompts that LIM's threshold keeps, means over seeds. */
export interface ThresholdReadings {
  readonly theta: number;
  readonly kept: Mean;
  /** From matrices that are sampled anew. */
  readonly resampled: Mean;
  /** From the same matrices, with the variance of the samples taken out. */
  readonly debiased: Mean;
  /** From the shares that those are sampled with: what infinitely many samples would keep. */
  readonly noiseless: Mean;
  /**
   * The expected score of a prompt whose chances are the mean curve itself, 1 - sum m (1 - m) / n / sum
   * (1 - m)^2; without noise it would be 1.
   */
  readonly onCurve: Mean;
}

/** Matrices that are sampled anew: each pair of neighbours is compared. */
const RESAMPLES = 12;
/** Number of splits of the samples into halves, of which the mean is taken. */
const SPLITS = 4;
/** Steps of a ROC curve's axis. */
export const rocSteps = 50;

/** Reads the pass of every cell, one after another. */
export async function selectionReadings(
  condition: Condition,
  methods: readonly MethodName[],
): Promise<SelectionReadings | undefined> {
  if (condition.cells.length === 0) return undefined;
  const withLim = new Map<MethodName, { seed: number; value: number }[]>();
  const halves = new Map<HalvedRule, { seed: number; value: number }[]>();
  const resampled = new Map<HalvedRule, { seed: number; value: number }[]>();
  const thresholds = new Map<keyof SeedThreshold, { seed: number; value: number }[]>();
  const roc = new Map<Detector, { seed: number; value: number; curve: number[] }[]>();
  const chances: number[] = [];
  const kept: (readonly number[])[] = [];
  for (const cell of condition.cells) {
    const { seed } = cell;
    const pass = await cell.pass?.();
    if (!pass) continue;
    const { lim } = pass.selections;
    if (lim && lim.length > 0) {
      kept.push(lim);
      chances.push(lim.length / (2 * pass.prompts - lim.length));
      for (const method of methods) {
        const chosen = pass.selections[method];
        if (method === 'lim' || method === 'full' || !chosen) continue;
        entry(withLim, method).push({ seed, value: jaccard(lim, chosen) });
      }
      const samples = cell.results.config.rollout.samples;
      if (samples >= 2) {
        for (const [rule, value] of halfAgreement(pass, samples, lim.length, seed)) {
          entry(halves, rule).push({ seed, value });
        }
      }
    }
    const { rollout, lim: how } = cell.results.config;
    const anew = sampledAnew(pass, rollout.samples, seed);
    if (lim && lim.length > 0) {
      for (const rule of halvedRules) {
        entry(resampled, rule).push({
          seed,
          value: agreement(rule, anew, pass.epochs, lim.length),
        });
      }
    }
    if (lim && how.count === undefined && how.signal === 'accuracy') {
      const found = thresholdOf(pass, anew, rollout.samples, how.theta);
      for (const [what, value] of Object.entries(found)) {
        entry(thresholds, what as keyof SeedThreshold).push({ seed, value });
      }
    }
    for (const detector of detectors) {
      const found = rocOf(pass, detector);
      if (found) entry(roc, detector).push({ seed, value: found.area, curve: found.curve });
    }
  }
  // Rows of a file are the same prompts for every seed; others are drawn anew.
  const [first] = condition.cells;
  const own = first !== undefined && takesGivenModel(first.results.config.task);
  return {
    sizes: sizesOf(condition, methods),
    withLim: [...withLim].map(([method, values]) => ({ method, jaccard: shareMean(values) })),
    halves: [...halves].map(([rule, values]) => ({ rule, jaccard: shareMean(values) })),
    resampled: [...resampled].map(([rule, values]) => ({ rule, jaccard: shareMean(values) })),
    ...(thresholds.size > 0 && first
      ? {
          threshold: {
            theta: first.results.config.lim.theta,
            kept: meanOf(entry(thresholds, 'kept')),
            resampled: meanOf(entry(thresholds, 'resampled')),
            debiased: meanOf(entry(thresholds, 'debiased')),
            noiseless: meanOf(entry(thresholds, 'noiseless')),
            onCurve: meanOf(entry(thresholds, 'onCurve')),
          },
        }
      : {}),
    chance: chances.reduce((sum, one) => sum + one, 0) / Math.max(1, chances.length),
    ...(own && kept.length > 1 ? { betweenSeeds: meanPairs(kept) } : {}),
    roc: [...roc].map(([detector, values]) => ({
      detector,
      area: shareMean(values.map(({ seed, value }) => ({ seed, value }))),
      curve: Array.from(
        { length: rocSteps + 1 },
        (_, i) => values.reduce((sum, { curve }) => sum + (curve[i] ?? 0), 0) / values.length,
      ),
    })),
  };
}

function entry<Key, Value>(map: Map<Key, Value[]>, key: Key): Value[] {
  const found = map.get(key) ?? [];
  map.set(key, found);
  return found;
}

function sizesOf({ cells }: Condition, methods: readonly MethodName[]): SelectionReadings['sizes'] {
  return methods.flatMap((method) => {
    const found = cells.flatMap(({ seed, results }) => {
      const own = results.seeds.find((one) => one.seed === seed);
      const summary = method === 'full' ? own?.pool : own?.selections[method];
      return summary ? [{ seed, summary }] : [];
    });
    if (found.length === 0) return [];
    const wrong = found.flatMap(({ seed, summary: { wrongKeys } }) =>
      wrongKeys === undefined ? [] : [{ seed, value: wrongKeys }],
    );
    return [
      {
        method,
        prompts: meanOf(found.map(({ seed, summary }) => ({ seed, value: summary.prompts }))),
        ...(wrong.length === found.length ? { wrongKeys: meanOf(wrong) } : {}),
      },
    ];
  });
}

/** Size of the intersection over that of the union; 1 for two empty sets. */
export function jaccard(one: readonly number[], other: readonly number[]): number {
  const held = new Set(one);
  const both = other.filter((prompt) => held.has(prompt)).length;
  const either = held.size + other.length - both;
  return either === 0 ? 1 : both / either;
}

function meanPairs(sets: readonly (readonly number[])[]): number {
  const values = sets.flatMap((one, i) => sets.slice(i + 1).map((other) => jaccard(one, other)));
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/**
 * Agreement of each rule with itself when the samples of every entry are split into two halves
 * without replacement; the mean over the splits. An odd sample is left out.
 */
function halfAgreement(
  pass: ReadPass,
  samples: number,
  size: number,
  seed: number,
): [HalvedRule, number][] {
  const sums = new Map<HalvedRule, number>(halvedRules.map((rule) => [rule, 0]));
  for (let split = 0; split < SPLITS; split++) {
    const [one, other] = splitSamples(pass, samples, new RandomStream(seed, 'splitHalves', split));
    for (const rule of halvedRules) {
      const value = jaccard(
        chosenBy(rule, one, pass.epochs, size),
        chosenBy(rule, other, pass.epochs, size),
      );
      sums.set(rule, (sums.get(rule) ?? 0) + value / SPLITS);
    }
  }
  return [...sums];
}

/** Shares of right samples in two halves of the samples of every entry. */
function splitSamples(
  { accuracy }: ReadPass,
  samples: number,
  random: RandomStream,
): [Float64Array, Float64Array] {
  const half = Math.floor(samples / 2);
  const [one, other] = [new Float64Array(accuracy.length), new Float64Array(accuracy.length)];
  accuracy.forEach((share, i) => {
    if (Number.isNaN(share)) {
      one[i] = other[i] = NaN;
      return;
    }
    let right = Math.round(share * samples);
    let left = samples;
    const halves = [0, 0];
    for (let drawn = 0; drawn < 2 * half; drawn++, left--) {
      if (random.float() * left >= right) continue;
      const which = drawn < half ? 0 : 1;
      halves[which] = (halves[which] ?? 0) + 1;
      right--;
    }
    one[i] = (halves[0] ?? 0) / half;
    other[i] = (halves[1] ?? 0) / half;
  });
  return [one, other];
}

/** What is sampled anew: the chances of a right answer, and matrices of shares that come of them. */
interface SampledAnew {
  readonly chances: Float64Array;
  readonly matrices: readonly Float64Array[];
}

/** Matrices that the same pool might have given: a parametric bootstrap. NaN stays NaN. */
export function sampledAnew(
  { accuracy }: Pick<ReadPass, 'accuracy'>,
  samples: number,
  seed: number,
): SampledAnew {
  // A share is never taken for certain, as it was read from few samples.
  const chances = Float64Array.from(
    accuracy,
    (share) => (share * samples + 0.25) / (samples + 0.5),
  );
  const matrices = Array.from({ length: RESAMPLES }, (_, draw) => {
    const random = new RandomStream(seed, 'sampledAnew', draw);
    return chances.map((chance) =>
      Number.isNaN(chance) ? NaN : binomialQuantile(random.float(), samples, chance) / samples,
    );
  });
  return { chances, matrices };
}

/** The mean Jaccard index of a rule's selections from neighbouring matrices. */
function agreement(
  rule: HalvedRule,
  { matrices }: SampledAnew,
  epochs: number,
  size: number,
): number {
  const chosen = matrices.map((shares) => chosenBy(rule, shares, epochs, size));
  let sum = 0;
  for (let i = 0; i + 1 < chosen.length; i += 2)
    sum += jaccard(chosen[i] ?? [], chosen[i + 1] ?? []);
  return (2 * sum) / chosen.length;
}

/** `ThresholdReadings` of one seed. */
type SeedThreshold = Readonly<Record<Exclude<keyof ThresholdReadings, 'theta'>, number>>;

/** What a threshold keeps of one pool. */
export function thresholdOf(
  { epochs, selections }: Pick<ReadPass, 'epochs' | 'selections'>,
  { chances, matrices }: SampledAnew,
  samples: number,
  theta: number,
): SeedThreshold {
  const kept = (values: readonly number[]): number =>
    values.filter((value) => value >= theta).length;
  const average = (values: readonly number[]): number =>
    values.reduce((sum, value) => sum + value, 0) / values.length;
  const curve = meanCurveOf(chances, epochs);
  const scale = curve.reduce((sum, mean) => sum + (1 - mean) ** 2, 0);
  const noise = curve.reduce((sum, mean) => sum + (mean * (1 - mean)) / samples, 0);
  return {
    kept: selections.lim?.length ?? 0,
    resampled: average(matrices.map((shares) => kept(valuesOf('lim', shares, epochs)))),
    debiased: average(matrices.map((shares) => kept(debiasedScores(shares, epochs, samples)))),
    noiseless: kept(valuesOf('lim', chances, epochs)),
    onCurve: 1 - noise / scale,
  };
}

/** LIM scores from which the binomial variance of the shares is taken: `shaders/lim-debias.wgsl`. */
function debiasedScores(shares: Float64Array, epochs: number, samples: number): number[] {
  const scores = valuesOf('lim', shares, epochs);
  if (samples < 2) return scores;
  const curve = meanCurveOf(shares, epochs);
  return scores.map((score, prompt) => {
    let [noise, scale] = [0, 0];
    curve.forEach((mean, k) => {
      const share = shares[prompt * epochs + k] ?? NaN;
      if (Number.isNaN(share)) return;
      noise += (share * (1 - share)) / (samples - 1);
      scale += (1 - mean) ** 2;
    });
    return score + noise / scale;
  });
}

/** The prompts with the highest values of a rule; ties go to the lower number. */
export function chosenBy(
  rule: HalvedRule,
  shares: Float64Array,
  epochs: number,
  size: number,
): number[] {
  return valuesOf(rule, shares, epochs)
    .map((value, prompt) => ({ value, prompt }))
    .filter(({ value }) => !Number.isNaN(value))
    .sort((a, b) => b.value - a.value || a.prompt - b.prompt)
    .slice(0, size)
    .map(({ prompt }) => prompt)
    .sort((a, b) => a - b);
}

/** A rule's value of every prompt; NaN for a prompt that no epoch has. */
function valuesOf(rule: HalvedRule, shares: Float64Array, epochs: number): number[] {
  const meanCurve = meanCurveOf(shares, epochs);
  const level = meanPresent(shares);
  return Array.from({ length: shares.length / epochs }, (_, i) =>
    valueOf(rule, shares.subarray(i * epochs, (i + 1) * epochs), meanCurve, level),
  );
}

/** The mean share of each epoch over the prompts that it has. */
function meanCurveOf(shares: Float64Array, epochs: number): number[] {
  return Array.from({ length: epochs }, (_, k) =>
    meanPresent(shares.filter((_share, i) => i % epochs === k)),
  );
}

function meanPresent(values: ArrayLike<number>): number {
  let [sum, present] = [0, 0];
  for (let i = 0; i < values.length; i++) {
    const value = values[i] ?? NaN;
    if (Number.isNaN(value)) continue;
    sum += value;
    present++;
  }
  return sum / present;
}

function valueOf(
  rule: HalvedRule,
  curve: Float64Array,
  meanCurve: readonly number[],
  level: number,
): number {
  const mean = meanPresent(curve);
  switch (rule) {
    case 'lim': {
      // s_i = 1 - sum_k (r_i^k - r_avg^k)^2 / sum_k (1 - r_avg^k)^2 over the epochs present.
      let [distance, scale] = [0, 0];
      curve.forEach((value, k) => {
        if (Number.isNaN(value)) return;
        distance += (value - (meanCurve[k] ?? 0)) ** 2;
        scale += (1 - (meanCurve[k] ?? 0)) ** 2;
      });
      return scale > 0 ? 1 - distance / scale : NaN;
    }
    case 'near':
      return -Math.abs(mean - level);
    case 'hvar':
      return meanPresent(curve.map((value) => (value - mean) ** 2));
    case 'gvar':
      return meanPresent(curve.map((value) => value * (1 - value)));
  }
}

/**
 * How well low values of a detector find wrong keys; undefined unless there are both wrong and right
 * keys. Prompts without a value are left out.
 */
export function rocOf(
  { prompts, epochs, accuracy, scores, wrongKeys }: ReadPass,
  detector: Detector,
): { readonly area: number; readonly curve: number[] } | undefined {
  const rows = Array.from({ length: prompts }, (_, i) => ({
    value:
      detector === 'lim'
        ? (scores[i] ?? NaN)
        : meanPresent(accuracy.subarray(i * epochs, (i + 1) * epochs)),
    wrong: wrongKeys?.[i] === true,
  }))
    .filter(({ value }) => !Number.isNaN(value))
    .sort((a, b) => a.value - b.value);
  const wrong = rows.filter((row) => row.wrong).length;
  const right = rows.length - wrong;
  if (wrong === 0 || right === 0) return undefined;
  // Corners of the curve; rows of one value are one step, so that ties count half.
  const corners: [x: number, y: number][] = [[0, 0]];
  let [falls, finds] = [0, 0];
  rows.forEach((row, i) => {
    if (row.wrong) finds++;
    else falls++;
    if (rows[i + 1]?.value !== row.value) corners.push([falls / right, finds / wrong]);
  });
  let area = 0;
  for (let i = 1; i < corners.length; i++) {
    const [[x0, y0], [x1, y1]] = [corners[i - 1] ?? [0, 0], corners[i] ?? [0, 0]];
    area += ((x1 - x0) * (y0 + y1)) / 2;
  }
  return { area, curve: resampled(corners) };
}

/** Heights of a rising curve at equal steps; at an upright piece the upper end. */
function resampled(corners: readonly (readonly [number, number])[]): number[] {
  return Array.from({ length: rocSteps + 1 }, (_, i) => {
    const x = i / rocSteps;
    const at = corners.findLastIndex(([cornerX]) => cornerX <= x);
    const [left, right] = [corners[at] ?? [0, 0], corners[at + 1]];
    if (!right || right[0] === left[0]) return left[1];
    return left[1] + ((right[1] - left[1]) * (x - left[0])) / (right[0] - left[0]);
  });
}
