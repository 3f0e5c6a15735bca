import { transfer } from 'comlink';
import { connect, WorkerError } from '../threads/connect.ts';
import { within } from '../threads/time-limit.ts';
import { readAll, type ByteSource } from './byte-source.ts';
import { FormatError } from './format-error.ts';
import { isRecord, type JsonRecord, shorten } from './json.ts';

/** Largest parquet file that is read, in bytes. */
export const largestParquet = 2 ** 30;

/** The calls of `parquet.worker.ts`. */
export interface ParquetApi {
  /** Takes a whole file. Returns the number of rows of each row group. */
  open(bytes: ArrayBuffer): Promise<number[]>;
  /** Rows [from, to) of one row group. */
  rows(group: number, from: number, to: number): Promise<unknown[]>;
  dispose(): void;
}

/** Rows per call to the worker. */
const rowsPerCall = 1024;

/**
 * The rows of a parquet file, one row group in memory at a time. A damaged file can keep a parquet
 * reader busy forever, so a worker reads the file and is ended when it takes too long.
 *
 * @param seconds Longest time for the footer or for one row group.
 * @throws FormatError naming the file: damaged, with an unknown codec, too large, or too slow.
 */
export async function* readParquet(source: ByteSource, seconds = 60): AsyncGenerator<JsonRecord> {
  const bytes = await readAll(source, largestParquet);
  const reader = await connect<ParquetApi>(
    'parquet reader',
    (Worker) =>
      new Worker(new URL('./parquet.worker.ts', import.meta.url), {
        type: 'module',
        // The worker gets its own heap limit: a full heap then ends the worker, not the process.
        resourceLimits: { maxOldGenerationSizeMb: 2048 },
      }),
  );
  const call = async <T>(result: Promise<T>): Promise<T> => {
    const late = new FormatError(`took more than ${seconds} s: damaged, or too large`);
    try {
      return await within(seconds, result, late);
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      const why = error instanceof WorkerError ? 'the reader died of it' : shorten(message);
      throw new FormatError(`${source.name}: not readable as parquet: ${why}`);
    }
  };
  try {
    const copy = bytes.slice().buffer;
    const groups = await call(reader.api.open(transfer(copy, [copy])));
    for (const [group, rows] of groups.entries()) {
      for (let from = 0; from < rows; from += rowsPerCall) {
        for (const row of await call(reader.api.rows(group, from, from + rowsPerCall))) {
          if (!isRecord(row)) throw new FormatError(`${source.name}: a row is not an object`);
          yield row;
        }
      }
    }
  } finally {
    await reader.kill('done');
  }
}

/**
 * Writes rows as a parquet file, with a column for each field that any row has. Columns of text,
 * numbers or truth values keep their kind; other or mixed columns are stored as JSON.
 */
export async function writeParquet(rows: readonly JsonRecord[]): Promise<Uint8Array> {
  const { parquetWriteBuffer } = await import('hyparquet-writer');
  const names = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  const columnData = names.map((name) => {
    const values = rows.map((row) => (Object.hasOwn(row, name) ? row[name] : undefined) ?? null);
    const kinds = new Set(values.filter((value) => value !== null).map((value) => typeof value));
    const [kind] = kinds;
    const simple = kinds.size === 1 && kind !== 'object';
    if (simple && kind === 'string') return { name, data: values, type: 'STRING' as const };
    if (simple && kind === 'number') return { name, data: values, type: 'DOUBLE' as const };
    if (simple && kind === 'boolean') return { name, data: values, type: 'BOOLEAN' as const };
    return { name, data: values, type: 'JSON' as const };
  });
  return new Uint8Array(parquetWriteBuffer({ columnData }));
}
