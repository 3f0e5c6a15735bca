import type { MethodName } from '../../vocabulary/methods.ts';
import type { Gpu } from '../../gpu/device.ts';
import type { MatrixTensors, RewardMatrix, ValueMatrix } from '../matrix.ts';
import type { Cut, Scored } from './cut.ts';

/** A selection that cannot be made: the pool lacks what the method needs, or prompts to keep. */
export class SelectionError extends Error {
  override readonly name = 'SelectionError';
}

/** Prompts chosen from a pool. */
export interface Selection {
  readonly method: MethodName;
  /** Prompts kept, ascending: the input's order. */
  readonly indices: readonly number[];
  /** The rule that was applied, in a sentence. */
  readonly rule: string;
  /** Why one prompt was kept or not. */
  readonly reason: (prompt: number) => string;
  /** Scores as they were compared, those near the cut in float64; absent where nothing is scored. */
  readonly scores?: Float64Array;
  /** Why it holds fewer prompts than were asked for, in words; absent where it holds as many. */
  readonly shortfall?: string;
}

/**
 * The rewards of the pass over the whole pool: on the device, where a method computes from the buffers
 * that the pass filled, or in host memory, where float64 is at hand for every prompt.
 */
export type Rewards =
  | { readonly matrix: MatrixTensors; readonly gpu: Gpu }
  | { readonly matrix: RewardMatrix | ValueMatrix; readonly gpu?: never };

/** What is known of a prompt whose key may be wrong on purpose. */
export interface PromptKey {
  /** How hard the prompt is for the base model, as it was drawn. */
  readonly origin: string;
  readonly wrongKey: boolean;
}

/** What a method chooses from. A property is absent where that is not known. */
export interface SelectionPool {
  readonly prompts: number;
  /** Keys the draws of methods that draw. */
  readonly seed: number;
  /** LIM scores, which whoever asks has already: a file holds them, or a run reports them. */
  readonly scores?: Scored;
  readonly rewards?: Rewards;
  /** Whether `rewards` hold how many samples each mean is over, and not a mean alone. */
  readonly counted?: boolean;
  readonly keys?: readonly PromptKey[];
  /** What lacks a thing that a method needs, for messages: `this file`. */
  readonly source: string;
}

/** What a pass over the whole pool is made of. */
export interface PassSize {
  readonly prompts: number;
  readonly epochs: number;
  /** Responses to a prompt in each epoch. */
  readonly samples: number;
}

/** Things that a method may need of a pool, each with its words in messages. */
export const needs = {
  scores: 'the LIM scores',
  rewards: 'the rewards of each epoch',
  counts: 'the number of samples behind each reward',
  keys: 'to know which keys are wrong',
} as const;

export type Need = keyof typeof needs;

/** How many prompts to keep in an experiment: as a function of LIM's number, and of settings. */
export type ArmSize = (limKept: number, settings: { readonly linearShare: number }) => number;

/**
 * A way to choose the prompts that a model is trained on. A method is an object in a file of its own and
 * a line in `registry.ts`.
 */
export interface SelectionMethod {
  readonly name: MethodName;
  readonly needs: readonly Need[];
  /** What is kept where nobody asks for a size: a threshold's worth, as many as LIM keeps, or all. */
  readonly usualSize: { readonly threshold: number } | 'as LIM' | 'all';
  /** Size of its arm beside LIM's; LIM's own size when left out. */
  readonly armSize?: ArmSize;
  /** Responses that must be sampled and judged before the selection can be made. */
  readonly samples: (pass: PassSize) => number;
  /** Called with a pool that has all of `needs`; see `select`. */
  readonly choose: (pool: SelectionPool, cut: Cut) => Selection | Promise<Selection>;
}

/** All responses of a pass over the whole pool. */
export const wholePass = ({ prompts, epochs, samples }: PassSize): number =>
  prompts * epochs * samples;

/** A thing that the method needs and the pool lacks. */
export function lacking(method: SelectionMethod, pool: SelectionPool): Need | undefined {
  const held: Record<Need, boolean> = {
    scores: pool.scores !== undefined,
    rewards: pool.rewards !== undefined,
    counts: pool.rewards !== undefined && pool.counted === true,
    keys: pool.keys !== undefined,
  };
  return method.needs.find((need) => !held[need]);
}

/** Prompts that a method chooses. @throws SelectionError when it cannot; see `lacking` and `Cut`. */
export async function select(
  method: SelectionMethod,
  pool: SelectionPool,
  cut: Cut,
): Promise<Selection> {
  const need = lacking(method, pool);
  if (need !== undefined) {
    throw new SelectionError(`${method.name} needs ${needs[need]}, which ${pool.source} lacks`);
  }
  return method.choose(pool, cut);
}

/** A part of a pool that `lacking` has found there. */
export function known<Part>(part: Part | undefined, method: MethodName, need: Need): Part {
  if (part === undefined) throw new SelectionError(`${method} was asked without ${needs[need]}`);
  return part;
}
