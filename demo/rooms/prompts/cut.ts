// A cut through the scores of a run: which prompts it keeps, and what they are. No DOM.
import type { LimSummary, Origin, RunView } from '../../../src/index.ts';
import { poolPromptsOf } from '../../../src/index.ts';
import { exactScores, thetaBound, unsolvedSignal } from '../../../src/entries/lim.ts';

/** Prompts that score at least `theta`, or the `count` highest. */
export type Cut = { readonly theta: number } | { readonly count: number };

/** More than f32 rounds a score by. */
const ROUNDING = 1e-3;

/** What a cut reads of a run. */
export interface Scored extends Pick<RunView, 'pool' | 'columns' | 'order'> {
  readonly scores: Float64Array;
  readonly lim: LimSummary;
}

/** Whether a run has scores to cut. */
export const isScored = (run: RunView): run is RunView & Scored =>
  run.scores !== undefined && run.lim !== undefined;

/** The cut that the run itself made. */
export const ownCut = ({ count, theta }: LimSummary): Cut =>
  count === undefined ? { theta } : { count };

/**
 * The scores in float64. Those of the trainer are rounded to f32 unless they are close to the run's own
 * cut: a prompt that is always solved scores 0 exactly, and not 1e-8.
 */
export function settledScores({ scores, columns, lim }: Scored): Float64Array {
  const epochs = columns.length;
  const values = new Float32Array(scores.length * epochs);
  for (const [epoch, column] of columns.entries()) {
    for (const [prompt, value] of column.entries()) values[prompt * epochs + epoch] = value;
  }
  const exact = exactScores({ prompts: scores.length, epochs, values }, lim.compat);
  // A run that was read from files may lack columns: its scores are then the only ones.
  const same = exact.every(
    (score, i) => Object.is(score, scores[i]) || Math.abs(score - (scores[i] ?? NaN)) <= ROUNDING,
  );
  return same ? exact : scores;
}

/** The prompts that a cut keeps. A prompt without a score is never kept; of equals the first are. */
export function keptBy(
  { order }: Pick<Scored, 'order'>,
  scores: Float64Array,
  cut: Cut,
): Set<number> {
  if ('theta' in cut) {
    return new Set([...scores.keys()].filter((prompt) => (scores[prompt] ?? NaN) >= cut.theta));
  }
  const scored = order.filter((prompt) => !Number.isNaN(scores[prompt]));
  return new Set(scored.slice(0, cut.count));
}

/** So many of so many. */
export interface Share {
  readonly kept: number;
  readonly of: number;
}

/** What a cut keeps, and what it leaves. */
export interface Makeup {
  readonly all: Share;
  /** By how prompts were drawn; empty where nobody knows. */
  readonly origins: readonly (Share & { readonly origin: Origin })[];
  /** Prompts whose key is wrong on purpose; undefined where there are none. */
  readonly wrongKeys: Share | undefined;
  /** The lowest score that is kept; undefined where none is. */
  readonly lowest: number | undefined;
}

const origins = ['easy', 'learnable', 'hard'] as const;

export function makeupOf(
  pool: Scored['pool'],
  scores: Float64Array,
  kept: ReadonlySet<number>,
): Makeup {
  const share = (is: (prompt: Scored['pool'][number]) => boolean): Share => {
    const places = [...pool.keys()].filter((place) => is(pool[place] ?? { text: '' }));
    return { kept: places.filter((place) => kept.has(place)).length, of: places.length };
  };
  const wrong = share(({ wrongKey = false }) => wrongKey);
  const lowest = [...kept].reduce((low, place) => Math.min(low, scores[place] ?? NaN), Infinity);
  return {
    all: share(() => true),
    origins: origins
      .map((origin) => ({ origin, ...share((prompt) => prompt.origin === origin) }))
      .filter(({ of }) => of > 0),
    wrongKeys: wrong.of > 0 ? wrong : undefined,
    lowest: kept.size > 0 ? lowest : undefined,
  };
}

/**
 * How well a cut rejects wrong keys: their share among what is rejected, in [0, 1], and the share of
 * them that is rejected. Undefined where nothing is rejected, or no key is wrong.
 */
export function rejectionOf({ all, wrongKeys }: Makeup):
  | {
      readonly precision: number;
      readonly recall: number;
      /** Wrong keys among what is rejected. */
      readonly wrong: number;
      readonly rejected: number;
    }
  | undefined {
  const rejected = all.of - all.kept;
  if (!wrongKeys || rejected === 0) return undefined;
  const wrong = wrongKeys.of - wrongKeys.kept;
  return { precision: wrong / rejected, recall: wrong / wrongKeys.of, wrong, rejected };
}

/** Where prompts lie that teach nothing: solved never, or always. */
export interface Bounds {
  /** Score of a prompt that is never solved; NaN without a mean curve. */
  readonly neverSolved: number;
  readonly alwaysSolved: number;
  /** The mean curve as one number, and what it must exceed for θ to reject what is never solved. */
  readonly level: number;
  readonly required: number;
}

export function boundsOf({ signal, meanCurve }: LimSummary, theta: number): Bounds {
  const known = meanCurve.filter((mean) => !Number.isNaN(mean));
  const bound = thetaBound(
    known.map((mean) => 1 - mean),
    theta,
    unsolvedSignal[signal],
  );
  return {
    neverSolved: bound.neverSolvedScore,
    alwaysSolved: bound.alwaysSolvedScore,
    level: bound.curveLevel,
    required: bound.requiredLevel,
  };
}

/** A stretch of scores, and how many prompts lie in it. */
export interface Bin {
  readonly from: number;
  readonly to: number;
  readonly right: number;
  readonly wrong: number;
}

/** Width of a bin. */
const BIN = 0.05;
/** Scores below are counted with the lowest that are shown. */
export const LOWEST = -1.5;

/** The lowest score that is shown: a whole tenth, in [-1.5, 0]. */
export function lowestShown(scores: Float64Array): number {
  const least = scores.reduce((low, score) => (score < low ? score : low), 0);
  return Math.max(LOWEST, Math.floor(least * 10 + 1e-9) / 10);
}

/** How many prompts score how much; those without a score are in no bin. */
export function histogramOf(pool: Scored['pool'], scores: Float64Array): Bin[] {
  const low = lowestShown(scores);
  const count = Math.round((1 - low) / BIN);
  const bins = Array.from({ length: count }, (_, i) => ({
    from: low + i * BIN,
    to: low + (i + 1) * BIN,
    right: 0,
    wrong: 0,
  }));
  for (const [place, score] of scores.entries()) {
    if (Number.isNaN(score)) continue;
    // A score on the edge of a bin is in the upper one, as a cut there keeps it.
    const at = Math.floor((score - low) / BIN + 1e-9);
    const bin = bins[Math.min(count - 1, Math.max(0, at))];
    if (bin) bin[pool[place]?.wrongKey ? 'wrong' : 'right']++;
  }
  return bins;
}

/** θ from low to high in tenths, for a table. */
export function ladder(scores: Float64Array): number[] {
  const low = Math.round(10 * lowestShown(scores));
  return Array.from({ length: 10 - low + 1 }, (_, i) => (low + i) / 10);
}

/** θ as it is set: in hundredths, without the rounding of sums. */
export const roundedTheta = (theta: number): number => Math.round(theta * 100) / 100;

/**
 * The kept prompts as a file: JSON lines in the order of the pool, as the subsets of a run are.
 * `limr select --prompts` and `limr run` read it.
 */
export function subsetText(
  { config, pool }: Pick<RunView, 'config' | 'pool'>,
  kept: ReadonlySet<number>,
): string {
  const ofFile = poolPromptsOf(config.task) === undefined;
  const rows = [...kept]
    .sort((a, b) => a - b)
    .map((place) => {
      const { id, text = '', key } = pool[place] ?? {};
      return {
        ...(ofFile ? { ...(id === undefined ? {} : { id }), index: place } : { id: place }),
        prompt: text,
        ...(key === undefined ? {} : { answer: key }),
      };
    });
  return rows.map((row) => `${JSON.stringify(row)}\n`).join('');
}

/** The name of the file of a cut. */
export const subsetName = (cut: Cut): string =>
  'theta' in cut ? `subset-theta-${cut.theta}.json` : `subset-highest-${cut.count}.json`;
