import { parquetMetadataAsync, parquetReadObjects } from 'hyparquet';
import { exposeWorker } from '../workers/expose.ts';
import { FormatError } from './format-error.ts';
import type { ParquetApi } from './parquet.ts';

/** Most bytes that one row group may unpack to. */
const largestRowGroup = 2 ** 30;

let file: ArrayBuffer | undefined;
let groups: readonly { readonly first: number; readonly count: number }[] = [];
let metadata: Awaited<ReturnType<typeof parquetMetadataAsync>> | undefined;

const api: ParquetApi = {
  async open(bytes) {
    file = bytes;
    metadata = await parquetMetadataAsync(bytes);
    let first = 0;
    groups = metadata.row_groups.map((group, index) => {
      const count = Number(group.num_rows);
      const unpacked = group.columns.reduce(
        (sum, column) => sum + Number(column.meta_data?.total_uncompressed_size ?? 0),
        0,
      );
      if (!(unpacked >= 0 && unpacked <= largestRowGroup && count >= 0 && count <= 2 ** 31)) {
        throw new FormatError(
          `row group ${index + 1} claims ${unpacked} bytes and ${count} rows, ` +
            `more than the ${largestRowGroup} bytes allowed`,
        );
      }
      first += count;
      return { first: first - count, count };
    });
    return groups.length;
  },
  async rows(index) {
    const group = groups[index];
    if (!file || !metadata || !group) throw new Error('no such row group');
    const { first, count } = group;
    return parquetReadObjects({ file, metadata, rowStart: first, rowEnd: first + count });
  },
  dispose() {
    file = undefined;
  },
};

exposeWorker(api);
