import { answerFields, answerOf, textAnswerOf } from './answer-fields.ts';
import type { ByteSource } from './byte-source.ts';
import { promptOf } from './conversation.ts';
import { FormatError } from './format-error.ts';
import { fieldOf, isRecord, type JsonRecord, kindOf } from './json.ts';
import { promptFields } from './prompts.ts';
import { recordsOf } from './records.ts';

/** A response to judge. */
export interface RewardRow {
  /** File and row, for messages. */
  readonly where: string;
  /** Empty if the row has none. */
  readonly prompt: string;
  /** Undefined if the row has none, or one that is no text. */
  readonly answer: string | undefined;
  /** Prompt and answer as the row has them; an answer that is missing is null. */
  readonly row: { readonly prompt: unknown; readonly answer: unknown };
  readonly response: string;
  /** Whether the response ended by itself; undefined if the row does not say. */
  readonly finished: boolean | undefined;
}

const responseFields = ['response', 'completion', 'output', 'generation', 'text'];

/**
 * The rows of a JSONL, JSON or parquet file of responses, one in memory at a time.
 *
 * @param anyAnswer Whether an answer may be something else than a text or a number.
 * @throws FormatError naming the row: no response, a field of another type, no row at all.
 */
export async function* readRewardRows(
  source: ByteSource,
  anyAnswer = false,
): AsyncGenerator<RewardRow> {
  let rows = 0;
  for await (const { where, record } of recordsOf(source)) {
    rows++;
    yield rowOf(record, where, anyAnswer);
  }
  if (rows === 0) throw new FormatError(`${source.name}: no rows`);
}

function rowOf(record: JsonRecord, where: string, anyAnswer: boolean): RewardRow {
  const has = (name: string): boolean => (fieldOf(record, name) ?? null) !== null;
  const responseField = responseFields.find(has);
  if (responseField === undefined) {
    throw new FormatError(`${where}: no field ${responseFields.join(' or ')}`);
  }
  const promptField = promptFields.find(has);
  return {
    where,
    prompt:
      promptField === undefined
        ? ''
        : promptOf(
            fieldOf(record, promptField),
            `${where}: ${promptField}`,
            promptField === 'messages',
          ).prompt,
    answer: anyAnswer ? textAnswerOf(record) : answerIn(record, where),
    row: {
      prompt: promptField === undefined ? '' : fieldOf(record, promptField),
      answer: answerOf(record) ?? null,
    },
    response: responseText(fieldOf(record, responseField), `${where}: ${responseField}`),
    finished: finishedOf(fieldOf(record, 'finished'), where),
  };
}

function answerIn(record: JsonRecord, where: string): string | undefined {
  const answer = textAnswerOf(record);
  const field = answerFields.find((name) => (fieldOf(record, name) ?? null) !== null);
  if (answer !== undefined || field === undefined) return answer;
  throw new FormatError(
    `${where}: ${field} must be a text or a number, is ${kindOf(fieldOf(record, field))}`,
  );
}

/** A response's text; for a list of chat messages, the text of the last one, the assistant's. */
function responseText(value: unknown, where: string): string {
  if (typeof value === 'string') return value;
  const last: unknown = Array.isArray(value) ? value.at(-1) : undefined;
  const content = isRecord(last) ? fieldOf(last, 'content') : undefined;
  if (typeof content === 'string') return content;
  throw new FormatError(`${where} must be text, is ${kindOf(value)}`);
}

function finishedOf(value: unknown, where: string): boolean | undefined {
  if (value === undefined || value === null) return undefined;
  if (value === true || value === 1) return true;
  if (value === false || value === 0) return false;
  throw new FormatError(`${where}: finished must be true or false, is ${kindOf(value)}`);
}
