import { isArrow, readArrow } from './arrow.ts';
import { readText, type ByteSource } from './byte-source.ts';
import { FormatError } from './format-error.ts';
import { expectNoPointer } from './git-lfs.ts';
import { fieldOf, isRecord, type JsonRecord, kindOf, readJson } from './json.ts';
import { type JsonLine, jsonLineBatches } from './json-lines.ts';
import { readParquet } from './parquet.ts';

/** Largest JSON text that is parsed whole, in bytes. */
export const largestJson = 400 << 20;

/** A row of a file, and its place in the file. */
export interface PlacedRecord {
  readonly where: string;
  readonly record: JsonRecord;
}

export interface RecordOptions {
  /**
   * Called with the place where a file was cut while being written. The reader then drops the last
   * row, or all rows of a parquet file, instead of refusing the file.
   */
  readonly onCut?: ((where: string) => void) | undefined;
}

/**
 * The rows of a JSON array, a JSONL file, a table of columns and data as wandb saves it, a parquet
 * file or an Arrow file, told apart by their first bytes. A file of 0 bytes has no rows.
 *
 * @throws FormatError naming file and row.
 */
export async function* recordsOf(
  source: ByteSource,
  options: RecordOptions = {},
): AsyncGenerator<PlacedRecord> {
  for await (const records of recordBatches(source, options)) yield* records;
}

/** As `recordsOf`, many rows at a time where the file gives them so. */
export async function* recordBatches(
  source: ByteSource,
  { onCut }: RecordOptions = {},
): AsyncGenerator<Iterable<PlacedRecord>> {
  await expectNoPointer(source);
  const head = await source.slice(0, Math.min(4096, source.size));
  const opening = new TextDecoder().decode(head);
  if (opening.startsWith('PAR1')) {
    if (onCut && !(await endsAsParquet(source))) onCut(source.name);
    else for await (const record of placed(source, readParquet(source))) yield [record];
  } else if (isArrow(head)) {
    for await (const record of placed(source, readArrow(source))) yield [record];
  } else if (opening.trimStart().startsWith('[')) {
    yield arrayRows(source, await readText(source, largestJson), onCut);
  } else {
    const whole = await wholeObject(source, opening);
    if (whole) yield whole;
    else
      for await (const lines of jsonLineBatches(source, { onCut })) yield lineRows(source, lines);
  }
}

function* lineRows({ name }: ByteSource, lines: readonly JsonLine[]): Generator<PlacedRecord> {
  for (const { line, value } of lines) {
    const where = `${name} line ${line}`;
    const record = expectRecord(value, where);
    // A table on one line.
    const rows = tableRows(record, name);
    if (rows) yield* rows;
    else yield { where, record };
  }
}

function expectRecord(value: unknown, where: string): JsonRecord {
  if (isRecord(value)) return value;
  throw new FormatError(`${where}: must be an object, is ${kindOf(value)}`);
}

async function* placed(
  source: ByteSource,
  records: AsyncIterable<JsonRecord>,
): AsyncGenerator<PlacedRecord> {
  let row = 0;
  for await (const record of records) yield { where: `${source.name} row ${++row}`, record };
}

/** Whether a parquet file has its footer; without a footer nothing in the file can be found. */
async function endsAsParquet(source: ByteSource): Promise<boolean> {
  const end = await source.slice(Math.max(0, source.size - 4), source.size);
  return source.size >= 12 && String.fromCharCode(...end) === 'PAR1';
}

function* arrayRows(
  source: ByteSource,
  text: string,
  onCut: RecordOptions['onCut'],
): Generator<PlacedRecord> {
  const read = readJson(text);
  let rows: unknown;
  if (read.problem === undefined) rows = read.value;
  else if (read.cut && read.whole && onCut) {
    onCut(`${source.name} row ${read.whole.length + 1}`);
    rows = read.whole;
  } else {
    const guess = read.cut ? ': cut while it was written?' : '';
    throw new FormatError(`${source.name} line ${read.line}: ${read.problem}${guess}`);
  }
  if (!Array.isArray(rows)) throw new FormatError(`${source.name}: must be an array of objects`);
  for (const [i, value] of (rows as unknown[]).entries()) {
    const where = `${source.name} row ${i + 1}`;
    yield { where, record: expectRecord(value, where) };
  }
}

/** The rows of a file that is one JSON object over several lines; undefined for other files. */
async function wholeObject(
  source: ByteSource,
  opening: string,
): Promise<Iterable<PlacedRecord> | undefined> {
  const firstLine = /^\s*\{[^\n]*\n/.exec(opening)?.[0];
  // The first line of a JSONL file is valid JSON, or longer than `opening`.
  if (firstLine === undefined || source.size > largestJson) return undefined;
  const first = readJson(firstLine);
  if (first.problem === undefined || !first.cut) return undefined;
  const read = readJson(await readText(source, largestJson));
  if (read.problem !== undefined || !isRecord(read.value)) return undefined;
  return tableRows(read.value, source.name) ?? [{ where: source.name, record: read.value }];
}

/** The rows of a table `{"columns": [names], "data": [[values]]}`; undefined for anything else. */
function tableRows(table: JsonRecord, name: string): Iterable<PlacedRecord> | undefined {
  const columns = fieldOf(table, 'columns');
  const data = fieldOf(table, 'data');
  if (!Array.isArray(columns) || !Array.isArray(data)) return undefined;
  const names = columns as unknown[];
  const rows = data as unknown[];
  if (!names.every((column) => typeof column === 'string') || !rows.every(Array.isArray)) {
    return undefined;
  }
  return rowsOfTable(names, rows as unknown[][], name);
}

function* rowsOfTable(
  names: readonly string[],
  rows: readonly (readonly unknown[])[],
  name: string,
): Generator<PlacedRecord> {
  for (const [i, row] of rows.entries()) {
    const where = `${name} row ${i + 1}`;
    if (row.length !== names.length) {
      throw new FormatError(`${where}: has ${row.length} values for ${names.length} columns`);
    }
    yield { where, record: Object.fromEntries(names.map((column, k) => [column, row[k]])) };
  }
}
