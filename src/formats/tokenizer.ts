import { Tokenizer as HfTokenizer } from '@huggingface/tokenizers';
import { FormatError } from './format-error.ts';
import { type Rendered, Template } from './jinja/template.ts';
import { isRecord, type JsonRecord, shorten } from './json.ts';

/**
 * One turn of a conversation in the form that chat templates read; some templates use further
 * fields.
 */
export interface ChatMessage {
  readonly role: string;
  /** Usually a text; some templates take a list of parts. */
  readonly content: unknown;
  readonly [field: string]: unknown;
}

/** Parsed files of a model folder that describe its tokenizer. */
export interface TokenizerFiles {
  /** `tokenizer.json`. */
  readonly tokenizer: unknown;
  /** `tokenizer_config.json`. */
  readonly config?: unknown;
  /** Text of `chat_template.jinja`; if undefined, the template inside the config counts. */
  readonly chatTemplate?: string | undefined;
}

export interface EncodeOptions {
  /** Whether to add the post-processor's tokens, such as a first `<s>`. Default true. */
  readonly addSpecialTokens?: boolean;
}

export interface DecodeOptions {
  /** Whether to omit tokens such as `<|im_end|>`. Default false. */
  readonly skipSpecialTokens?: boolean;
  /**
   * Whether an id without a token is an error or becomes U+FFFD. Many models have more rows in
   * their embedding than tokens, and may draw any of the rows.
   */
  readonly unknown?: 'throw' | 'replace';
}

export interface ChatOptions {
  /** Whether to end with the header of the assistant's turn. Default false. */
  readonly addGenerationPrompt?: boolean;
  /** Further variables for the template, such as `enable_thinking`. */
  readonly variables?: Readonly<Record<string, unknown>>;
  /** The time that `strftime_now` returns. */
  readonly now?: Date;
}

/** A conversation to learn from. */
export interface LearnedChat {
  /** Token ids of the whole conversation. */
  readonly ids: readonly number[];
  /** Tokens [from, to) to learn, in order: those of the assistant. */
  readonly learned: readonly (readonly [from: number, to: number])[];
}

const why = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/**
 * Converts text to token ids and back, exactly as the `tokenizers` library does. Untrusted files
 * can keep the tokenizer busy forever: open them with `TokenizerClient`.
 */
export class Tokenizer {
  readonly #where: string;
  readonly #tokenizer: HfTokenizer;
  readonly #config: JsonRecord;
  readonly #cleanUp: boolean;
  readonly #template: string | undefined;
  #parsed: Template | undefined;
  /** One past the largest id, added tokens included. */
  readonly vocabSize: number;

  /**
   * @param where The file's name, for messages.
   * @throws FormatError when the files are not an implemented kind of tokenizer.
   */
  constructor(files: TokenizerFiles, where: string) {
    const { tokenizer, config = {} } = files;
    if (!isRecord(tokenizer) || !isRecord(tokenizer.model)) {
      throw new FormatError(`${where}: no 'model' object, so not a tokenizer.json`);
    }
    if (!isRecord(config)) throw new FormatError(`${where}: tokenizer_config must be an object`);
    this.#where = where;
    this.#config = config;
    this.#cleanUp = config.clean_up_tokenization_spaces === true;
    this.#template = files.chatTemplate ?? templateOf(config);
    expectIds(tokenizer, where);
    try {
      this.#tokenizer = new HfTokenizer({ added_tokens: [], ...tokenizer }, config);
      let largest = -1;
      for (const id of this.#tokenizer.get_vocab().values()) largest = Math.max(largest, id);
      this.vocabSize = largest + 1;
    } catch (error) {
      throw new FormatError(`${where}: ${why(error)}`, { cause: error });
    }
  }

  /**
   * Ids of a text. Special tokens that occur in the text become their ids.
   *
   * @throws FormatError when a part of the text has no token.
   */
  encode(text: string, options: EncodeOptions = {}): number[] {
    const { ids } = this.#tokenizer.encode(text, {
      add_special_tokens: options.addSpecialTokens ?? true,
    });
    const unknown = ids.findIndex((id) => !Number.isInteger(id));
    if (unknown >= 0) {
      throw new FormatError(`${this.#where}: no token for part ${unknown} of the text`);
    }
    return ids;
  }

  /**
   * Text of ids.
   *
   * @throws FormatError when an id is not in the vocabulary, unless such ids are replaced.
   */
  decode(ids: Iterable<number>, options: DecodeOptions = {}): string {
    const runs: number[][] = [[]];
    for (const id of ids) {
      if (this.#tokenizer.id_to_token(id) !== undefined) runs.at(-1)?.push(id);
      else if (options.unknown === 'replace') runs.push([]);
      else throw new FormatError(`${this.#where}: no token has the id ${id}`);
    }
    const texts = runs.map((run) =>
      run.length === 0
        ? ''
        : this.#tokenizer.decode(run, {
            skip_special_tokens: options.skipSpecialTokens ?? false,
            clean_up_tokenization_spaces: this.#cleanUp,
          }),
    );
    return texts.join('\uFFFD');
  }

  /** Id of a token by its spelling in the vocabulary; undefined for an unknown token. */
  tokenId(token: string): number | undefined {
    return this.#tokenizer.token_to_id(token);
  }

  /** The token that ends a text, by the config; undefined if the config names none. */
  get endTokenId(): number | undefined {
    const token = this.#config.eos_token;
    const text = isRecord(token) ? token.content : token;
    return typeof text === 'string' ? this.tokenId(text) : undefined;
  }

  /** Whether the model has a chat template. */
  get hasChatTemplate(): boolean {
    return this.#template !== undefined;
  }

  /**
   * A conversation in the model's chat format. Encode the result without special tokens.
   *
   * @throws FormatError when there is no chat template, or the template fails.
   */
  renderChat(messages: readonly ChatMessage[], options: ChatOptions = {}): string {
    return this.renderMarked(messages, options).text;
  }

  /** As `renderChat`, with the places that the template marks as the assistant's text. */
  renderMarked(messages: readonly ChatMessage[], options: ChatOptions = {}): Rendered {
    if (this.#template === undefined) throw new FormatError(`${this.#where}: no chat template`);
    const tokens: Record<string, string> = {};
    for (const [key, value] of Object.entries(this.#config)) {
      if (!key.endsWith('_token')) continue;
      const text = isRecord(value) ? value.content : value;
      if (typeof text === 'string') tokens[key] = text;
    }
    try {
      this.#parsed ??= new Template(this.#template);
      const variables = {
        ...tokens,
        tools: null,
        documents: null,
        ...options.variables,
        messages,
        add_generation_prompt: options.addGenerationPrompt ?? false,
      };
      return this.#parsed.render(variables, options.now);
    } catch (error) {
      throw new FormatError(`${this.#where}: chat template: ${why(error)}`, { cause: error });
    }
  }

  /**
   * A conversation in the model's chat format, with the tokens that the assistant wrote: those that
   * the template marks with `generation`; if it marks none, those of the last message, which must be
   * the assistant's, up to its last end token. A token that a mark divides is learned.
   *
   * @param endIds Tokens that end a turn.
   * @param now The time that `strftime_now` returns.
   * @throws FormatError when there is no chat template, the template fails, or the place of the last
   *   message cannot be told.
   */
  learnedChat(messages: readonly ChatMessage[], endIds: readonly number[], now: Date): LearnedChat {
    const { text, generated } = this.renderMarked(messages, { now });
    const ids = this.encode(text, { addSpecialTokens: false });
    if (generated.length > 0) {
      const learned = generated.map(
        ([from, to]) =>
          [this.#tokensTo(text, ids, from, false), this.#tokensTo(text, ids, to, true)] as const,
      );
      return { ids, learned: learned.filter(([from, to]) => from < to) };
    }
    const before = this.#beforeLast(messages, text, now);
    const from = this.#tokensTo(text, ids, before, false);
    const end = ids.findLastIndex((id, i) => i >= from && endIds.includes(id));
    const whole = end < 0 ? ids : ids.slice(0, end + 1);
    return { ids: whole, learned: from < whole.length ? [[from, whole.length]] : [] };
  }

  /** Where the text of the last message begins. */
  #beforeLast(messages: readonly ChatMessage[], text: string, now: Date): number {
    const { role } = messages.at(-1) ?? {};
    if (role !== 'assistant') {
      const found = role === undefined ? 'missing' : `of the ${shorten(role)}`;
      throw new FormatError(
        `the last message is ${found}, must be the assistant's: the chat template marks no turns`,
      );
    }
    const before = this.renderChat(messages.slice(0, -1), { addGenerationPrompt: true, now });
    if (text.startsWith(before)) return before.length;
    throw new FormatError(
      "the chat template begins the assistant's turn otherwise than a prompt ends: " +
        'only a template with generation tags can be learned from',
    );
  }

  /**
   * How many tokens of a text lie before a place in it.
   *
   * @param divided Whether a token that the place divides counts.
   */
  #tokensTo(text: string, ids: readonly number[], place: number, divided: boolean): number {
    if (place === text.length) return ids.length;
    const own = this.encode(text.slice(0, place), { addSpecialTokens: false });
    const differs = own.findIndex((id, i) => id !== ids[i]);
    if (differs < 0) return own.length;
    return divided ? differs + 1 : differs;
  }
}

/** Room for unused ids: an id must be below twice the number of tokens plus this number. */
const unusedIds = 65_536;

/**
 * Checks the ids of all tokens. The library fills a list up to the largest id, and a few bytes of a
 * file must not make that list long.
 *
 * @throws FormatError naming the first token whose id is invalid, or far larger than the others.
 */
function expectIds(tokenizer: JsonRecord, where: string): void {
  const { vocab } = tokenizer.model as JsonRecord;
  const listed = Array.isArray(vocab) ? vocab.length : 0; // Unigram: a token's id is its index.
  const named = isRecord(vocab) ? Object.entries(vocab) : [];
  const added: unknown[] = Array.isArray(tokenizer.added_tokens) ? tokenizer.added_tokens : [];
  for (const entry of added) {
    if (isRecord(entry)) named.push([String(entry.content), entry.id]);
  }
  const count = named.length + listed;
  const most = 2 * count + unusedIds;
  for (const [token, id] of named) {
    if (Number.isInteger(id) && (id as number) >= 0 && (id as number) < most) continue;
    const problem = `the token ${JSON.stringify(shorten(token))} has the id ${shorten(String(id))}`;
    throw new FormatError(`${where}: ${problem}, not one below ${most} for ${count} tokens`);
  }
}

/** The chat template inside a config: a text, or the `default` of a list of named templates. */
function templateOf(config: JsonRecord): string | undefined {
  const template = config.chat_template;
  if (typeof template === 'string') return template;
  if (!Array.isArray(template)) return undefined;
  const chosen: unknown = template.find((entry) => isRecord(entry) && entry.name === 'default');
  return isRecord(chosen) && typeof chosen.template === 'string' ? chosen.template : undefined;
}
