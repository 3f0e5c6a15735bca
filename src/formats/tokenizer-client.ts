import { connect, type Connection, WorkerError } from '../threads/connect.ts';
import { within } from '../threads/time-limit.ts';
import { FormatError } from './format-error.ts';
import { shorten } from './json.ts';
import type {
  ChatMessage,
  ChatOptions,
  DecodeOptions,
  EncodeOptions,
  LearnedChat,
} from './tokenizer.ts';

/** A file's text, and the file's name for errors. */
export interface NamedText {
  readonly name: string;
  readonly text: string;
}

/** The unparsed files of a model folder that describe its tokenizer. */
export interface TokenizerTexts {
  /** `tokenizer.json`. */
  readonly tokenizer: NamedText;
  /** `tokenizer_config.json`. */
  readonly config?: NamedText | undefined;
  /** Text of `chat_template.jinja`; if undefined, the template inside the config counts. */
  readonly chatTemplate?: string | undefined;
}

/** What is known of a tokenizer once it is open. */
export interface TokenizerFacts {
  readonly hasChatTemplate: boolean;
  /** One past the largest id, added tokens included. */
  readonly vocabSize: number;
  /** The token that ends a text, by the tokenizer's config; undefined if it names none. */
  readonly endTokenId: number | undefined;
}

/** The results up to the first item that fails, and the reason. */
export interface DoneUntil<Result> {
  readonly done: Result[];
  readonly failed?: string;
}

/** The calls of `tokenizer.worker.ts`. */
export interface TokenizerApi {
  open(texts: TokenizerTexts): TokenizerFacts;
  encode(texts: readonly string[], options: EncodeOptions): DoneUntil<number[]>;
  decode(sequences: readonly (readonly number[])[], options: DecodeOptions): string[];
  renderChats(chats: readonly (readonly ChatMessage[])[], options: ChatOptions): DoneUntil<string>;
  learnedChats(
    chats: readonly (readonly ChatMessage[])[],
    endIds: readonly number[],
    now: Date,
  ): DoneUntil<LearnedChat>;
  dispose(): void;
}

/** Longest time of a call, in seconds. */
export interface TokenizerLimits {
  readonly open: number;
  /** Limit of every call but `open`; such a call carries few texts. */
  readonly call: number;
}

const defaultLimits: TokenizerLimits = { open: 60, call: 30 };

/** Most characters per call to the worker, unless a single text has more. */
const charactersPerCall = 1 << 16;
/** Characters that a text counts in addition to its own. */
const textOverhead = 256;

const slowPattern = 'a pattern that backtracks without end?';
const templateNames = ['the chat template', 'a loop without end?'] as const;

/** Characters of a conversation. */
const chatSize = (chat: readonly ChatMessage[]): number =>
  chat.reduce(
    (sum, { content }) =>
      sum + (typeof content === 'string' ? content : JSON.stringify(content ?? null)).length,
    0,
  );

/**
 * A model folder's tokenizer in its own worker. Patterns, merges and chat template are untrusted
 * data, and a few bytes of them can keep a thread busy forever: a call that takes too long ends the
 * worker, and every later call fails.
 */
export class TokenizerClient {
  readonly #connection: Connection<TokenizerApi>;
  readonly #where: string;
  readonly #limits: TokenizerLimits;
  #facts: TokenizerFacts | undefined;

  private constructor(
    connection: Connection<TokenizerApi>,
    where: string,
    limits: TokenizerLimits,
  ) {
    this.#connection = connection;
    this.#where = where;
    this.#limits = limits;
  }

  /**
   * Starts the worker, which keeps a Node process alive until `close`.
   *
   * @throws FormatError when the files are not an implemented kind of tokenizer, or take too long.
   */
  static async open(texts: TokenizerTexts, limits = defaultLimits): Promise<TokenizerClient> {
    const connection = await connect<TokenizerApi>(
      'tokenizer',
      (Worker) => new Worker(new URL('./tokenizer.worker.ts', import.meta.url), { type: 'module' }),
    );
    const client = new TokenizerClient(connection, texts.tokenizer.name, limits);
    try {
      const opened = connection.api.open(texts);
      const guess = 'too many tokens or merges?';
      client.#facts = await client.#call(opened, 'opening', guess, limits.open);
      return client;
    } catch (error) {
      await client.close();
      throw error;
    }
  }

  get facts(): TokenizerFacts {
    if (!this.#facts) throw new Error(`${this.#where}: not open`);
    return this.#facts;
  }

  /**
   * Ids of texts, in their order. See `Tokenizer.encode`.
   *
   * @param where Name of a text in errors, by its index: for example its line in a file.
   * @throws FormatError when a text cannot be encoded, or takes too long.
   */
  async encode(
    texts: readonly string[],
    options: EncodeOptions = {},
    where?: (index: number) => string,
  ): Promise<number[][]> {
    const batches = batchesOf(texts, ({ length }) => length);
    const encode = (batch: readonly string[]) => this.#connection.api.encode(batch, options);
    return this.#all(batches, encode, ['encoding', slowPattern], where);
  }

  /** Texts of token ids, in their order. See `Tokenizer.decode`. */
  async decode(
    sequences: readonly (readonly number[])[],
    options: DecodeOptions = {},
  ): Promise<string[]> {
    const found: string[] = [];
    for (const batch of batchesOf(sequences, ({ length }) => length)) {
      const reply = this.#connection.api.decode(batch, options);
      for (const text of await this.#call(reply, 'decoding', slowPattern)) found.push(text);
    }
    return found;
  }

  /**
   * Conversations in the model's chat format. See `Tokenizer.renderChat`.
   *
   * @param where Name of a conversation in errors, by its index.
   */
  async renderChats(
    chats: readonly (readonly ChatMessage[])[],
    options: ChatOptions = {},
    where?: (index: number) => string,
  ): Promise<string[]> {
    const render = (batch: readonly (readonly ChatMessage[])[]) =>
      this.#connection.api.renderChats(batch, options);
    return this.#all(batchesOf(chats, chatSize), render, templateNames, where);
  }

  /**
   * Conversations to learn from, as token ids. See `Tokenizer.learnedChat`.
   *
   * @param where Name of a conversation in errors, by its index.
   */
  async learnedChats(
    chats: readonly (readonly ChatMessage[])[],
    endIds: readonly number[],
    now: Date,
    where?: (index: number) => string,
  ): Promise<LearnedChat[]> {
    const learn = (batch: readonly (readonly ChatMessage[])[]) =>
      this.#connection.api.learnedChats(batch, endIds, now);
    return this.#all(batchesOf(chats, chatSize), learn, templateNames, where);
  }

  /** The results of all batches. @throws FormatError naming the first item that fails. */
  async #all<Item, Result>(
    batches: readonly Item[][],
    compute: (batch: readonly Item[]) => Promise<DoneUntil<Result>>,
    [what, guess]: readonly [string, string],
    where: ((index: number) => string) | undefined,
  ): Promise<Result[]> {
    const found: Result[] = [];
    for (const batch of batches) {
      const { done, failed } = await this.#call(compute(batch), what, guess);
      for (const result of done) found.push(result);
      if (failed !== undefined) {
        throw new FormatError(where ? `${where(found.length)}: ${failed}` : failed);
      }
    }
    return found;
  }

  /** Ends the worker. Calls under way fail. */
  close(): Promise<void> {
    return this.#connection.kill('it was closed');
  }

  /** A call's result within its time limit. Every error blames the files. */
  async #call<T>(
    call: Promise<T>,
    what: string,
    guess: string,
    seconds = this.#limits.call,
  ): Promise<T> {
    const late = new FormatError(`${this.#where}: ${what} took more than ${seconds} s: ${guess}`);
    try {
      return await within(seconds, call, late);
    } catch (error) {
      if (error === late) await this.#connection.kill(`${what} took too long`);
      throw error === late ? late : this.#failure(error, what);
    }
  }

  /**
   * The FormatError for an error from the worker, which arrives without its class, or for the
   * worker's death.
   */
  #failure(error: unknown, what: string): FormatError {
    const { name, message } = error instanceof Error ? error : new Error(String(error));
    if (name === 'FormatError') return new FormatError(message);
    const died = error instanceof WorkerError;
    const why = died ? `${what} failed: ${shorten(message)}` : shorten(message);
    return new FormatError(`${this.#where}: ${why}`, { cause: error });
  }
}

/**
 * Groups of items for one call each: the time limit of a call then covers a small amount of work.
 */
function batchesOf<Item>(items: readonly Item[], sizeOf: (item: Item) => number): Item[][] {
  const batches: Item[][] = [];
  let room = 0;
  for (const item of items) {
    const size = textOverhead + sizeOf(item);
    if (size > room) {
      batches.push([]);
      room = charactersPerCall;
    }
    batches.at(-1)?.push(item);
    room -= size;
  }
  return batches;
}
