import { answerFields } from './answer-fields.ts';
import { FormatError } from './format-error.ts';
import { fieldOf, type JsonRecord } from './json.ts';
import { writeParquet } from './parquet.ts';
import type { PromptRow, RowLayout } from './prompts.ts';

/** The reader that a subset of prompts is written for. */
export const exportFormats = ['openrlhf', 'trl', 'verl', 'jsonl', 'parquet'] as const;
export type ExportFormat = (typeof exportFormats)[number];

/** A row's conversation unchanged, or its prompt as one user turn. */
const messagesOf = ({ prompt, messages }: PromptRow): readonly JsonRecord[] =>
  messages ?? [{ role: 'user', content: prompt }];

const exporters: Readonly<
  Record<'openrlhf' | 'trl' | 'verl', (row: PromptRow, index: number) => JsonRecord>
> = {
  // For --data.input_key input (the default) and --data.label_key label. --data.apply_chat_template
  // accepts a list of messages unchanged.
  openrlhf: (row) => ({
    ...(row.id === undefined ? {} : { id: row.id }),
    input: row.messages ?? row.prompt,
    label: row.answer ?? null,
  }),
  // Conversational prompt; reward functions receive the other columns as keyword arguments.
  trl: (row) => ({
    ...(row.id === undefined ? {} : { limr_id: row.id }),
    prompt: messagesOf(row),
    answer: row.answer ?? null,
  }),
  verl: (row, index) => {
    if (row.answer === undefined) {
      throw new FormatError(
        `${row.where}: verl needs an answer (${answerFields.join(' or ')}); ` +
          'name a prompt file that has them: --prompts pool.jsonl',
      );
    }
    const source = fieldOf(row.record, 'data_source') ?? fieldOf(row.record, 'source');
    return {
      data_source: source ?? 'limr',
      prompt: messagesOf(row),
      ability: fieldOf(row.record, 'ability') ?? 'math',
      reward_model: { style: 'rule', ground_truth: row.answer },
      extra_info: { split: 'train', index, ...(row.id === undefined ? {} : { limr_id: row.id }) },
    };
  },
};

/**
 * A subset as the text or bytes of a file. Without `format`, rows and layout stay as read; with
 * `format`, rows are written for that engine (JSONL, one row per line; parquet for `parquet`).
 *
 * @throws FormatError naming the row when the target needs an answer that the row lacks.
 */
export async function subsetFile(
  rows: readonly PromptRow[],
  layout: RowLayout,
  format?: ExportFormat,
): Promise<Uint8Array | Iterable<string>> {
  const records =
    format === 'openrlhf' || format === 'trl' || format === 'verl'
      ? rows.map(exporters[format])
      : rows.map(({ record }) => record);
  const target = format === undefined ? layout : format === 'parquet' ? 'parquet' : 'jsonl';
  if (target === 'parquet') return writeParquet(records);
  return target === 'jsonl' ? jsonLines(records) : jsonArray(records);
}

function* jsonLines(records: readonly JsonRecord[]): Generator<string> {
  for (const record of records) yield `${rowText(record)}\n`;
}

function* jsonArray(records: readonly JsonRecord[]): Generator<string> {
  yield '[';
  let separator = '\n';
  for (const record of records) {
    yield separator + rowText(record, 2).replace(/^/gm, '  ');
    separator = ',\n';
  }
  yield records.length > 0 ? '\n]\n' : ']\n';
}

/** Parquet integers may be bigints, which JSON does not know. */
const rowText = (record: JsonRecord, indent?: number): string =>
  JSON.stringify(
    record,
    (_, value: unknown) => (typeof value === 'bigint' ? Number(value) : value),
    indent,
  );
