import type { VariantChoices } from '../kernels/lib/variants.ts';
import type { ExperimentConfig, Override } from './config.ts';
import type { Origin } from './tasks/task.ts';
import type { MethodName } from './vocabulary/methods.ts';
import type { MissingRule, Signal } from './vocabulary/signals.ts';

/**
 * Accuracy in [0, 1] of greedy answers, by tier and averaged over tiers; then of samples. NaN (null in
 * JSON) where the task has no tiers.
 */
export interface Accuracy {
  readonly mean: number;
  readonly tiers: Readonly<Record<string, number>>;
  /** Mean over the samples at the evaluation temperature; absent where none were drawn. */
  readonly sampled?: { readonly mean: number; readonly tiers: Readonly<Record<string, number>> };
}

/** One method evaluated at one read-out. */
export interface Evaluation extends Accuracy {
  readonly seed: number;
  /** PPO iterations of this method before it. */
  readonly update: number;
  /** Data epochs of its own prompts before it; present where methods are compared at equal epochs. */
  readonly epochs?: number;
  /** Responses sampled for training before it. */
  readonly samples: number;
}

/** What a selection took, by how the prompts were drawn; wrong keys are counted across origins. */
export interface SelectionSummary {
  readonly prompts: number;
  readonly byOrigin: Readonly<Record<Origin, number>>;
  readonly wrongKeys: number;
}

/** LIM on one seed's FULL pass. */
export interface LimSummary {
  readonly signal: Signal;
  readonly compat: MissingRule;
  /** The cut, where `count` is absent. */
  readonly theta: number;
  /** Prompts asked for, where the highest scores are kept, and theta is not used. */
  readonly count?: number;
  /** The lowest score among prompts kept by count; absent where none was kept. */
  readonly lowestKept?: number;
  readonly kept: number;
  /** Mean signal per data epoch; NaN (null in JSON) where no prompt was rolled out. */
  readonly meanCurve: readonly number[];
  /** Scores a never-solved and an always-solved prompt would get; NaN (null) without a mean curve. */
  readonly neverSolved: number;
  readonly alwaysSolved: number;
  /** A sentence where the cut keeps never-solved or always-solved prompts, else empty. */
  readonly warning: string;
}

export interface SeedResults {
  readonly seed: number;
  readonly lim: LimSummary | null;
  readonly pool: SelectionSummary;
  readonly selections: Readonly<Partial<Record<MethodName, SelectionSummary>>>;
  /** Lowest to highest LIM score, at 0, 5, ..., 100 % of the prompts that have one; else empty. */
  readonly scoreQuantiles: readonly number[];
}

/**
 * `results.json`. Readers refuse a `schema` they do not know. JSON has no NaN: a number that does not
 * exist is `null` in the file.
 */
export interface ExperimentResults {
  readonly schema: 1;
  readonly config: ExperimentConfig;
  readonly configHash: string;
  /** Constants that differ from the reference run's. */
  readonly overrides: readonly Override[];
  /** What the task puts into its data by design. */
  readonly injected: readonly string[];
  readonly adapter: string;
  /**
   * The variants of kernels that computed it, by family; absent where they were the adapter's defaults
   * of their time.
   */
  readonly kernels?: VariantChoices;
  readonly host: string;
  /** Worked, from the base to the results: without pauses and the time between stop and resume. */
  readonly seconds: number;
  /** What a reader must know beside the numbers, in sentences. Absent in results of older versions. */
  readonly warnings?: readonly string[];
  readonly base: Accuracy & { readonly shipped: boolean };
  /** Of the first seed; all seeds are in `seeds`. */
  readonly lim: LimSummary | null;
  readonly seeds: readonly SeedResults[];
  readonly methods: Readonly<
    Partial<
      Record<MethodName, { readonly prompts: number; readonly evaluations: readonly Evaluation[] }>
    >
  >;
}

/** One line of `metrics.jsonl`: an update of a method with the scalars of `src/metrics.ts`. */
export interface UpdateRecord {
  readonly seed: number;
  readonly method: MethodName;
  readonly update: number;
  /** Data epoch of the method's own prompts, from 0. */
  readonly epoch: number;
  /** NaN is null in the file. */
  readonly metrics: Readonly<Record<string, number>>;
}

/**
 * One line of `scores.json`: a prompt's place in the pool, its score and its curve. What is missing
 * is `null`, in the file as here: never 0, which is a score and a reward of its own.
 */
export interface ScoredPrompt {
  readonly prompt: string;
  readonly id: number;
  /** Null where the prompt has none: never rolled out, dropped by `limr`'s rule, or 0 / 0. */
  readonly score: number | null;
  /** The mean signal in each data epoch; null where the prompt was not rolled out in it. */
  readonly rewards: readonly (number | null)[];
  readonly origin: Origin;
  readonly wrongKey: boolean;
  /** What its responses were held against; absent in files of older versions. */
  readonly key?: string;
  /** The right answer, where the key is wrong on purpose and the task knows it. */
  readonly truth?: string;
}

/** How much of a file was written, and the SHA-256 of that much. */
export interface FileMark {
  readonly bytes: number;
  readonly sha256: string;
}

/** What a run tells whoever watches it. Plain data, at most 10 batches a second. */
export type ExperimentEvent =
  | {
      readonly type: 'started';
      readonly adapter: string;
      readonly host: string;
      readonly config: ExperimentConfig;
      readonly seeds: readonly number[];
      /** PPO iterations of all methods and seeds, as far as is known before selections are made. */
      readonly totalUpdates: number;
    }
  /** The run goes on from a checkpoint: what follows was computed here. */
  | {
      readonly type: 'resumed';
      readonly adapter: string;
      readonly host: string;
      /** What the run met, where it goes on by itself. */
      readonly reason?: string;
    }
  | {
      /** A driver begins with a kernel, the `compiled`th of those known so far to be needed. */
      readonly type: 'compiling';
      readonly label: string;
      readonly compiled: number;
      readonly of: number;
    }
  | {
      readonly type: 'phase';
      readonly seed: number;
      readonly phase: 'base' | 'full' | 'score' | 'lim' | 'linear' | 'rand' | 'report';
      readonly text: string;
    }
  /** The prompts of a seed's pool, before its FULL pass. */
  | {
      readonly type: 'pool';
      readonly seed: number;
      readonly prompts: readonly {
        readonly text: string;
        readonly origin: Origin;
        readonly wrongKey: boolean;
        /** What its responses were held against; absent in files of older versions. */
        readonly key?: string;
        /** The right answer, where the key is wrong on purpose and the task knows it. */
        readonly truth?: string;
      }[];
    }
  | {
      readonly type: 'pretraining';
      readonly update: number;
      readonly of: number;
      readonly loss: number;
    }
  | ({ readonly type: 'update' } & UpdateRecord)
  | {
      readonly type: 'progress';
      /** Share of all updates done, in [0, 1], and seconds left at the pace of the last ones. */
      readonly fraction: number;
      readonly eta: number;
      readonly tokensPerSecond: number;
      readonly stepMs: number;
    }
  /** A column of the reward matrix is complete: accuracy and mean reward of every prompt. */
  | {
      readonly type: 'column';
      readonly seed: number;
      readonly epoch: number;
      readonly accuracy: Float32Array;
      readonly reward: Float32Array;
    }
  | ({
      readonly type: 'evaluation';
      readonly method: MethodName | 'base';
      /** Of the base: whether it was found, and not pre-trained. */
      readonly shipped?: boolean;
    } & Evaluation)
  | {
      readonly type: 'scores';
      readonly seed: number;
      readonly lim: LimSummary;
      /** What results say of the seed. */
      readonly summary: SeedResults;
      /** What was written of it, by path. */
      readonly files: Readonly<Record<string, FileMark>>;
      readonly scores: Float64Array;
      readonly selections: Readonly<Partial<Record<MethodName, readonly number[]>>>;
    }
  | { readonly type: 'checkpoint'; readonly update: number }
  /**
   * The device is gone, and one is opened again in `seconds`: the `attempt`th time of `most` within an
   * hour. What follows its next `started` tells the run from its beginning.
   */
  | ({ readonly type: 'recovery' } & Reopening)
  /** What whoever watches must know: the run goes on. */
  | {
      readonly type: 'warning';
      readonly text: string;
      /** Present where a reader of the results must know it too. */
      readonly inResults?: true;
      /** Responses without a verdict, which results sum up. */
      readonly unjudged?: {
        readonly during: 'training' | 'evaluation';
        readonly responses: number;
        /** What the first of them met. */
        readonly reason: string;
      };
    }
  | { readonly type: 'state'; readonly state: RunState; readonly message: string }
  | { readonly type: 'done'; readonly results: ExperimentResults };

/** Another device in place of one that went away. */
export interface Reopening {
  /** A clause, such as `device lost: the driver was reset`. */
  readonly reason: string;
  readonly seconds: number;
  readonly attempt: number;
  readonly most: number;
}

/**
 * `pausing`, `stepping` and `stopping` until the iteration under way is done, and the checkpoint of a
 * stop; `paused` computes nothing. `stopped`, `done` and `failed` are final.
 */
export type RunState =
  'running' | 'pausing' | 'stepping' | 'paused' | 'stopping' | 'stopped' | 'done' | 'failed';

/** A response as it was judged. */
export interface Completion {
  readonly text: string;
  readonly reward: number;
  /** Whether the answer is right; files of older versions do not say. */
  readonly correct?: boolean;
  /** Whether the format is right; files of older versions do not say. */
  readonly formatted?: boolean;
}

/** What a prompt's samples said, for the page. */
export interface PromptCompletions {
  readonly prompt: string;
  readonly key: string;
  readonly epochs: readonly {
    readonly epoch: number;
    readonly completions: readonly Completion[];
  }[];
}
