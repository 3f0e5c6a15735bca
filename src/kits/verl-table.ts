import type { SchemaElement } from 'hyparquet';
import type { VerlRow } from './rows.ts';

const text = (name: string): SchemaElement => ({
  name,
  type: 'BYTE_ARRAY',
  converted_type: 'UTF8',
  repetition_type: 'OPTIONAL',
});

const group = (name: string, children: number): SchemaElement => ({
  name,
  num_children: children,
  repetition_type: 'OPTIONAL',
});

/**
 * The table that verl's data loader takes: a list of turns in each prompt, a structure in
 * `reward_model` and in `extra_info`. Lists have Parquet's three levels.
 */
const schema: SchemaElement[] = [
  { name: 'root', num_children: 5 },
  text('data_source'),
  { ...group('prompt', 1), converted_type: 'LIST' },
  { name: 'list', num_children: 1, repetition_type: 'REPEATED' },
  group('element', 2),
  text('role'),
  text('content'),
  text('ability'),
  group('reward_model', 2),
  text('style'),
  text('ground_truth'),
  group('extra_info', 3),
  text('split'),
  { name: 'index', type: 'INT64', repetition_type: 'OPTIONAL' },
  text('limr_id'),
];

/** Rows of verl's schema as a Parquet file. */
export async function verlTable(rows: readonly VerlRow[]): Promise<Uint8Array> {
  const { parquetWriteBuffer } = await import('hyparquet-writer');
  const columns = {
    data_source: rows.map((row) => row.data_source),
    prompt: rows.map((row) => row.prompt),
    ability: rows.map((row) => row.ability),
    reward_model: rows.map((row) => row.reward_model),
    extra_info: rows.map((row) => ({ ...row.extra_info, index: BigInt(row.extra_info.index) })),
  };
  const columnData = Object.entries(columns).map(([name, data]) => ({ name, data }));
  return new Uint8Array(parquetWriteBuffer({ schema, columnData }));
}
