import { answerOf } from './answer-fields.ts';
import type { ByteSource } from './byte-source.ts';
import { chatOf } from './chat-messages.ts';
import { FormatError } from './format-error.ts';
import { fieldOf, type JsonRecord } from './json.ts';
import { idOf, promptText, recordsOf } from './rollouts.ts';
import type { ChatMessage } from './tokenizer.ts';

/** How the rows of a file are laid out: what a subset of them is written as again. */
export type RowLayout = 'json' | 'jsonl' | 'parquet';

/** A row of somebody's prompt file, kept whole. */
export interface PromptRow {
  readonly where: string;
  readonly prompt: string;
  /** The whole conversation, where the prompt is one. */
  readonly messages?: readonly ChatMessage[] | undefined;
  readonly id: string | undefined;
  readonly answer: unknown;
  readonly record: JsonRecord;
}

/** Fields that hold a row's prompt, the first that a row has counts. */
export const promptFields = [
  'prompt',
  'input',
  'question',
  'problem',
  'context_messages',
  'messages',
];

/**
 * A prompt file: JSON array, JSONL or parquet, told apart by its first bytes.
 *
 * @throws FormatError naming file and row where a prompt is missing or not text.
 */
export async function readPrompts(
  source: ByteSource,
): Promise<{ readonly rows: readonly PromptRow[]; readonly layout: RowLayout }> {
  const rows: PromptRow[] = [];
  for await (const { where, record } of recordsOf(source)) {
    const field = promptFields.find((name) => fieldOf(record, name) !== undefined);
    if (field === undefined)
      throw new FormatError(`${where}: no field ${promptFields.join(' or ')}`);
    const prompt = promptText(fieldOf(record, field), `${where}: ${field}`);
    const messages = chatOf(fieldOf(record, field), `${where}: ${field}`, {
      withoutAnswer: field === 'messages',
    });
    const id = idOf(record, where);
    rows.push({ where, prompt, messages, id, answer: answerOf(record), record });
  }
  return { rows, layout: await layoutOf(source) };
}

/** The layout of a file, from its first bytes. */
export async function layoutOf(source: ByteSource): Promise<RowLayout> {
  const head = new TextDecoder().decode(await source.slice(0, Math.min(4096, source.size)));
  if (head.startsWith('PAR1')) return 'parquet';
  return head.trimStart().startsWith('[') ? 'json' : 'jsonl';
}
