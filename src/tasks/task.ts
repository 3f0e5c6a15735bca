import type { GenericSchema } from 'valibot';
import type { Text } from './text.ts';

/** How hard a pool prompt is for the base model, as it was drawn. */
export type Origin = 'easy' | 'learnable' | 'hard';

/** A prompt and the key its responses are held against. */
export interface Prompt {
  /** The prompt as verifiers get it and files keep it. */
  readonly text: string;
  /** The text that the model is given, where that is another one: a chat template around `text`. */
  readonly given?: string;
  /** Answer key in the verifier's terms; wrong where a pool prompt says `wrongKey`. */
  readonly key: string;
}

/** A prompt of a made-up task. */
export interface DrawnPrompt extends Prompt {
  /** Chance in [0, 1] that a solution in the pre-training corpus makes no slip on this prompt. */
  readonly baseProbability: number;
}

/** A training prompt; what was injected is recorded, so that one can see what a selection rejects. */
export interface PoolPrompt extends Prompt {
  readonly origin: Origin;
  /** True where the key was replaced by a wrong one on purpose. */
  readonly wrongKey: boolean;
  /** The right answer where the key is wrong. */
  readonly truth?: string;
}

/** A held-out set of prompts, the same for every pool seed. */
export interface Tier<OfPrompt extends Prompt = Prompt> {
  /** `T1`, `T2`, ... from easy to hard. */
  readonly name: string;
  readonly description: string;
  readonly prompts: readonly OfPrompt[];
}

/** One pre-training sequence: prompt and solution. */
export interface CorpusSequence {
  readonly tokens: Uint32Array<ArrayBuffer>;
  /** Tokens of the prompt, at the front of `tokens`. */
  readonly promptLength: number;
}

/** What a verifier says of one response. */
export interface Verdict {
  /**
   * Any finite number. Verifiers here follow LIMR: 1 right; -0.5 well formatted, wrong; -1 badly
   * formatted or unfinished.
   */
  readonly reward: number;
  readonly correct: boolean;
  readonly formatted: boolean;
  /** The answer found in the response; null where there is none to find. */
  readonly extracted: string | null;
}

/** How a response ended. */
export interface ResponseEnd {
  /** False where the response was cut: it did not end by itself. */
  readonly finished: boolean;
}

/** Judges the responses of a task. It lives in a worker, apart from the task's prompts and text. */
export interface TaskVerifier {
  /**
   * The end token as text, where responses are decoded with it and it is part of their form.
   * Undefined where responses come without one.
   */
  readonly endText: string | undefined;
  /** Judges one response to `prompt` by `key`; the text is what the task's `Text` decoded. */
  readonly verify: (
    prompt: string,
    key: string,
    response: string,
    end: ResponseEnd,
  ) => Verdict | Promise<Verdict>;
}

/** What a task's model and buffers follow from. */
export interface TaskShape {
  /** Token ids are below it. */
  readonly vocabularySize: number;
  /** Tokens that end a response; the one that did belongs to it. None: length alone ends it. */
  readonly stopIds: readonly number[];
  /** No prompt is longer. */
  readonly maxPromptTokens: number;
  /** Responses are cut here, and then judged unfinished where an end token is needed. */
  readonly maxResponseTokens: number;
  /** Prompts of a pool: rows of the reward matrix. */
  readonly poolPrompts: number;
}

/** Pre-training sequences of one update, computed from `update` alone: no replay of earlier ones. */
export type Corpus = (seed: number, update: number, count: number) => readonly CorpusSequence[];

/**
 * What makes prompts: text, pool, held-out tiers, pre-training corpus. The same on every host; same
 * seed, same data.
 */
export interface Task extends TaskShape {
  readonly name: string;
  readonly text: Text;
  /** The training prompts of a seed, all distinct, in no telling order. */
  pool(seed: number): readonly PoolPrompt[];
  /** Fixed by the config; disjoint from every pool and, as prompts, from the corpus. May be none. */
  tiers(): readonly Tier[];
  /** What a base is pre-trained on. Undefined: there is nothing, and a model has to be given. */
  readonly corpus: Corpus | undefined;
  /** What was put into the data by design, one sentence each, for the report. */
  describeInjected(): readonly string[];
}

/** A task in words, for report and page. Each text says where it is put in. */
export interface TaskDescription {
  /** `A small decoder (...) and ...`. */
  readonly what: string;
  /** `A base model, pre-trained on ...`; empty where a model is given. */
  readonly corpus: string;
  /** `It is the procedure of the paper, run in full on ...`, to the end of the paragraph. */
  readonly limits: string;
  /** Sentences before the table of what selections kept; may be empty. */
  readonly pool: string;
  /** Whether the pool is drawn in strata of difficulty, so that scores have modes by construction. */
  readonly hasStrata: boolean;
  /** Whether the tiers hold prompts that no pool has, so that intervals over them mean something. */
  readonly isHeldOut: boolean;
  /** A prompt as people read it. */
  readonly promptText: (prompt: string) => string;
  /** The answer that a response gives, in the terms of keys; undefined where none is found. */
  readonly answerOf: (response: string) => string | undefined;
}

/**
 * A kind of task: all that the program knows of it, in one object. What takes a config needs nothing
 * else: neither files nor a device.
 */
export interface TaskKind<Config extends { readonly name: string }> {
  readonly name: Config['name'];
  /** Fields, types and ranges. The schema of an object whose `name` is a literal. */
  readonly schema: GenericSchema<unknown, Config>;
  /** Rules between fields. @throws ConfigError naming the first field at fault, as `path.field`. */
  check?(config: Config, path: string): void;
  /** Undefined where files have to be opened first. */
  shape(config: Config): TaskShape | undefined;
  /** Prompts of each held-out tier by its name, from easy to hard. */
  tierSizes(config: Config): ReadonlyMap<string, number>;
  /** The fields that a pre-training corpus follows from, in an order that never changes. */
  corpusIdentity(config: Config): object | undefined;
  describe(config: Config): TaskDescription;
  open(config: Config): Task | Promise<Task>;
  verifier(config: Config): TaskVerifier | Promise<TaskVerifier>;
}

/** The text that a model is given of a prompt. */
export const givenText = ({ text, given = text }: Prompt): string => given;
