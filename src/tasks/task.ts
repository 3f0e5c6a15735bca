import type { GenericSchema } from 'valibot';
import type { ByteSource } from '../formats/byte-source.ts';
import { type InputFiles, noFiles } from '../formats/input-files.ts';
import type { LearningRow } from '../formats/learning-rows.ts';
import type { TokenizerTexts } from '../formats/tokenizer-client.ts';
import type { Text } from './text.ts';

/** How hard a pool prompt is for the base model: its stratum, or its band of a continuous pool. */
export type Origin = 'easy' | 'learnable' | 'hard';

/** The values of a row of a file, as a user's verifier receives them. */
export interface RowValues {
  /** A text, or a list of messages. */
  readonly prompt: unknown;
  /** Null if the row has no answer. */
  readonly answer: unknown;
}

/** A prompt and the answer key for its responses. */
export interface Prompt {
  /** The prompt text that verifiers receive and files store. */
  readonly text: string;
  /** The text that the model receives, if it differs from `text`: a chat template around `text`. */
  readonly given?: string;
  /** The answer key in the verifier's terms. It is wrong if a pool prompt says `wrongKey`. */
  readonly key: string;
  /** The prompt as the model receives it, if the task has encoded it already. */
  readonly tokens?: Uint32Array;
  /** What the prompt's row has, for a verifier that is a user's module. */
  readonly row?: RowValues;
}

/** A prompt that a person has typed. */
export type TypedPrompt = Omit<Prompt, 'key' | 'tokens'> & { readonly key?: string };

/** A prompt of a made-up task. */
export interface DrawnPrompt extends Prompt {
  /** Chance in [0, 1] that a solution in the pre-training corpus makes no slip on this prompt. */
  readonly baseProbability: number;
}

/**
 * A training prompt. A prompt of a made-up task records what was injected, to show what a selection
 * rejects. A prompt of a file keeps what its row says about itself.
 */
export interface PoolPrompt extends Prompt {
  /** Absent if the task does not know how hard its prompts are. */
  readonly origin?: Origin;
  /**
   * Whether the key was replaced by a wrong one on purpose; absent if the task replaces no keys.
   */
  readonly wrongKey?: boolean;
  /** The right answer, if the key is wrong. */
  readonly truth?: string;
  /** The id of the prompt's row in its file. */
  readonly id?: string;
  /** Facts of the row by column, for the report: source, level and the like. */
  readonly columns?: Readonly<Record<string, string>>;
}

/** How responses to a tier's prompts are drawn. */
export interface TierSampling {
  /** Responses per prompt. */
  readonly samples: number;
  /** 0 is greedy. */
  readonly temperature: number;
  readonly topP: number;
}

/** A held-out set of prompts, the same for every pool seed. */
export interface Tier<OfPrompt extends Prompt = Prompt> {
  /** `T1`, `T2`, ... from easy to hard. */
  readonly name: string;
  /**
   * The prompts are unlike those that training shows. Such a tier is evaluated beside the others and
   * is no part of their mean.
   */
  readonly outOfDistribution?: true;
  readonly description: string;
  readonly prompts: readonly OfPrompt[];
  /** How the tier is sampled; if absent, as the config's `evaluation` says. */
  readonly sampling?: TierSampling;
}

/** A row of a task's file that is none of its prompts. */
export interface LeftOutRow {
  /** File and row. */
  readonly where: string;
  readonly id?: string;
  /** The beginning of the prompt. */
  readonly prompt: string;
  /** Why the row is left out, as a clause. */
  readonly reason: string;
}

/** One pre-training sequence: prompt and solution. */
export interface CorpusSequence {
  readonly tokens: Uint32Array<ArrayBuffer>;
  /** Number of prompt tokens at the front of `tokens`. */
  readonly promptLength: number;
}

/** A verifier's verdict on one response. */
export interface Verdict {
  /**
   * Any finite number. The verifiers here follow LIMR: 1 for right, -0.5 for wrong but well
   * formatted, -1 for badly formatted or unfinished.
   */
  readonly reward: number;
  readonly correct: boolean;
  readonly formatted: boolean;
  /** The answer found in the response; null if none was found. */
  readonly extracted: string | null;
}

/** How a response ended. */
export interface ResponseEnd {
  /** False if the response was cut, so that it did not end by itself. */
  readonly finished: boolean;
}

/**
 * Judges the responses of a task. A verifier runs in a worker, without the task's prompts and
 * `Text`.
 */
export interface TaskVerifier {
  /** The verifier of a held-out tier that has its own; undefined for tiers that have none. */
  readonly ofTier?: (tier: string) => TaskVerifier | undefined;
  /**
   * The end token as text, if responses are decoded with it and it is part of their form. Undefined
   * if responses come without an end token.
   */
  readonly endText: string | undefined;
  /**
   * Judges one response to `prompt` by `key`. `response` is text that the task's `Text` decoded.
   */
  readonly verify: (
    prompt: string,
    key: string,
    response: string,
    end: ResponseEnd,
  ) => Verdict | Promise<Verdict>;
}

/** The two ways to end a data epoch whose prompts are no whole number of rollouts. */
export const lastBatches = ['drop', 'short'] as const;
export type LastBatch = (typeof lastBatches)[number];

/** The sizes of a task that determine its model and buffers. */
export interface TaskShape {
  /** All token ids are below this number. */
  readonly vocabularySize: number;
  /**
   * Tokens that end a response. The end token is part of the response. If there are none, only the
   * length ends a response.
   */
  readonly stopIds: readonly number[];
  /**
   * Texts that end a response after the token that completes one of them, which stays in the
   * response. Absent if only tokens end a response.
   */
  readonly stopStrings?: readonly string[];
  /** The length of the longest prompt. */
  readonly maxPromptTokens: number;
  /**
   * Responses are cut at this length. A cut response counts as unfinished if it needs an end token.
   */
  readonly maxResponseTokens: number;
  /** Prompts of a pool, which are the rows of the reward matrix. */
  readonly poolPrompts: number;
  /**
   * What becomes of the prompts at the end of a data epoch that are too few for a rollout: `drop`
   * leaves them out of that epoch, `short` makes a smaller rollout of them. If absent, a rollout's
   * prompts must divide the pool.
   */
  readonly lastBatch?: LastBatch;
}

/**
 * Pre-training sequences of one update. They depend on `update` alone, without replaying earlier
 * updates.
 */
export type Corpus = (seed: number, update: number, count: number) => readonly CorpusSequence[];

/**
 * A task makes prompts: text, pool, held-out tiers and pre-training corpus. The same seed gives the
 * same data on every host.
 */
export interface Task extends TaskShape {
  readonly name: string;
  readonly text: Text;
  /**
   * The prompt that a text means which a person types, with its answer key if the task knows it: else
   * the key is undefined. If absent, the text is the prompt.
   *
   * @throws RangeError or FormatError for a text that means no prompt of the task.
   */
  typed?(text: string): TypedPrompt | Promise<TypedPrompt>;
  /**
   * The rows of a file that a model is to learn as they stand, in the form of the task's prompts. If
   * absent, the task has no texts to learn.
   *
   * @param longest Most tokens of a row.
   * @throws FormatError naming file and row.
   */
  learned?(source: ByteSource, longest: number): Promise<readonly LearningRow[]>;
  /** The training prompts of a seed, all distinct. Their order tells nothing about a prompt. */
  pool(seed: number): readonly PoolPrompt[];
  /**
   * The held-out tiers, which the config alone determines. Their prompts occur in no pool and not
   * as prompts of the corpus. May be empty.
   */
  tiers(): readonly Tier[];
  /**
   * The corpus that a base is pre-trained on. Undefined if there is none and a model must be given.
   */
  readonly corpus: Corpus | undefined;
  /** Sentences for the report on what was put into the data by design. */
  describeInjected(): readonly string[];
  /** Sentences that a reader of the results must know: rows that were left out, and the like. */
  readonly notes?: readonly string[];
  /** The rows of the task's files that are none of its prompts. */
  readonly leftOut?: readonly LeftOutRow[];
}

/** The model that a task's text is for, as far as its files describe it. */
export interface TaskModel {
  /** The model's name in errors. */
  readonly where: string;
  /** All token ids are below this number. */
  readonly vocabularySize: number;
  /** Tokens that end a response. */
  readonly stopIds: readonly number[];
  /** Longest sequence, in tokens. */
  readonly maxPositions: number;
  /** The unparsed files of the model's tokenizer; undefined if it has none. */
  tokenizerTexts(): Promise<TokenizerTexts | undefined>;
}

/** What a task needs from outside its config. */
export interface TaskResources {
  readonly files: InputFiles;
  /** The model that is given; absent if the task's model is drawn. */
  readonly model?: TaskModel;
}

/** For tasks that need neither files nor a model. */
export const noResources: TaskResources = { files: noFiles };

/** A task in words, for report and page. Each comment shows the sentence around its text. */
export interface TaskDescription {
  /** `A small decoder (...) and ...`. */
  readonly what: string;
  /** `A base model, pre-trained on ...`; empty where a model is given. */
  readonly corpus: string;
  /** `It is the procedure of the paper, run in full on ...`, to the end of the paragraph. */
  readonly limits: string;
  /** Sentences before the table of what selections kept; may be empty. */
  readonly pool: string;
  /** Whether the pool is drawn in strata of difficulty, so that its scores form several modes. */
  readonly hasStrata: boolean;
  /**
   * Whether no pool has the prompts of the tiers, so that intervals over the tiers mean something.
   */
  readonly isHeldOut: boolean;
  /**
   * How tiers are answered, if they say so themselves: `Evaluation on held-out prompts, ...: ...`.
   */
  readonly answers?: string;
  /** The name of the file that the prompts come from; absent for prompts that are drawn. */
  readonly source?: string;
  /** What rewards and right responses are, where prompts have no wrong keys on purpose. */
  readonly verdicts?: { readonly reward: string; readonly right: string };
  /** The settings that a reader of results asks for, by name, if the whole config hides them. */
  readonly settings?: readonly (readonly [name: string, value: string])[];
  /** A prompt for people to read. */
  readonly promptText: (prompt: string) => string;
  /** The answer that a response gives, in the terms of keys; undefined if none is found. */
  readonly answerOf: (response: string) => string | undefined;
}

/**
 * A kind of task: one object with all that the program knows about it. Methods that take a config,
 * except `open` and `verifier`, need neither files nor a device.
 */
export interface TaskKind<Config extends { readonly name: string }> {
  readonly name: Config['name'];
  /**
   * Whether the model is given, and its tokenizer makes the task's text. If absent, the task has a
   * vocabulary of its own, and its model is drawn.
   */
  readonly takesGivenModel?: true;
  /** The schema of fields, types and ranges: an object whose `name` is a literal. */
  readonly schema: GenericSchema<unknown, Config>;
  /**
   * Checks the rules between fields. @throws ConfigError naming the first wrong field, as
   * `path.field`.
   */
  check?(config: Config, path: string): void;
  /**
   * The config with every path of a file replaced by what `change` makes of it; absent if the
   * config names no files.
   */
  withPaths?(config: Config, change: (path: string) => string): Config;
  /** The user's module that judges responses, of the pool or of a tier; undefined if it is none. */
  moduleOf?(config: Config, tier: string | undefined): string | undefined;
  /** As `TaskShape.lastBatch`, which the config alone determines; absent if rollouts divide a pool. */
  lastBatch?(config: Config): LastBatch;
  /** The shape of the task; undefined if files must be opened first. */
  shape(config: Config): TaskShape | undefined;
  /**
   * The number of prompts of each held-out tier of the mean, by its name, from easy to hard;
   * undefined if files must be opened first.
   */
  tierSizes(config: Config): ReadonlyMap<string, number | undefined>;
  /** As `tierSizes`, of the tiers that are no part of the mean; none when left out. */
  outsideTierSizes?(config: Config): ReadonlyMap<string, number>;
  /** The fields that determine the pre-training corpus, in an order that never changes. */
  corpusIdentity(config: Config): object | undefined;
  describe(config: Config): TaskDescription;
  open(config: Config, resources: TaskResources): Task | Promise<Task>;
  verifier(config: Config, resources: TaskResources): TaskVerifier | Promise<TaskVerifier>;
}

/** What ends a response of a task, as a decoder takes it. */
export const endsOf = ({ stopIds, stopStrings = [], text }: Task) => ({
  stopIds,
  ...(stopStrings.length > 0
    ? {
        stopStrings: {
          texts: stopStrings,
          decode: (rows: readonly ArrayLike<number>[]) => text.decode(rows),
        },
      }
    : {}),
});

/** The text that a model receives for a prompt. */
export const givenText = ({ text, given = text }: Prompt): string => given;
