import { FormatError } from './format-error.ts';

/** Random access to the bytes of something named: a file on disk, a `Blob`, an array. */
export interface ByteSource {
  /** For error messages: a path, usually. */
  readonly name: string;
  readonly size: number;
  /** Bytes [start, end), fewer only where the source ends. */
  slice(start: number, end: number): Promise<Uint8Array>;
}

/** A source over bytes in memory. */
export const bytesSource = (name: string, bytes: Uint8Array): ByteSource => ({
  name,
  size: bytes.length,
  slice: (start, end) => Promise.resolve(bytes.subarray(start, end)),
});

/**
 * A whole source in memory.
 *
 * @throws FormatError when it is larger than `limit` bytes; checked before anything is allocated.
 */
export async function readAll(source: ByteSource, limit: number): Promise<Uint8Array> {
  if (source.size > limit) {
    throw new FormatError(`${source.name}: ${source.size} bytes, more than the ${limit} allowed`);
  }
  return source.slice(0, source.size);
}

/**
 * A whole source as text: UTF-8 without its byte order mark.
 *
 * @throws FormatError when it is too large or not UTF-8.
 */
export async function readText(source: ByteSource, limit: number): Promise<string> {
  const bytes = await readAll(source, limit);
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new FormatError(`${source.name}: not UTF-8 text`);
  }
}
