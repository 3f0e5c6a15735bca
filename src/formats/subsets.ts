import { FormatError } from './format-error.ts';
import { fieldOf, isRecord, type JsonRecord } from './json.ts';
import { writeParquet } from './parquet.ts';
import type { PromptRow, RowLayout } from './prompts.ts';

/** Who is to read a subset of prompts. */
export const exportFormats = ['openrlhf', 'trl', 'verl', 'jsonl', 'parquet'] as const;
export type ExportFormat = (typeof exportFormats)[number];

const answerFields = ['answer', 'label', 'solution', 'ground_truth', 'gold'];

/** The answer key of a row: a field of its own, or verl's `reward_model.ground_truth`. */
function answerOf(record: JsonRecord): unknown {
  const name = answerFields.find((field) => fieldOf(record, field) !== undefined);
  if (name !== undefined) return record[name];
  const model = fieldOf(record, 'reward_model');
  return isRecord(model) ? fieldOf(model, 'ground_truth') : undefined;
}

const chatOf = (prompt: string) => [{ role: 'user', content: prompt }];

const exporters: Readonly<
  Record<'openrlhf' | 'trl' | 'verl', (row: PromptRow, index: number) => JsonRecord>
> = {
  // --data.input_key input (the default), --data.label_key label
  openrlhf: (row) => ({
    ...(row.id === undefined ? {} : { id: row.id }),
    input: row.prompt,
    label: answerOf(row.record) ?? null,
  }),
  // Conversational prompt; further columns reach the reward functions as keyword arguments.
  trl: (row) => ({
    ...(row.id === undefined ? {} : { limr_id: row.id }),
    prompt: chatOf(row.prompt),
    answer: answerOf(row.record) ?? null,
  }),
  verl: (row, index) => {
    const answer = answerOf(row.record);
    if (answer === undefined) {
      throw new FormatError(`${row.where}: verl needs an answer (${answerFields.join(' or ')})`);
    }
    const source = fieldOf(row.record, 'data_source') ?? fieldOf(row.record, 'source');
    return {
      data_source: source ?? 'limr',
      prompt: chatOf(row.prompt),
      ability: fieldOf(row.record, 'ability') ?? 'math',
      reward_model: { style: 'rule', ground_truth: answer },
      extra_info: { split: 'train', index, ...(row.id === undefined ? {} : { limr_id: row.id }) },
    };
  },
};

/**
 * A subset as the text or bytes of a file: the rows as they came in the layout they came in, or as
 * another engine reads them (JSONL, one row a line; parquet for `parquet`).
 *
 * @throws FormatError naming the row where the target needs an answer that it lacks.
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
