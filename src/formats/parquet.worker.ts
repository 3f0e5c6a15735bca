import { parquetMetadataAsync, parquetReadObjects, parquetSchema } from 'hyparquet';
import { exposeWorker } from '../threads/expose.ts';
import { FormatError } from './format-error.ts';
import { chunkPages } from './parquet-pages.ts';
import type { ParquetApi } from './parquet.ts';

/** Most unpacked bytes of a row group. */
const largestRowGroup = 2 ** 30;

/**
 * Most values of a row group per byte; any row group may hold `fewValues`. Runs of equal values
 * pack to almost nothing, but rows with texts do not.
 */
const valuesPerByte = 64;
const fewValues = 2 ** 16;

type Metadata = Awaited<ReturnType<typeof parquetMetadataAsync>>;

interface Group {
  readonly first: number;
  readonly count: number;
}

let file: ArrayBuffer | undefined;
let groups: readonly Group[] = [];
let metadata: Metadata | undefined;
let held: { readonly index: number; readonly rows: unknown[] } | undefined;

const api: ParquetApi = {
  async open(bytes) {
    file = bytes;
    metadata = await parquetMetadataAsync(bytes);
    const flat = flatColumns(metadata);
    let first = 0;
    groups = metadata.row_groups.map((group, index) => {
      const count = Number(group.num_rows);
      if (!(Number.isSafeInteger(count) && count >= 0)) {
        throw new FormatError(`row group ${index + 1} claims ${count} rows`);
      }
      expectPages(new Uint8Array(bytes), group, flat, `row group ${index + 1}`);
      first += count;
      return { first: first - count, count };
    });
    return groups.map(({ count }) => count);
  },
  async rows(index, from, to) {
    const group = groups[index];
    if (!file || !metadata || !group) throw new Error('no such row group');
    if (held?.index !== index) {
      held = undefined;
      const { first, count } = group;
      const rows = await parquetReadObjects({
        file,
        metadata,
        rowStart: first,
        rowEnd: first + count,
      });
      held = { index, rows };
    }
    return held.rows.slice(from, to);
  },
  dispose() {
    file = undefined;
    held = undefined;
  },
};

/** Paths of the columns that have exactly one value per row. */
function flatColumns(of: Metadata): ReadonlySet<string> {
  const found = new Set<string>();
  const visit = (tree: ReturnType<typeof parquetSchema>, path: string[]): void => {
    if (tree.element.repetition_type === 'REPEATED') return;
    if (tree.children.length === 0) found.add(path.join('.'));
    for (const child of tree.children) visit(child, [...path, child.element.name]);
  };
  visit(parquetSchema(of), []);
  return found;
}

/**
 * Checks a row group's metadata against the headers of its pages, before any page is unpacked.
 *
 * @throws FormatError naming the row group.
 */
function expectPages(
  bytes: Uint8Array,
  group: Metadata['row_groups'][number],
  flat: ReadonlySet<string>,
  where: string,
): void {
  const count = Number(group.num_rows);
  let unpacked = 0;
  let values = 0;
  let stored = 0;
  for (const { meta_data: chunk } of group.columns) {
    if (!chunk) throw new FormatError(`${where}: a column has no data`);
    const column = chunk.path_in_schema.join('.');
    // Some writers store 0 for a column without a dictionary.
    const start = Number(chunk.dictionary_page_offset || chunk.data_page_offset);
    const end = start + Number(chunk.total_compressed_size);
    if (!(start >= 0 && end >= start && end <= bytes.length)) {
      throw new FormatError(`${where}: column ${column} lies outside of the file`);
    }
    let pages;
    try {
      pages = chunkPages(bytes.subarray(start, end));
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
      throw new FormatError(`${where}: column ${column}: ${error.message}`);
    }
    const claimed = Number(chunk.num_values);
    if (claimed !== pages.values || (flat.has(column) && count !== pages.values)) {
      throw new FormatError(
        `${where} claims ${count} rows and ${claimed} values of ${column}, ` +
          `its pages hold ${pages.values}`,
      );
    }
    unpacked += pages.unpacked;
    values += pages.values;
    stored += end - start;
  }
  if (unpacked > largestRowGroup) {
    throw new FormatError(
      `${where} unpacks to ${unpacked} bytes, more than the ${largestRowGroup} allowed`,
    );
  }
  const most = Math.max(fewValues, valuesPerByte * stored);
  if (values > most || count > most) {
    throw new FormatError(
      `${where} claims ${Math.max(count, values)} values in ${stored} bytes, ` +
        `more than the ${most} allowed`,
    );
  }
}

exposeWorker(api);
