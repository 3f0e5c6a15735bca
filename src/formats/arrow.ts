import type { ByteSource } from './byte-source.ts';
import { FormatError } from './format-error.ts';
import type { JsonRecord } from './json.ts';

/** Most bytes of a message's metadata, and of the columns of one record batch. */
const largestMetadata = 2 ** 24;
const largestBody = 2 ** 30;

/** Most entries of a column per byte of its batch; any column may hold `fewEntries`. */
const entriesPerByte = 8;
const fewEntries = 2 ** 16;

/** Most columns of a schema, nested ones included, and their deepest level. */
const mostFields = 10_000;
const deepestField = 16;

const startsAsFile = (bytes: Uint8Array): boolean =>
  String.fromCharCode(...bytes.subarray(0, 6)) === 'ARROW1';

/** Whether a file's first bytes belong to an Arrow IPC file or stream. */
export function isArrow(head: Uint8Array): boolean {
  if (startsAsFile(head)) return true;
  return head.length >= 8 && head.subarray(0, 4).every((byte) => byte === 0xff);
}

/**
 * The rows of an Arrow IPC stream or file, as `datasets` saves it, with one record batch in memory
 * at a time. Columns of kinds that no row needs (binary, decimals, dictionaries) are left out.
 *
 * @throws FormatError naming the file, and the column if a column is at fault.
 */
export async function* readArrow(source: ByteSource): AsyncGenerator<JsonRecord> {
  const fail = (why: string): never => {
    throw new FormatError(`${source.name}: not readable as Arrow: ${why}`);
  };
  const head = await source.slice(0, Math.min(8, source.size));
  let at = 0;
  let end = source.size;
  let fields: readonly Field[] | undefined;
  if (startsAsFile(head)) {
    // A file is a stream between a header and a footer; some writers put the schema only into the
    // footer.
    const tail = await source.slice(Math.max(8, source.size - 10), source.size);
    const size = tail.length === 10 ? viewOf(tail).getInt32(0, true) : -1;
    if (!startsAsFile(tail.subarray(4)) || size <= 0 || size > largestMetadata)
      fail('it has no end');
    at = 8;
    end = source.size - 10 - size;
    if (end < at) fail(`its end claims ${size} bytes`);
    const bytes = await source.slice(end, end + size);
    try {
      const schema = rootTable(viewOf(bytes)).table(1);
      fields = schema && schemaOf(schema);
    } catch (error) {
      throw explained(error, source.name);
    }
  }
  while (at + 8 <= end) {
    const prefix = viewOf(await source.slice(at, at + 8));
    const marked = prefix.getUint32(0, true) === 0xffff_ffff;
    const size = prefix.getInt32(marked ? 4 : 0, true);
    at += marked ? 8 : 4;
    if (size === 0) return;
    if (size < 0 || size > largestMetadata || at + size > end) {
      fail(`a message claims ${size} bytes of description at byte ${at}`);
    }
    const bytes = await source.slice(at, at + size);
    at += size;
    try {
      const message = rootTable(viewOf(bytes));
      const bodySize = message.long(3);
      if (bodySize < 0 || bodySize > largestBody || at + bodySize > end) {
        fail(`a message claims ${bodySize} bytes of columns at byte ${at}`);
      }
      const kind = message.byte(1);
      const header = message.table(2);
      if (kind === headers.schema && header) {
        fields ??= schemaOf(header);
      } else if (kind === headers.recordBatch && header) {
        if (!fields) return fail('rows come before the schema');
        const body = await source.slice(at, at + bodySize);
        yield* recordsOfBatch(fields, header, body);
      } else if (kind !== headers.dictionaryBatch) {
        fail(`a message of kind ${kind}`);
      }
      at += bodySize;
    } catch (error) {
      throw explained(error, source.name);
    }
  }
  if (!fields) fail('it has no schema');
}

/** The error to report for a reading error: a FormatError if the file is at fault. */
function explained(error: unknown, name: string): unknown {
  const why =
    error instanceof RangeError
      ? 'an offset points outside of the file'
      : error instanceof FormatError && !error.message.startsWith(name)
        ? error.message
        : undefined;
  return why === undefined ? error : new FormatError(`${name}: not readable as Arrow: ${why}`);
}

const headers = { schema: 1, dictionaryBatch: 2, recordBatch: 3 } as const;

const viewOf = (bytes: Uint8Array): DataView =>
  new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

const safe = (value: bigint): number => {
  const number = Number(value);
  if (!Number.isSafeInteger(number)) throw new FormatError(`a length of ${value}`);
  return number;
};

/** A FlatBuffers table. A read outside of its bytes throws a RangeError. */
class Table {
  readonly #view: DataView;
  readonly #at: number;
  readonly #fields: number;
  readonly #count: number;

  constructor(view: DataView, at: number) {
    this.#view = view;
    this.#at = at;
    this.#fields = at - view.getInt32(at, true);
    this.#count = (view.getUint16(this.#fields, true) - 4) / 2;
  }

  #place(field: number): number | undefined {
    if (field >= this.#count) return undefined;
    const offset = this.#view.getUint16(this.#fields + 4 + 2 * field, true);
    return offset === 0 ? undefined : this.#at + offset;
  }

  #target(field: number): number | undefined {
    const place = this.#place(field);
    return place === undefined ? undefined : place + this.#view.getUint32(place, true);
  }

  byte(field: number): number {
    const place = this.#place(field);
    return place === undefined ? 0 : this.#view.getUint8(place);
  }

  short(field: number): number {
    const place = this.#place(field);
    return place === undefined ? 0 : this.#view.getInt16(place, true);
  }

  int(field: number): number {
    const place = this.#place(field);
    return place === undefined ? 0 : this.#view.getInt32(place, true);
  }

  long(field: number): number {
    const place = this.#place(field);
    return place === undefined ? 0 : safe(this.#view.getBigInt64(place, true));
  }

  has(field: number): boolean {
    return this.#place(field) !== undefined;
  }

  table(field: number): Table | undefined {
    const target = this.#target(field);
    return target === undefined ? undefined : new Table(this.#view, target);
  }

  text(field: number): string {
    const target = this.#target(field);
    if (target === undefined) return '';
    const length = this.#view.getUint32(target, true);
    return decodeText(bytesAt(this.#view, target + 4, length));
  }

  tables(field: number): Table[] {
    const target = this.#target(field);
    if (target === undefined) return [];
    const count = this.#view.getUint32(target, true);
    if (count > mostFields) throw new FormatError(`${count} columns`);
    return Array.from({ length: count }, (_, i) => {
      const place = target + 4 + 4 * i;
      return new Table(this.#view, place + this.#view.getUint32(place, true));
    });
  }

  /** A list of pairs of longs: a batch's field nodes or buffers. */
  pairs(field: number): [number, number][] {
    const target = this.#target(field);
    if (target === undefined) return [];
    const count = this.#view.getUint32(target, true);
    if (count > 4 * mostFields) throw new FormatError(`${count} buffers`);
    return Array.from({ length: count }, (_, i) => {
      const place = target + 4 + 16 * i;
      const long = (at: number): number => safe(this.#view.getBigInt64(at, true));
      return [long(place), long(place + 8)];
    });
  }
}

const rootTable = (view: DataView): Table => new Table(view, view.getUint32(0, true));

function bytesAt(view: DataView, at: number, length: number): Uint8Array {
  if (at + length > view.byteLength) throw new RangeError('outside');
  return new Uint8Array(view.buffer, view.byteOffset + at, length);
}

function decodeText(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new FormatError('a text is not UTF-8');
  }
}

/** The layout of a column in a batch's buffers. */
type Layout =
  | { readonly kind: 'null' | 'bool' }
  | { readonly kind: 'number'; readonly bytes: number; readonly read: ReadNumber }
  | { readonly kind: 'text' | 'binary'; readonly large: boolean }
  | { readonly kind: 'fixed' }
  | { readonly kind: 'list'; readonly large: boolean }
  | { readonly kind: 'fixed list'; readonly size: number }
  | { readonly kind: 'struct' };

type ReadNumber = (view: DataView, at: number) => unknown;

interface Field {
  readonly name: string;
  readonly layout: Layout;
  readonly children: readonly Field[];
  /** Whether rows get the column's values; otherwise the values are skipped. */
  readonly given: boolean;
}

function schemaOf(schema: Table): Field[] {
  if (schema.short(0) !== 0) throw new FormatError('big-endian columns');
  let count = 0;
  const fieldOf = (table: Table, depth: number): Field => {
    if (++count > mostFields || depth > deepestField) throw new FormatError('too many columns');
    const name = table.text(0);
    const children = table.tables(5).map((child) => fieldOf(child, depth + 1));
    // The column holds indices into a dictionary; no row needs the dictionary's values.
    if (table.has(4)) return { name, layout: { kind: 'fixed' }, children: [], given: false };
    const layout = layoutOf(table.byte(2), table.table(3), name);
    const wanted =
      layout.kind === 'struct' ? children.length : layout.kind.endsWith('list') ? 1 : 0;
    if (children.length !== wanted) throw new FormatError(`column ${name} has parts of its own`);
    return { name, layout, children, given: layout.kind !== 'binary' && layout.kind !== 'fixed' };
  };
  return schema.tables(1).map((field) => fieldOf(field, 0));
}

const bigOrNumber = (value: bigint): number | bigint =>
  Number.isSafeInteger(Number(value)) ? Number(value) : value;

const integers: Readonly<Record<string, { bytes: number; read: ReadNumber }>> = {
  i8: { bytes: 1, read: (view, at) => view.getInt8(at) },
  u8: { bytes: 1, read: (view, at) => view.getUint8(at) },
  i16: { bytes: 2, read: (view, at) => view.getInt16(at, true) },
  u16: { bytes: 2, read: (view, at) => view.getUint16(at, true) },
  i32: { bytes: 4, read: (view, at) => view.getInt32(at, true) },
  u32: { bytes: 4, read: (view, at) => view.getUint32(at, true) },
  i64: { bytes: 8, read: (view, at) => bigOrNumber(view.getBigInt64(at, true)) },
  u64: { bytes: 8, read: (view, at) => bigOrNumber(view.getBigUint64(at, true)) },
};

/** The layout for one of the format's type numbers. */
function layoutOf(type: number, table: Table | undefined, name: string): Layout {
  switch (type) {
    case 1:
      return { kind: 'null' };
    case 2: {
      const number = integers[`${table?.byte(1) ? 'i' : 'u'}${table?.int(0) ?? 0}`];
      if (number) return { kind: 'number', ...number };
      break;
    }
    case 3: {
      const precision = table?.short(0);
      if (precision === 0) return { kind: 'fixed' };
      const double = precision === 2;
      const read: ReadNumber = (view, at) =>
        double ? view.getFloat64(at, true) : view.getFloat32(at, true);
      return { kind: 'number', bytes: double ? 8 : 4, read };
    }
    case 4:
    case 19:
      return { kind: 'binary', large: type === 19 };
    case 5:
    case 20:
      return { kind: 'text', large: type === 20 };
    case 6:
      return { kind: 'bool' };
    // Decimals, dates, times, intervals, fixed-size bytes: a validity map and one buffer of values.
    case 7:
    case 8:
    case 9:
    case 10:
    case 11:
    case 15:
    case 18:
      return { kind: 'fixed' };
    case 12:
    case 17:
    case 21:
      return { kind: 'list', large: type === 21 };
    case 13:
      return { kind: 'struct' };
    case 16:
      return { kind: 'fixed list', size: table?.int(0) ?? 0 };
  }
  throw new FormatError(`column ${name} is of a kind (${type}) that is not read`);
}

type Column = (row: number) => unknown;

function* recordsOfBatch(
  fields: readonly Field[],
  batch: Table,
  body: Uint8Array,
): Generator<JsonRecord> {
  if (batch.has(3)) throw new FormatError('its columns are compressed');
  const rows = batch.long(0);
  const nodes = batch.pairs(1);
  const buffers = batch.pairs(2);
  const most = Math.max(fewEntries, entriesPerByte * body.length);
  const view = viewOf(body);
  let node = 0;
  let buffer = 0;

  const nextBuffer = (bytes: number, name: string): DataView => {
    const [offset, length] = buffers[buffer++] ?? [0, -1];
    if (offset < 0 || length < 0 || offset + length > body.length || length < bytes) {
      throw new FormatError(`column ${name} holds fewer bytes than its entries take`);
    }
    return new DataView(view.buffer, view.byteOffset + offset, length);
  };
  const offsets = (count: number, large: boolean, limit: number, name: string): ReadOffset => {
    const width = large ? 8 : 4;
    const [, length = 0] = buffers[buffer] ?? [];
    // A column without entries may omit its only offset.
    const held = nextBuffer(count === 0 && length === 0 ? 0 : (count + 1) * width, name);
    const read: ReadOffset = (i) =>
      large ? safe(held.getBigInt64(i * width, true)) : held.getInt32(i * width, true);
    for (let i = 0; i < count; i++) {
      const [from, to] = [read(i), read(i + 1)];
      if (from < 0 || to < from || to > limit) {
        throw new FormatError(`column ${name} has an entry outside of its bytes`);
      }
    }
    return read;
  };

  const columnOf = (field: Field): { read: Column; length: number } => {
    const { name, layout, children } = field;
    const [length, nulls] = nodes[node++] ?? [-1, 0];
    if (length < 0 || length > most)
      throw new FormatError(`column ${name} claims ${length} entries`);
    if (layout.kind === 'null') return { read: () => null, length };
    const [, mapped = 0] = buffers[buffer] ?? [];
    const validity = nextBuffer(mapped === 0 && nulls === 0 ? 0 : Math.ceil(length / 8), name);
    const isNull = (i: number): boolean =>
      validity.byteLength > 0 && ((validity.getUint8(i >> 3) >> (i & 7)) & 1) === 0;
    const nullable = (read: Column): { read: Column; length: number } => ({
      read: (i) => (isNull(i) ? null : read(i)),
      length,
    });
    switch (layout.kind) {
      case 'bool': {
        const bits = nextBuffer(Math.ceil(length / 8), name);
        return nullable((i) => ((bits.getUint8(i >> 3) >> (i & 7)) & 1) === 1);
      }
      case 'number': {
        const numbers = nextBuffer(length * layout.bytes, name);
        return nullable((i) => layout.read(numbers, i * layout.bytes));
      }
      case 'fixed':
        nextBuffer(0, name);
        return { read: () => null, length };
      case 'binary':
      case 'text': {
        const [, limit = 0] = buffers[buffer + 1] ?? [];
        const at = offsets(length, layout.large, limit, name);
        const bytes = nextBuffer(0, name);
        return nullable((i) => decodeText(bytesAt(bytes, at(i), at(i + 1) - at(i))));
      }
      case 'list': {
        const inner = nodes[node]?.[0] ?? 0;
        const at = offsets(length, layout.large, inner, name);
        const [child] = children.map(columnOf);
        return nullable((i) => {
          const from = at(i);
          return Array.from({ length: at(i + 1) - from }, (_, k) => child?.read(from + k));
        });
      }
      case 'fixed list': {
        const [child] = children.map(columnOf);
        if (!(layout.size >= 0 && length * layout.size <= (child?.length ?? 0))) {
          throw new FormatError(`column ${name} has an entry outside of its parts`);
        }
        return nullable((i) =>
          Array.from({ length: layout.size }, (_, k) => child?.read(i * layout.size + k)),
        );
      }
      case 'struct': {
        const parts = children.map((child) => ({ child, column: columnOf(child) }));
        if (parts.some(({ column }) => column.length < length)) {
          throw new FormatError(`column ${name} has parts of another length`);
        }
        return nullable((i) => record(parts, i));
      }
    }
  };
  const parts = fields.map((child) => ({ child, column: columnOf(child) }));
  if (rows < 0 || rows > most || parts.some(({ column }) => column.length !== rows)) {
    throw new FormatError(`a batch claims ${rows} rows, which its columns have not`);
  }
  for (let i = 0; i < rows; i++) yield record(parts, i);
}

type ReadOffset = (index: number) => number;

function record(
  parts: readonly { readonly child: Field; readonly column: { readonly read: Column } }[],
  row: number,
): JsonRecord {
  const given = parts.filter(({ child }) => child.given);
  return Object.fromEntries(given.map(({ child, column }) => [child.name, column.read(row)]));
}
