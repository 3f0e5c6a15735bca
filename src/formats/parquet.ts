import type { ByteSource } from './byte-source.ts';
import { FormatError } from './format-error.ts';
import { isRecord, type JsonRecord, shorten } from './json.ts';

/** Most bytes that one row group may unpack to. */
export const largestRowGroup = 2 ** 30;

/**
 * The rows of a parquet file, a row group in memory at a time.
 *
 * @throws FormatError naming the file: damaged, an unknown codec, or a row group too large.
 */
export async function* readParquet(source: ByteSource): AsyncGenerator<JsonRecord> {
  const { parquetMetadataAsync, parquetReadObjects } = await import('hyparquet');
  const fail = (error: unknown): FormatError => {
    const message = error instanceof Error ? error.message : String(error);
    return new FormatError(`${source.name}: not readable as parquet: ${shorten(message)}`);
  };
  const file = {
    byteLength: source.size,
    slice: async (start: number, end = source.size): Promise<ArrayBuffer> => {
      // A negative start counts from the end; a lying footer may point outside the file.
      const from = start < 0 ? source.size + start : start;
      const bytes = await source.slice(Math.max(0, from), Math.min(end, source.size));
      return bytes.slice().buffer;
    },
  };
  let metadata;
  try {
    metadata = await parquetMetadataAsync(file);
  } catch (error) {
    throw fail(error);
  }
  let rowStart = 0;
  for (const [index, group] of metadata.row_groups.entries()) {
    const count = Number(group.num_rows);
    const unpacked = group.columns.reduce(
      (sum, column) => sum + Number(column.meta_data?.total_uncompressed_size ?? 0),
      0,
    );
    if (!(unpacked >= 0 && unpacked <= largestRowGroup && count >= 0 && count <= 2 ** 31)) {
      throw new FormatError(
        `${source.name}: row group ${index + 1} claims ${unpacked} bytes and ${count} rows, ` +
          `more than the ${largestRowGroup} bytes allowed`,
      );
    }
    let rows: unknown[];
    try {
      rows = await parquetReadObjects({ file, metadata, rowStart, rowEnd: rowStart + count });
    } catch (error) {
      throw fail(error);
    }
    for (const row of rows) {
      if (!isRecord(row)) throw new FormatError(`${source.name}: a row is not an object`);
      yield row;
    }
    rowStart += count;
  }
}

/**
 * Rows as a parquet file, one column per field that any row has. Columns of text, numbers or truth
 * values keep their kind; whatever else, or is mixed, is stored as JSON.
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
