/** How hard a pool prompt is for the base model, as it was drawn. */
export type Origin = 'easy' | 'learnable' | 'hard';

/** A prompt and the key its responses are held against. */
export interface Prompt {
  readonly text: string;
  /** Answer key in the verifier's terms; wrong where a pool prompt says `wrongKey`. */
  readonly key: string;
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
export interface Tier {
  /** `T1`, `T2`, ... from easy to hard. */
  readonly name: string;
  readonly description: string;
  readonly prompts: readonly Prompt[];
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

/**
 * What makes prompts and judges answers: vocabulary, pool, held-out tiers, pre-training corpus,
 * verifier. Plain computation, the same on every host; same seed, same data.
 */
export interface Task {
  readonly name: string;
  readonly tokenizer: CharacterTokenizer;
  /** The token that ends a response; it belongs to the response. Undefined: length alone ends it. */
  readonly endToken: number | undefined;
  /** No prompt is longer. */
  readonly maxPromptTokens: number;
  /** Responses are cut here, and then judged unfinished where an end token is needed. */
  readonly maxResponseTokens: number;
  /** The training prompts of a seed, all distinct, in no telling order. */
  pool(seed: number): readonly PoolPrompt[];
  /** Fixed by the config; disjoint from every pool and, as prompts, from the corpus. */
  tiers(): readonly Tier[];
  /** Pre-training sequences of one update, computed from `update` alone: no replay of earlier ones. */
  corpus(seed: number, update: number, count: number): readonly CorpusSequence[];
  /** Judges one response to `prompt` by `key`; token ids may go on after the end token. */
  verify(prompt: string, key: string, response: string | ArrayLike<number>): Verdict;
  /** What was put into the data by design, one sentence each, for the report. */
  describeInjected(): readonly string[];
}

/** What is known of a kind of task by its config alone. */
export interface TaskKind<Config> {
  /** @throws ConfigError naming the first field out of range. */
  check(config: Config, path: string): void;
  create(config: Config): Task;
  /** Prompts of a pool. */
  poolPrompts(config: Config): number;
  /** Prompts of each held-out tier, from easy to hard. */
  tierPrompts(config: Config): readonly number[];
  /** The fields that its corpus follows from, in an order that never changes. */
  corpus(config: Config): object;
}

/** One token per character; an id is the character's place in the alphabet. */
export class CharacterTokenizer {
  readonly alphabet: string;
  readonly #ids: ReadonlyMap<string, number>;

  constructor(alphabet: string) {
    this.alphabet = alphabet;
    this.#ids = new Map(Array.from(alphabet, (character, id) => [character, id]));
    if (this.#ids.size !== alphabet.length) {
      throw new RangeError(
        `tokenizer: '${alphabet}' repeats a character or holds one past 16 bits`,
      );
    }
  }

  get size(): number {
    return this.alphabet.length;
  }

  /** @throws RangeError where the alphabet lacks the character. */
  id(character: string): number {
    const id = this.#ids.get(character);
    if (id === undefined) {
      throw new RangeError(`tokenizer: '${character}' is not one of '${this.alphabet}'`);
    }
    return id;
  }

  /** @throws RangeError for a character that the alphabet lacks. */
  encode(text: string): Uint32Array<ArrayBuffer> {
    return Uint32Array.from(text, (character) => this.id(character));
  }

  /** @throws RangeError for an id past the vocabulary. */
  decode(ids: ArrayLike<number>): string {
    let text = '';
    for (let i = 0; i < ids.length; i++) {
      const character = this.alphabet[ids[i] ?? -1];
      if (character === undefined) {
        throw new RangeError(`tokenizer: id ${ids[i] ?? -1} is not below ${this.size}`);
      }
      text += character;
    }
    return text;
  }
}
