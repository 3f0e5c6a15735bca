import { answerOf } from './answer-fields.ts';
import type { ByteSource } from './byte-source.ts';
import { type Prompt, promptOf } from './conversation.ts';
import { FormatError } from './format-error.ts';
import { fieldOf, type JsonRecord } from './json.ts';
import { recordsOf } from './records.ts';
import { idOf, withMessages } from './rollouts.ts';

/** The layout of a file's rows; a subset is written in the same layout. */
export type RowLayout = 'json' | 'jsonl' | 'parquet';

/** A row of a user's prompt file, kept whole. */
export interface PromptRow extends Prompt {
  readonly where: string;
  readonly id: string | undefined;
  readonly answer: unknown;
  readonly record: JsonRecord;
}

/** Fields that may hold a row's prompt; the first field that a row has counts. */
export const promptFields = [
  ...['prompt', 'input', 'question', 'problem', 'query', 'context_messages', 'messages'],
];

/**
 * Reads a prompt file: JSON array, JSONL, parquet or Arrow, told apart by its first bytes.
 *
 * @throws FormatError naming file and row when a prompt is missing or not text.
 */
export async function readPrompts(
  source: ByteSource,
): Promise<{ readonly rows: readonly PromptRow[]; readonly layout: RowLayout }> {
  const rows: PromptRow[] = [];
  for await (const { where, record } of recordsOf(source)) {
    const field = promptFields.find((name) => fieldOf(record, name) !== undefined);
    if (field === undefined)
      throw new FormatError(`${where}: no field ${promptFields.join(' or ')}`);
    const found = promptOf(fieldOf(record, field), `${where}: ${field}`, field === 'messages');
    const prompt = withMessages(record, field, found);
    rows.push({ where, ...prompt, id: idOf(record, where), answer: answerOf(record), record });
  }
  return { rows, layout: await layoutOf(source) };
}

/** The layout of a file, from its first bytes. Files of other layouts count as JSONL. */
export async function layoutOf(source: ByteSource): Promise<RowLayout> {
  const head = new TextDecoder().decode(await source.slice(0, Math.min(4096, source.size)));
  if (head.startsWith('PAR1')) return 'parquet';
  return head.trimStart().startsWith('[') ? 'json' : 'jsonl';
}
