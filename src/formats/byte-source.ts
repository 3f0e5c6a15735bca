import { FormatError } from './format-error.ts';

/** Random access to the bytes of a named source: a file on disk, a `Blob`, an array. */
export interface ByteSource {
  /** Usually a path; names the source in errors. */
  readonly name: string;
  readonly size: number;
  /** Bytes [start, end); fewer only at the end of the source. */
  slice(start: number, end: number): Promise<Uint8Array>;
}

/** A source over bytes in memory. */
export const bytesSource = (name: string, bytes: Uint8Array): ByteSource => ({
  name,
  size: bytes.length,
  slice: (start, end) => Promise.resolve(bytes.subarray(start, end)),
});

/**
 * Reads a whole source into memory.
 *
 * @throws FormatError when the source is larger than `limit` bytes; checked before any allocation.
 */
export async function readAll(source: ByteSource, limit: number): Promise<Uint8Array> {
  if (source.size > limit) {
    throw new FormatError(`${source.name}: ${source.size} bytes, more than the ${limit} allowed`);
  }
  return source.slice(0, source.size);
}

/**
 * Reads a whole source as text: UTF-8 without its byte order mark.
 *
 * @throws FormatError when the source is larger than `limit` bytes, or not UTF-8.
 */
export async function readText(source: ByteSource, limit: number): Promise<string> {
  const bytes = await readAll(source, limit);
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new FormatError(`${source.name}: not UTF-8 text`);
  }
}
