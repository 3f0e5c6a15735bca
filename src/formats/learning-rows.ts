import type { ByteSource } from './byte-source.ts';
import { FormatError } from './format-error.ts';
import { fieldOf, type JsonRecord } from './json.ts';
import { promptText, recordsOf } from './rollouts.ts';
import type { Tokenizer } from './tokenizer.ts';

/** A text to learn from: what is given, and what is to be said. */
export interface LearningRow {
  readonly where: string;
  /** Token ids; never empty. */
  readonly prompt: number[];
  /** Token ids that count in the loss; never empty. */
  readonly response: number[];
}

const answerFields = ['response', 'completion', 'output', 'solution'];

/**
 * Rows of a JSONL, JSON or parquet file as token ids: `{"prompt", "response"}` (or "completion",
 * "output", "solution"), or `{"text"}`, of which all but the first token counts.
 *
 * @param endToken Put behind each response that does not end with it; undefined: nothing is.
 * @param longest Tokens of prompt and response together.
 * @throws FormatError naming the row that has no such field, no token to learn, or too many.
 */
export async function readLearningRows(
  source: ByteSource,
  tokenizer: Tokenizer,
  endToken: number | undefined,
  longest: number,
): Promise<LearningRow[]> {
  const rows: LearningRow[] = [];
  for await (const { where, record } of recordsOf(source)) {
    const { prompt, response } = idsOf(record, tokenizer, where);
    if (endToken !== undefined && response.at(-1) !== endToken) response.push(endToken);
    if (prompt.length === 0) throw new FormatError(`${where}: the prompt is empty`);
    if (response.length === 0) throw new FormatError(`${where}: there is nothing to learn`);
    const total = prompt.length + response.length;
    if (total > longest) {
      throw new FormatError(`${where}: ${total} tokens, more than the ${longest} allowed`);
    }
    rows.push({ where, prompt, response });
  }
  if (rows.length === 0) throw new FormatError(`${source.name}: no rows`);
  return rows;
}

function idsOf(
  record: JsonRecord,
  tokenizer: Tokenizer,
  where: string,
): { prompt: number[]; response: number[] } {
  const text = fieldOf(record, 'text');
  if (text !== undefined) {
    const ids = tokenizer.encode(promptText(text, `${where}: text`));
    return { prompt: ids.slice(0, 1), response: ids.slice(1) };
  }
  const field = answerFields.find((name) => fieldOf(record, name) !== undefined);
  const prompt = fieldOf(record, 'prompt');
  if (field === undefined || prompt === undefined) {
    throw new FormatError(`${where}: no field text, nor prompt and ${answerFields.join(' or ')}`);
  }
  return {
    prompt: tokenizer.encode(promptText(prompt, `${where}: prompt`)),
    response: tokenizer.encode(promptText(fieldOf(record, field), `${where}: ${field}`), {
      addSpecialTokens: false,
    }),
  };
}
