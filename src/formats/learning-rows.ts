import type { ByteSource } from './byte-source.ts';
import { templateDate, plainText, templateMessages, promptOf } from './conversation.ts';
import { FormatError } from './format-error.ts';
import { fieldOf, type JsonRecord, kindOf } from './json.ts';
import { recordsOf } from './records.ts';
import type { TokenizerClient } from './tokenizer-client.ts';
import type { ChatMessage } from './tokenizer.ts';

/** A text to learn from: a given prompt, and a response to learn. */
export interface LearningRow {
  readonly where: string;
  /** Token ids; never empty. */
  readonly prompt: number[];
  /** Token ids that count in the loss; never empty. */
  readonly response: number[];
  /**
   * Whether each token of the response counts in the loss; absent where all do. The first and the
   * last do.
   */
  readonly counted?: readonly boolean[];
}

/** LIMO's rows have `question` and `solution`. */
const promptNames = ['prompt', 'question', 'problem', 'instruction'];
const responseFields = ['response', 'completion', 'output', 'solution'];

/** The limits of the model that learns. */
export interface LearningLimits {
  /** Tokens that end a response. The first is appended to a text that does not end with it. */
  readonly endTokens: readonly number[];
  /** Most tokens of prompt and response together. */
  readonly longest: number;
  /** Exclusive upper bound of the ids. */
  readonly vocabSize: number;
}

/**
 * Rows of a JSONL, JSON or parquet file as token ids: `{"prompt", "response"}` (or "completion",
 * "output", "solution"), `{"text"}`, or `{"messages"}` (or "conversations"), a list of chat
 * messages that goes into the model's chat template. In a text, all tokens but the first count in
 * the loss; in a conversation, those of the assistant (`Tokenizer.learnedChat`).
 *
 * @param options.system A system message for conversations that have none of their own.
 * @param options.turns Whether a prompt and its response are the two turns of a conversation, and go
 *   into the template too.
 * @throws FormatError naming the row: without these fields, without a token to learn, too long, or
 *   with a token that the tokenizer or the model does not have.
 */
export async function readLearningRows(
  source: ByteSource,
  tokenizer: TokenizerClient,
  limits: LearningLimits,
  options: { readonly system?: string | undefined; readonly turns?: boolean } = {},
): Promise<LearningRow[]> {
  const { system } = options;
  const rows: Row[] = [];
  for await (const { where, record } of recordsOf(source)) rows.push(rowOf(record, where, options));
  if (rows.length === 0) throw new FormatError(`${source.name}: no rows`);
  const chats = rows.filter((row) => 'chat' in row);
  if (system !== undefined && chats.length === 0 && options.turns !== true) {
    throw new FormatError(`${source.name}: no row has messages, which a system text needs`);
  }
  const texts = rows.filter((row) => 'opening' in row);
  const learned = new Map(
    [
      ...(await learnTexts(texts, tokenizer, limits)),
      ...(await learnChats(chats, tokenizer, limits)),
    ].map((row) => [row.where, row]),
  );
  return rows.map(({ where }) => {
    const row = learned.get(where);
    if (!row) throw new Error(`${where} was not read`);
    return row;
  });
}

async function learnTexts(
  rows: readonly TextRow[],
  tokenizer: TokenizerClient,
  limits: LearningLimits,
): Promise<LearningRow[]> {
  const where = (i: number): string => rows[i]?.where ?? '';
  const openings = rows.map(({ opening }) => opening);
  const responses = rows.map(({ response }) => response ?? '');
  const openingIds = await tokenizer.encode(openings, {}, where);
  const responseIds = await tokenizer.encode(responses, { addSpecialTokens: false }, where);
  const [endToken] = limits.endTokens;
  return rows.map(({ response }, i) => {
    const ids = openingIds[i] ?? [];
    const [prompt, answer] =
      response === undefined ? [ids.slice(0, 1), ids.slice(1)] : [ids, responseIds[i] ?? []];
    const ended = endToken === undefined || answer.at(-1) === endToken;
    const row = { where: where(i), prompt, response: ended ? answer : [...answer, endToken] };
    return checkedRow(row, limits);
  });
}

async function learnChats(
  rows: readonly ChatRow[],
  tokenizer: TokenizerClient,
  limits: LearningLimits,
): Promise<LearningRow[]> {
  const where = (i: number): string => rows[i]?.where ?? '';
  const chats = rows.map(({ chat }) => chat);
  const found = await tokenizer.learnedChats(chats, limits.endTokens, templateDate, where);
  return found.map(({ ids, learned }, i) => {
    // Nothing predicts the first token.
    const from = Math.max(1, learned[0]?.[0] ?? ids.length);
    const to = learned.at(-1)?.[1] ?? from;
    const row = { where: where(i), prompt: ids.slice(0, from), response: ids.slice(from, to) };
    const counted = row.response.map((_, t) =>
      learned.some(([start, end]) => from + t >= start && from + t < end),
    );
    return checkedRow(counted.every(Boolean) ? row : { ...row, counted }, limits);
  });
}

/** @throws FormatError unless there is something to learn that fits the model. */
function checkedRow(row: LearningRow, { longest, vocabSize }: LearningLimits): LearningRow {
  const { where, prompt, response } = row;
  if (prompt.length === 0) throw new FormatError(`${where}: the prompt is empty`);
  if (response.length === 0) throw new FormatError(`${where}: there is nothing to learn`);
  const total = prompt.length + response.length;
  if (total > longest) {
    throw new FormatError(`${where}: ${total} tokens, more than the ${longest} allowed`);
  }
  for (const id of [...prompt, ...response]) {
    if (id < vocabSize) continue;
    throw new FormatError(
      `${where}: the tokenizer gives the id ${id}, the model's ids are below ${vocabSize}`,
    );
  }
  return row;
}

type Row = TextRow | ChatRow;

interface ChatRow {
  readonly where: string;
  readonly chat: readonly ChatMessage[];
}

interface TextRow {
  readonly where: string;
  /** The prompt; the whole text in a row without a response. */
  readonly opening: string;
  readonly response: string | undefined;
}

const textOfPrompt = (value: unknown, where: string): string =>
  plainText(promptOf(value, where), where, 'rows to learn from are texts');

const chatFields = ['messages', 'conversations'];

function rowOf(
  record: JsonRecord,
  where: string,
  { system, turns = false }: { readonly system?: string | undefined; readonly turns?: boolean },
): Row {
  const field = chatFields.find((name) => fieldOf(record, name) !== undefined);
  if (field === undefined) {
    const { opening, response } = textsOf(record, where);
    if (!turns || response === undefined) return { where, opening, response };
    const said = [
      { role: 'user', content: opening },
      { role: 'assistant', content: response },
    ];
    return { where, chat: templateMessages(promptOf(said, where), system) };
  }
  const value = fieldOf(record, field);
  if (!Array.isArray(value)) {
    throw new FormatError(`${where}: ${field} must be a list of messages, is ${kindOf(value)}`);
  }
  return { where, chat: templateMessages(promptOf(value, `${where}: ${field}`), system) };
}

function textsOf(record: JsonRecord, where: string): TextRow {
  const text = fieldOf(record, 'text');
  if (text !== undefined) {
    return { where, opening: textOfPrompt(text, `${where}: text`), response: undefined };
  }
  const asked = promptNames.find((name) => fieldOf(record, name) !== undefined);
  const field = responseFields.find((name) => fieldOf(record, name) !== undefined);
  if (field === undefined || asked === undefined) {
    throw new FormatError(
      `${where}: no field text or messages, nor prompt and ${responseFields.join(' or ')}`,
    );
  }
  return {
    where,
    opening: textOfPrompt(fieldOf(record, asked), `${where}: ${asked}`),
    response: textOfPrompt(fieldOf(record, field), `${where}: ${field}`),
  };
}
