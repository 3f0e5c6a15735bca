import type { Cut, Scored } from './cut.ts';
import type { OnlinePolicy, OnlineTraining } from './online.ts';

/** A selection cannot be made: the pool lacks what the method needs, or has too few prompts. */
export class SelectionError extends Error {
  override readonly name = 'SelectionError';
}

/** Prompts chosen from a pool. */
export interface Selection {
  /** Name of the method that chose. */
  readonly method: string;
  /** Prompts kept, ascending: the input's order. */
  readonly indices: readonly number[];
  /** The rule that was applied, in a sentence. */
  readonly rule: string;
  /** Why one prompt was kept or not. */
  readonly reason: (prompt: number) => string;
  /** The compared scores; scores near the cut are float64. Absent if the method does not score. */
  readonly scores?: Float64Array;
  /** Why the selection has fewer prompts than asked for, in words; absent if it has enough. */
  readonly shortfall?: string;
}

/** A score that depends only on the prompt's own curve of mean rewards. */
export interface CurveScore {
  /** What computes the score on a device. `src/lim/row-scores.ts` knows the kernel. */
  readonly kernel: 'linear-score' | 'curve-mean' | 'curve-variance' | 'curve-group';
  /** The float64 score of a curve. Missing epochs are NaN; the score is NaN if there is none. */
  readonly exact: (curve: Float64Array) => number;
  /** Scores of the kernel differ from float64 scores by at most this times max(1, |score|). */
  readonly tolerance: number;
}

/**
 * The rewards of the pass over the whole pool, in a device's buffers or in host memory. Scores are
 * computed where the rewards lie.
 */
export interface PoolRewards {
  /** @throws ShapeError if sizes contradict each other or there is nothing to score. */
  readonly scoreCurves: (score: CurveScore) => Promise<Scored>;
  /**
   * LIM scores of a kind of its own.
   *
   * @throws ShapeError as `scoreCurves`, or to debias means without counts.
   */
  readonly scoreLim: (kind: LimKind) => Promise<Scored>;
}

/** How LIM scores differ from those of the paper. */
export interface LimKind {
  /** Number of the first data epochs that count; all when left out. */
  readonly epochs?: number;
  /** Whether the binomial noise of the counts is taken out: `shaders/lim-debias.wgsl`. */
  readonly debias?: boolean;
}

/** Answers of the base to every prompt of a pool, sampled before anything was trained. */
export interface BaseAnswers {
  /** Answers to each prompt. */
  readonly samples: number;
  /** Right ones and well-formed ones among the answers to each prompt. */
  readonly right: ArrayLike<number>;
  readonly formatted: ArrayLike<number>;
}

/** What is known about a prompt whose key may be wrong on purpose. */
export interface PromptKey {
  /** How hard the prompt is for the base model, as it was drawn; absent if it is in no stratum. */
  readonly origin?: string;
  readonly wrongKey: boolean;
}

/** The pool that a method chooses from. A property is absent if it is not known. */
export interface SelectionPool {
  readonly prompts: number;
  /** Seed for methods that draw at random. */
  readonly seed: number;
  /** LIM scores, if the caller has them already, from a file or from a run. */
  readonly scores?: Scored;
  /** In the signal that LIM uses. */
  readonly rewards?: PoolRewards;
  /** Shares of right answers. */
  readonly shares?: PoolRewards;
  /** Whether `shares` hold the number of samples behind each share. */
  readonly counted?: boolean;
  /** The prompts that LIM keeps, ascending. */
  readonly limKept?: readonly number[];
  readonly answers?: BaseAnswers;
  readonly keys?: readonly PromptKey[];
  /** The prompts that a subset file lists, by the name of its method. */
  readonly listed?: (method: string) => readonly number[];
  /** The name of the pool's source in messages about a missing need: `this file`. */
  readonly source: string;
}

/** The size of a pass over the whole pool. */
export interface PassSize {
  readonly prompts: number;
  readonly epochs: number;
  /** Responses to a prompt in each epoch. */
  readonly samples: number;
}

/** What a method may need from a pool, with the words for messages. */
export const needs = {
  scores: 'the LIM scores',
  rewards: 'the rewards of each epoch',
  shares: 'the share of right answers in each epoch',
  counts: 'the number of samples behind each share',
  limKept: 'the prompts that LIM keeps',
  keys: 'to know which keys are wrong',
  strata: 'to know how hard each prompt is by design',
  answers: 'answers of the base before training',
  listed: 'the prompts that a file lists',
} as const;

export type Need = keyof typeof needs;

/** The settings of LIM that say how many prompts a method takes. */
export interface LimSettings {
  readonly theta: number;
  readonly count?: number | undefined;
  readonly linearShare: number;
}

/** What every method of choosing prompts tells of itself. */
interface MethodFacts {
  /** Name in commands, files and configs. */
  readonly name: string;
  /**
   * Number of the method: a key of its random numbers, and the place of its look in
   * `src/look/tokens.ts`. The number never changes and is never reused for another method.
   */
  readonly code: number;
  /** Name in tables and legends. */
  readonly label: string;
  /** The prompts that the method takes, in words that follow its label in a list of terms. */
  readonly takes: (settings: LimSettings) => string;
  /** Number of responses that must be sampled and judged before the selection can be made. */
  readonly samples: (pass: PassSize) => number;
}

/** A method that chooses its prompts once, before it trains on them. */
export interface StaticMethod extends MethodFacts {
  readonly needs: readonly Need[];
  /** Number of the first data epochs that the method reads, if not all. */
  readonly epochs?: number;
  /**
   * The size of a selection whose size nobody gives: prompts at a threshold, as many as LIM keeps,
   * all, or the method's own number.
   */
  readonly usualSize: { readonly threshold: number } | 'as LIM' | 'all' | 'own';
  /** The cut of the method's arm, given LIM's size. Default: LIM's size. */
  readonly arm?: (limKept: number, settings: LimSettings) => Cut;
  /** Makes the selection. The pool has all of `needs`; see `select`. */
  readonly choose: (pool: SelectionPool, cut: Cut) => Selection | Promise<Selection>;
}

/** A method that chooses the prompts of each iteration, while it trains. */
export interface OnlineMethod extends MethodFacts {
  /** Begins a training by the rule that chooses its prompts. */
  readonly policy: (training: OnlineTraining) => OnlinePolicy;
  /** Whether the pool is narrowed to what LIM keeps, once the ranking has come to rest. */
  readonly narrows?: true;
}

/** A method that chooses nothing: it learns responses that its file has, and samples none. */
export interface SupervisedMethod extends MethodFacts {
  readonly learns: 'rows';
}

/** A method of choosing what is trained on. Each is an object in its own file and a line in `methods.ts`. */
export type SelectionMethod = StaticMethod | OnlineMethod | SupervisedMethod;

/** Whether a method chooses once, before it trains. */
export const isStatic = (method: SelectionMethod): method is StaticMethod => 'choose' in method;

/** Number of responses in a pass over the whole pool. */
export const wholePass = ({ prompts, epochs, samples }: PassSize): number =>
  prompts * epochs * samples;

/** The first thing that the method needs and the pool lacks; undefined if there is none. */
export function lacking(method: StaticMethod, pool: SelectionPool): Need | undefined {
  const held: Record<Need, boolean> = {
    scores: pool.scores !== undefined,
    rewards: pool.rewards !== undefined,
    shares: pool.shares !== undefined,
    counts: pool.shares !== undefined && pool.counted === true,
    limKept: pool.limKept !== undefined,
    keys: pool.keys !== undefined,
    strata: pool.keys?.every(({ origin }) => origin !== undefined) === true,
    answers: pool.answers !== undefined,
    listed: pool.listed !== undefined,
  };
  return method.needs.find((need) => !held[need]);
}

/** Chooses prompts by a method. @throws SelectionError if it cannot; see `lacking` and `Cut`. */
export async function select(
  method: StaticMethod,
  pool: SelectionPool,
  cut: Cut,
): Promise<Selection> {
  const need = lacking(method, pool);
  if (need !== undefined) {
    throw new SelectionError(`${method.name} needs ${needs[need]}, which ${pool.source} lacks`);
  }
  return method.choose(pool, cut);
}

/** Unwraps a part of a pool after `lacking` has found it there. */
export function known<Part>(part: Part | undefined, method: string, need: Need): Part {
  if (part === undefined) throw new SelectionError(`${method} was asked without ${needs[need]}`);
  return part;
}
