import { Tokenizer as HfTokenizer } from '@huggingface/tokenizers';
import { FormatError } from './format-error.ts';
import { type Rendered, Template } from './jinja/template.ts';
import { isRecord, type JsonRecord, shorten } from './json.ts';

/** One turn of a conversation, as chat templates read it: they may know further fields. */
export interface ChatMessage {
  readonly role: string;
  /** Text, for most; some templates take a list of parts. */
  readonly content: unknown;
  readonly [field: string]: unknown;
}

/** Parsed files of a model folder that describe its tokenizer. */
export interface TokenizerFiles {
  /** `tokenizer.json`. */
  readonly tokenizer: unknown;
  /** `tokenizer_config.json`. */
  readonly config?: unknown;
  /** Text of `chat_template.jinja`; without it the template inside the config counts. */
  readonly chatTemplate?: string | undefined;
}

export interface EncodeOptions {
  /** Also what the post-processor adds, such as a first `<s>`; it does unless this is false. */
  readonly addSpecialTokens?: boolean;
}

export interface DecodeOptions {
  /** Leave tokens such as `<|im_end|>` out. */
  readonly skipSpecialTokens?: boolean;
  /**
   * What an id without a token is: an error, or U+FFFD. Models often have more rows in their
   * embedding than tokens, and may draw any of them.
   */
  readonly unknown?: 'throw' | 'replace';
}

export interface ChatOptions {
  /** End with the header of the assistant's turn. */
  readonly addGenerationPrompt?: boolean;
  /** What the template reads beside the messages, such as `enable_thinking`. */
  readonly variables?: Readonly<Record<string, unknown>>;
  /** What `strftime_now` takes for now. */
  readonly now?: Date;
}

const why = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/**
 * Text to token ids and back, exactly as the `tokenizers` library does it. Files of others can keep
 * it busy for ever: open those with `TokenizerClient`.
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
   * @throws FormatError when the files are not a tokenizer that is implemented.
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
   * Ids of a text. Special tokens written out in it become their ids.
   *
   * @throws FormatError when there is no token for a part of it.
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

  /** Id of a token written as in the vocabulary; undefined when it is not there. */
  tokenId(token: string): number | undefined {
    return this.#tokenizer.token_to_id(token);
  }

  /** Whether the model comes with a chat template. */
  get hasChatTemplate(): boolean {
    return this.#template !== undefined;
  }

  /**
   * A conversation as the model was taught to see it. Encode the result without special tokens.
   *
   * @throws FormatError when there is no chat template, or it fails.
   */
  renderChat(messages: readonly ChatMessage[], options: ChatOptions = {}): string {
    return this.renderMarked(messages, options).text;
  }

  /** As `renderChat`, with the places of what the template marks as the assistant's. */
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
}

/** Ids that may lie past twice as many as there are tokens: vocabularies leave some unused. */
const unusedIds = 65_536;

/**
 * The library fills a list up to the largest id: a few bytes of a file must not make it a long one.
 *
 * @throws FormatError naming the first token whose id is none, or far past the others.
 */
function expectIds(tokenizer: JsonRecord, where: string): void {
  const { vocab } = tokenizer.model as JsonRecord;
  const listed = Array.isArray(vocab) ? vocab.length : 0; // Unigram: an id is a place in it.
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

/** The template inside a config: one text, or a list of named ones of which `default` is meant. */
function templateOf(config: JsonRecord): string | undefined {
  const template = config.chat_template;
  if (typeof template === 'string') return template;
  if (!Array.isArray(template)) return undefined;
  const chosen: unknown = template.find((entry) => isRecord(entry) && entry.name === 'default');
  return isRecord(chosen) && typeof chosen.template === 'string' ? chosen.template : undefined;
}

/**
 * The `tokenizer.json` of a vocabulary of single characters, whose ids are their places, so that
 * the small models of the experiments are ordinary model folders.
 */
export const characterTokenizerJson = (alphabet: string): Record<string, unknown> => ({
  version: '1.0',
  truncation: null,
  padding: null,
  added_tokens: [],
  normalizer: null,
  pre_tokenizer: null,
  post_processor: null,
  decoder: { type: 'Fuse' },
  model: {
    type: 'BPE',
    dropout: null,
    unk_token: null,
    continuing_subword_prefix: null,
    end_of_word_suffix: null,
    fuse_unk: false,
    byte_fallback: false,
    vocab: Object.fromEntries(Array.from(alphabet, (character, id) => [character, id])),
    merges: [],
  },
});
