import { connect, type Connection, WorkerError } from '../threads/connect.ts';
import { within } from '../threads/time-limit.ts';
import { FormatError } from './format-error.ts';
import { shorten } from './json.ts';
import type { ChatMessage, ChatOptions, DecodeOptions, EncodeOptions } from './tokenizer.ts';

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

/** The calls of `tokenizer.worker.ts`. */
export interface TokenizerApi {
  open(texts: TokenizerTexts): void;
  /** Ids of texts, up to the first text that cannot be encoded; `failed` is the reason. */
  encode(
    texts: readonly string[],
    options: EncodeOptions,
  ): { readonly ids: number[][]; readonly failed?: string };
  decode(sequences: readonly (readonly number[])[], options: DecodeOptions): string[];
  renderChats(chats: readonly (readonly ChatMessage[])[], options: ChatOptions): string[];
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

/**
 * A model folder's tokenizer in its own worker. Patterns, merges and chat template are untrusted
 * data, and a few bytes of them can keep a thread busy forever: a call that takes too long ends the
 * worker, and every later call fails.
 */
export class TokenizerClient {
  readonly #connection: Connection<TokenizerApi>;
  readonly #where: string;
  readonly #limits: TokenizerLimits;

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
      await client.#call(opened, 'opening', 'too many tokens or merges?', limits.open);
      return client;
    } catch (error) {
      await client.close();
      throw error;
    }
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
    const found: number[][] = [];
    for (const batch of batchesOf(texts, ({ length }) => length)) {
      const reply = this.#connection.api.encode(batch, options);
      const { ids, failed } = await this.#call(reply, 'encoding', slowPattern);
      for (const row of ids) found.push(row);
      if (failed !== undefined) {
        throw new FormatError(where ? `${where(found.length)}: ${failed}` : failed);
      }
    }
    return found;
  }

  /** Texts of token ids, in one call. See `Tokenizer.decode`. */
  decode(
    sequences: readonly (readonly number[])[],
    options: DecodeOptions = {},
  ): Promise<string[]> {
    return this.#call(this.#connection.api.decode(sequences, options), 'decoding', slowPattern);
  }

  /** Conversations in the model's chat format. See `Tokenizer.renderChat`. */
  async renderChats(
    chats: readonly (readonly ChatMessage[])[],
    options: ChatOptions = {},
  ): Promise<string[]> {
    const found: string[] = [];
    const sizeOf = (chat: readonly ChatMessage[]): number =>
      chat.reduce(
        (sum, { content }) =>
          sum + (typeof content === 'string' ? content : JSON.stringify(content ?? null)).length,
        0,
      );
    for (const batch of batchesOf(chats, sizeOf)) {
      const reply = this.#connection.api.renderChats(batch, options);
      const texts = await this.#call(reply, 'the chat template', 'a loop without end?');
      for (const text of texts) found.push(text);
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
