import type { VariantChoices } from '../kernels/lib/variants.ts';
import type { ExperimentConfig, Override } from './config.ts';
import type { Origin } from './tasks/task.ts';
import type { MethodName } from './selection/methods.ts';
import type { OnlineUpdate } from './selection/online.ts';
import type { MissingRule, Signal } from './vocabulary/signals.ts';

/** Accuracy in [0, 1], by tier and averaged over tiers. NaN (null in JSON) if there are no tiers. */
export interface TierAccuracy {
  readonly mean: number;
  readonly tiers: Readonly<Record<string, number>>;
  /**
   * By tier, on prompts unlike those that training shows; no part of the mean. Absent if the task has
   * no such tier.
   */
  readonly outOfDistribution?: Readonly<Record<string, number>>;
}

/** Accuracy of greedy answers, or as a tier says for itself; and of samples. */
export interface Accuracy extends TierAccuracy {
  /** Evaluated prompts of each tier; absent if the config tells. */
  readonly prompts?: Readonly<Record<string, number>>;
  /**
   * Which prompts of a tier were answered right, in hex digits with a bit for each prompt: the first
   * prompt is the highest bit of the first digit, and the last digit is padded with 0. Absent for
   * tiers of several samples a prompt, and in files of older versions.
   */
  readonly correct?: Readonly<Record<string, string>>;
  /** Right samples of each prompt, for tiers of several samples a prompt; absent without such. */
  readonly counts?: Readonly<Record<string, readonly number[]>>;
  /** Accuracy of the samples at the evaluation temperature; absent if no samples were drawn. */
  readonly sampled?: TierAccuracy;
}

/** One method evaluated at one read-out. */
export interface Evaluation extends Accuracy {
  readonly seed: number;
  /** PPO iterations of this method before the evaluation. */
  readonly update: number;
  /**
   * Data epochs of the method's own prompts before the evaluation; present if methods are compared
   * at equal epochs.
   */
  readonly epochs?: number;
  /** Responses sampled for training before the evaluation. */
  readonly samples: number;
  /** Those of them that updates trained on; absent if they are all. */
  readonly samplesTrained?: number;
}

/** The contents of a selection. Absent properties do not apply to the pool's prompts. */
export interface SelectionSummary {
  readonly prompts: number;
  /** Prompts by how hard they are for the base. */
  readonly byOrigin?: Readonly<Record<Origin, number>>;
  /** Prompts whose key is wrong on purpose, across all strata. */
  readonly wrongKeys?: number;
  /** Prompts of rows in a file by what a column says, such as source or level. */
  readonly byColumn?: Readonly<Record<string, Readonly<Record<string, number>>>>;
}

/** The result of LIM on the FULL pass of one seed. */
export interface LimSummary {
  readonly signal: Signal;
  readonly compat: MissingRule;
  /** The threshold of the cut, if `count` is absent. */
  readonly theta: number;
  /** Number of prompts asked for, if the highest scores are kept. `theta` is then not used. */
  readonly count?: number;
  /** The lowest score of the prompts kept by count; absent if none was kept. */
  readonly lowestKept?: number;
  readonly kept: number;
  /** Mean signal per data epoch; NaN (null in JSON) where no prompt was rolled out. */
  readonly meanCurve: readonly number[];
  /**
   * The scores of a never-solved and of an always-solved prompt; NaN (null) without a mean curve.
   */
  readonly neverSolved: number;
  readonly alwaysSolved: number;
  /** A sentence if the cut keeps never-solved or always-solved prompts, otherwise empty. */
  readonly warning: string;
}

export interface SeedResults {
  readonly seed: number;
  readonly lim: LimSummary | null;
  readonly pool: SelectionSummary;
  readonly selections: Readonly<Partial<Record<MethodName, SelectionSummary>>>;
  /** Quantiles of the LIM scores, at 0, 5, ..., 100 %; empty if no prompt has a score. */
  readonly scoreQuantiles: readonly number[];
}

/** Facts about a model that an experiment was given. */
export interface GivenModelFacts {
  /** Over the names and contents of its files: equal for equal files, wherever they lie. */
  readonly sha256: string;
  readonly architecture: string;
  readonly layers: number;
  readonly hiddenSize: number;
  readonly heads: number;
  readonly parameters: number;
  /** Parameters of the adapters that the policy trains; absent if all parameters are trained. */
  readonly adapterParameters?: number;
}

/**
 * The content of `results.json`. Readers refuse an unknown `schema`. JSON has no NaN: a number that
 * does not exist is `null` in the file.
 */
export interface ExperimentResults {
  readonly schema: 1;
  readonly config: ExperimentConfig;
  readonly configHash: string;
  /** Constants that differ from the reference run's. */
  readonly overrides: readonly Override[];
  /** Sentences on what the task puts into its data by design. */
  readonly injected: readonly string[];
  readonly adapter: string;
  /**
   * The kernel variants that computed the results, by family; absent if they were the adapter's
   * defaults at that time.
   */
  readonly kernels?: VariantChoices;
  readonly host: string;
  /**
   * Working time from the base to the results, without pauses and without the time between stop and
   * resume.
   */
  readonly seconds: number;
  /** Sentences that a reader must know besides the numbers. Absent in results of older versions. */
  readonly warnings?: readonly string[];
  readonly base: Accuracy & { readonly shipped: boolean };
  /** Absent if nothing is selected, or the task is made up. */
  readonly probe?: Probe;
  /** The model that was given; absent for a drawn model, whose shape the config tells. */
  readonly model?: GivenModelFacts;
  /** How the run was laid out in the device's memory, in a sentence; absent without a budget. */
  readonly memory?: string;
  /** The result of LIM for the first seed; `seeds` has all seeds. */
  readonly lim: LimSummary | null;
  readonly seeds: readonly SeedResults[];
  readonly methods: Readonly<
    Partial<
      Record<MethodName, { readonly prompts: number; readonly evaluations: readonly Evaluation[] }>
    >
  >;
}

/** The base's answers to every prompt of a pool, sampled before FULL as FULL samples. */
export interface BaseAnswers {
  /** Answers to each prompt. */
  readonly samples: number;
  /** Right and well-formed answers to each prompt, in the order of the pool. */
  readonly right: readonly number[];
  readonly formatted: readonly number[];
}

/** The base's responses to some prompts of the pool, sampled before FULL as FULL samples. */
export interface Probe {
  readonly prompts: number;
  /** Responses to each prompt. */
  readonly samples: number;
  /** Share of right responses, and their mean reward. */
  readonly accuracy: number;
  readonly reward: number;
  /** Shares of prompts without a right response, and without a wrong one. */
  readonly neverSolved: number;
  readonly alwaysSolved: number;
  /** What that means for the threshold, as `ThetaBound`; absent if prompts are kept by count. */
  readonly theta?: {
    readonly level: number;
    readonly requiredLevel: number;
    readonly rejectsNeverSolved: boolean;
  };
}

/** A line of `metrics.jsonl`: one update of a method with the scalars of `src/metrics.ts`. */
export interface UpdateRecord {
  readonly seed: number;
  readonly method: MethodName;
  readonly update: number;
  /** Data epoch of the method's own prompts, from 0. */
  readonly epoch: number;
  /** NaN is null in the file. */
  readonly metrics: Readonly<Record<string, number>>;
  /** What an online method sampled; absent for other methods. */
  readonly online?: OnlineUpdate;
}

/**
 * A line of `scores.json`: a prompt's place in the pool, its score and its curve. A missing number
 * is `null`, in the file and here; it is never 0, which is a valid score and a valid reward.
 * `src/run-folder/pool-rows.ts` says how the file names the prompt.
 */
export interface ScoredPrompt {
  readonly prompt: string;
  /** The prompt's place in the pool. */
  readonly id: number;
  /** The id of the prompt's row in its file; absent for a prompt of no file. */
  readonly rowId?: string;
  /** Null if the prompt has no score: never rolled out, dropped by `limr`'s rule, or 0 / 0. */
  readonly score: number | null;
  /** The mean signal in each data epoch; null where the prompt was not rolled out in it. */
  readonly rewards: readonly (number | null)[];
  /** As in `PoolPrompt`. */
  readonly origin?: Origin;
  readonly wrongKey?: boolean;
  /** The answer key of the prompt; absent in files of older versions. */
  readonly key?: string;
  /** The right answer, if the key is wrong on purpose and the task knows the answer. */
  readonly truth?: string;
  /** As in `PoolPrompt`. */
  readonly columns?: Readonly<Record<string, string>>;
}

/** The number of bytes written to a file, and their SHA-256. */
export interface FileMark {
  readonly bytes: number;
  readonly sha256: string;
}

/** How far the files of a run have been read: to check which files they are, or for their weights. */
export interface Loading {
  readonly stage: 'check' | 'weights';
  /** Bytes read, of all bytes of the stage. */
  readonly bytes: number;
  readonly of: number;
}

/** An event that a run reports to its observers. Plain data, at most 10 batches a second. */
export type ExperimentEvent =
  | {
      readonly type: 'started';
      readonly adapter: string;
      readonly host: string;
      readonly config: ExperimentConfig;
      readonly seeds: readonly number[];
      /** PPO iterations of all methods and seeds, estimated before selections are made. */
      readonly totalUpdates: number;
    }
  /** The run continues from a checkpoint. The events that follow were computed here. */
  | {
      readonly type: 'resumed';
      readonly adapter: string;
      readonly host: string;
      /** What interrupted the run, if it continues by itself. */
      readonly reason?: string;
    }
  | ({ readonly type: 'loading' } & Loading)
  | {
      /**
       * The driver starts compiling a kernel: number `compiled` of the `of` kernels requested so
       * far.
       */
      readonly type: 'compiling';
      readonly label: string;
      readonly compiled: number;
      readonly of: number;
    }
  | {
      readonly type: 'phase';
      readonly seed: number;
      readonly phase: 'base' | 'score' | 'report' | MethodName;
      readonly text: string;
    }
  /** Before FULL of the first seed, if what it teaches is to be selected. */
  | ({ readonly type: 'probe'; readonly seed: number } & Probe)
  /** Before FULL, if a method selects by what the base can do already. */
  | ({ readonly type: 'answers'; readonly seed: number } & BaseAnswers)
  /** The prompts of a seed's pool, before its FULL pass. */
  | {
      readonly type: 'pool';
      readonly seed: number;
      readonly prompts: readonly {
        readonly text: string;
        /** As in `PoolPrompt`. */
        readonly origin?: Origin;
        readonly wrongKey?: boolean;
        /** The answer key of the prompt; absent in files of older versions. */
        readonly key?: string;
        /** The right answer, if the key is wrong on purpose and the task knows the answer. */
        readonly truth?: string;
        /** As in `PoolPrompt`. */
        readonly id?: string;
        readonly columns?: Readonly<Record<string, string>>;
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
      /**
       * Share of all updates that are done, in [0, 1]; and seconds left at the pace of the last
       * updates.
       */
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
      /** For the base: whether it was found instead of pre-trained. */
      readonly shipped?: boolean;
    } & Evaluation)
  | {
      readonly type: 'scores';
      readonly seed: number;
      readonly lim: LimSummary;
      /** The results of the seed. */
      readonly summary: SeedResults;
      /** The files written for the seed, by path. */
      readonly files: Readonly<Record<string, FileMark>>;
      readonly scores: Float64Array;
      readonly selections: Readonly<Partial<Record<MethodName, readonly number[]>>>;
    }
  | { readonly type: 'checkpoint'; readonly update: number }
  /**
   * The device was lost. The run opens a device again in `seconds`: attempt `attempt` of `most`
   * within an hour. The events after the next `started` tell the run from its beginning.
   */
  | ({ readonly type: 'recovery' } & Reopening)
  /** A warning to observers. The run continues. */
  | {
      readonly type: 'warning';
      readonly text: string;
      /** Present if readers of the results must know the warning too. */
      readonly inResults?: true;
      /** Responses without a verdict. The results sum them up. */
      readonly unjudged?: {
        readonly during: 'training' | 'evaluation';
        readonly responses: number;
        /** Why the first of these responses has no verdict. */
        readonly reason: string;
      };
    }
  /** A failed run's message is its error's name, a colon, and words. */
  | { readonly type: 'state'; readonly state: RunState; readonly message: string }
  | { readonly type: 'done'; readonly results: ExperimentResults };

/** Errors that the language throws: words such as `x is not a function` need their names. */
const ofLanguage = /^(?:Eval|Range|Reference|Syntax|Type|URI)Error$/;

/** The error in the message of a failed run: its name, and its words for a person. */
export function failureIn(message: string): { readonly name: string; readonly words: string } {
  const [, name = 'Error', words = message] = /^(\w*Error): (.*)$/s.exec(message) ?? [];
  return { name, words: ofLanguage.test(name) ? message : words };
}

/** The opening of another device in place of a lost one. */
export interface Reopening {
  /** A clause, such as `device lost: the driver was reset`. */
  readonly reason: string;
  readonly seconds: number;
  readonly attempt: number;
  readonly most: number;
}

/** The event of a type. */
export type EventOf<Type extends ExperimentEvent['type']> = Extract<
  ExperimentEvent,
  { readonly type: Type }
>;

/**
 * The state of a run. `pausing`, `stepping` and `stopping` last until the current iteration is
 * done; `stopping` also until the checkpoint is written. A `paused` run computes nothing.
 * `stopped`, `done` and `failed` are final.
 */
export type RunState =
  'running' | 'pausing' | 'stepping' | 'paused' | 'stopping' | 'stopped' | 'done' | 'failed';

/** A response with its verdict. */
export interface Completion {
  readonly text: string;
  readonly reward: number;
  /** Whether the answer is right; absent in files of older versions. */
  readonly correct?: boolean;
  /** Whether the format is right; absent in files of older versions. */
  readonly formatted?: boolean;
}

/** The samples of a prompt, for the page. */
export interface PromptCompletions {
  readonly prompt: string;
  readonly key: string;
  readonly epochs: readonly {
    readonly epoch: number;
    readonly completions: readonly Completion[];
  }[];
}
