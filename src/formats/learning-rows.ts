import type { ByteSource } from './byte-source.ts';
import { plainText, promptOf } from './conversation.ts';
import { FormatError } from './format-error.ts';
import { fieldOf, type JsonRecord } from './json.ts';
import { recordsOf } from './records.ts';
import type { TokenizerClient } from './tokenizer-client.ts';

/** A text to learn from: a given prompt, and a response to learn. */
export interface LearningRow {
  readonly where: string;
  /** Token ids; never empty. */
  readonly prompt: number[];
  /** Token ids that count in the loss; never empty. */
  readonly response: number[];
}

const responseFields = ['response', 'completion', 'output', 'solution'];

/** The limits of the model that learns. */
export interface LearningLimits {
  /** Token appended to each response that does not end with it; undefined appends nothing. */
  readonly endToken: number | undefined;
  /** Most tokens of prompt and response together. */
  readonly longest: number;
  /** Exclusive upper bound of the ids. */
  readonly vocabSize: number;
}

/**
 * Rows of a JSONL, JSON or parquet file as token ids: `{"prompt", "response"}` (or "completion",
 * "output", "solution"), or `{"text"}`. In a text, all tokens but the first count in the loss.
 *
 * @throws FormatError naming the row: without these fields, without a token to learn, too long, or
 *   with a token that the tokenizer or the model does not have.
 */
export async function readLearningRows(
  source: ByteSource,
  tokenizer: TokenizerClient,
  limits: LearningLimits,
): Promise<LearningRow[]> {
  const rows: RowTexts[] = [];
  for await (const { where, record } of recordsOf(source)) rows.push(textsOf(record, where));
  if (rows.length === 0) throw new FormatError(`${source.name}: no rows`);
  const where = (i: number): string => rows[i]?.where ?? source.name;
  const openings = rows.map(({ opening }) => opening);
  const responses = rows.map(({ response }) => response ?? '');
  const openingIds = await tokenizer.encode(openings, {}, where);
  const responseIds = await tokenizer.encode(responses, { addSpecialTokens: false }, where);
  return rows.map(({ response }, i) => {
    const ids = openingIds[i] ?? [];
    const parts =
      response === undefined
        ? { prompt: ids.slice(0, 1), response: ids.slice(1) }
        : { prompt: ids, response: responseIds[i] ?? [] };
    return learningRow(where(i), parts.prompt, parts.response, limits);
  });
}

function learningRow(
  where: string,
  prompt: number[],
  answer: readonly number[],
  { endToken, longest, vocabSize }: LearningLimits,
): LearningRow {
  const ended = endToken === undefined || answer.at(-1) === endToken;
  const response = ended ? [...answer] : [...answer, endToken];
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
  return { where, prompt, response };
}

interface RowTexts {
  readonly where: string;
  /** The prompt; the whole text in a row without a response. */
  readonly opening: string;
  readonly response: string | undefined;
}

const textOfPrompt = (value: unknown, where: string): string =>
  plainText(promptOf(value, where), where, 'rows to learn from are texts');

function textsOf(record: JsonRecord, where: string): RowTexts {
  const text = fieldOf(record, 'text');
  if (text !== undefined) {
    return { where, opening: textOfPrompt(text, `${where}: text`), response: undefined };
  }
  const field = responseFields.find((name) => fieldOf(record, name) !== undefined);
  const prompt = fieldOf(record, 'prompt');
  if (field === undefined || prompt === undefined) {
    throw new FormatError(`${where}: no field text, nor prompt and ${responseFields.join(' or ')}`);
  }
  return {
    where,
    opening: textOfPrompt(prompt, `${where}: prompt`),
    response: textOfPrompt(fieldOf(record, field), `${where}: ${field}`),
  };
}
