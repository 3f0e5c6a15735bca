import { FormatError } from './format-error.ts';

/** Sizes of a column chunk, from the headers of its pages. */
export interface ChunkPages {
  /** Number of values in the data pages, nulls included. */
  readonly values: number;
  /** Unpacked bytes of all pages. */
  readonly unpacked: number;
}

const dataPage = 0;
const dictionaryPage = 2;
const dataPageV2 = 3;

/** Types of Thrift's compact protocol. */
const thrift = {
  stop: 0,
  true: 1,
  false: 2,
  byte: 3,
  i16: 4,
  i32: 5,
  i64: 6,
  double: 7,
  binary: 8,
  list: 9,
  set: 10,
  struct: 12,
} as const;

/** Deepest nesting of structs; a page's header has three levels. */
const deepest = 8;

/**
 * The sizes of a column chunk from its pages' headers; unpacks no page.
 *
 * @param bytes The chunk, from its first page on.
 * @throws FormatError when a header is invalid, or a page lies outside of the chunk.
 */
export function chunkPages(bytes: Uint8Array): ChunkPages {
  let values = 0;
  let unpacked = 0;
  const reader = new CompactReader(bytes);
  // A rest shorter than two bytes is padding.
  while (reader.at < bytes.length - 1) {
    const header = reader.struct();
    const type = header.get(1);
    const size = header.get(2);
    const stored = header.get(3);
    if (typeof type !== 'number' || typeof size !== 'number' || typeof stored !== 'number') {
      throw new FormatError('a page has no header');
    }
    if (size < 0 || stored < 0 || reader.at + stored > bytes.length) {
      throw new FormatError(`a page claims ${stored} bytes, ${bytes.length - reader.at} are left`);
    }
    const own =
      type === dataPage ? header.get(5) : type === dataPageV2 ? header.get(8) : header.get(7);
    const count = typeof own === 'object' ? own.get(1) : 0;
    if (typeof count !== 'number' || count < 0) throw new FormatError('a page has no values');
    if (type === dataPage || type === dataPageV2) values += count;
    else if (type === dictionaryPage && count > size) {
      throw new FormatError(`a dictionary claims ${count} values in ${size} bytes`);
    }
    unpacked += size;
    reader.at += stored;
  }
  return { values, unpacked };
}

type Field = number | undefined | Fields;

interface Fields {
  get(id: number): Field;
}

/**
 * Reads structs of Thrift's compact protocol: whole numbers and structs; other values are skipped.
 */
class CompactReader {
  at = 0;
  readonly #bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  struct(depth = 0): Fields {
    if (depth > deepest) throw new FormatError('structs too deep');
    const fields = new Map<number, Field>();
    let id = 0;
    for (;;) {
      const byte = this.#byte();
      const type = byte & 15;
      if (type === thrift.stop) return fields;
      id = byte >> 4 === 0 ? this.#zigzag() : id + (byte >> 4);
      fields.set(id, this.#value(type, depth));
    }
  }

  #value(type: number, depth: number): Field {
    switch (type) {
      case thrift.true:
      case thrift.false:
        return undefined;
      case thrift.byte:
        this.#skip(1);
        return undefined;
      case thrift.i16:
      case thrift.i32:
      case thrift.i64:
        return this.#zigzag();
      case thrift.double:
        this.#skip(8);
        return undefined;
      case thrift.binary:
        this.#skip(this.#varint());
        return undefined;
      case thrift.list:
      case thrift.set: {
        const head = this.#byte();
        const count = head >> 4 === 15 ? this.#varint() : head >> 4;
        const kind = head & 15;
        for (let i = 0; i < count; i++) {
          // A truth value takes a byte in a list, and no byte as a field.
          if (kind === thrift.true || kind === thrift.false) this.#skip(1);
          else this.#value(kind, depth + 1);
        }
        return undefined;
      }
      case thrift.struct:
        return this.struct(depth + 1);
      default:
        throw new FormatError(`a page's header has a field of type ${type}`);
    }
  }

  #byte(): number {
    const byte = this.#bytes[this.at++];
    if (byte === undefined) throw new FormatError("a page's header is cut");
    return byte;
  }

  #skip(bytes: number): void {
    this.at += bytes;
    if (this.at > this.#bytes.length) throw new FormatError("a page's header is cut");
  }

  #varint(): number {
    let value = 0;
    for (let scale = 1; scale <= 2 ** 63; scale *= 128) {
      const byte = this.#byte();
      value += (byte & 127) * scale;
      if (byte < 128) return value;
    }
    throw new FormatError("a page's header has a number without end");
  }

  #zigzag(): number {
    const value = this.#varint();
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }
}
