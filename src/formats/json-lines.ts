import type { ByteSource } from './byte-source.ts';
import { FormatError } from './format-error.ts';
import { readJson } from './json.ts';

/** Longest line that is read, in bytes: limits the memory that one row can take. */
export const longestLine = 64 << 20;
const READ_BYTES = 1 << 20;
const NEWLINE = 10;

/** A row of a JSONL file; `line` counts from 1. */
export interface JsonLine {
  readonly line: number;
  readonly value: unknown;
}

export interface JsonLinesOptions {
  /** Most bytes of a line. */
  readonly limit?: number;
  /**
   * Called when the last line was cut while being written. The reader then drops that line instead
   * of refusing the file.
   */
  readonly onCut?: ((where: string) => void) | undefined;
}

/**
 * The rows of a JSONL file, one line in memory at a time. The reader removes a byte order mark and
 * CRLF line ends, and skips blank lines.
 *
 * @throws FormatError naming file and line: not UTF-8, not JSON, or longer than `limit` bytes.
 */
export async function* readJsonLines(
  source: ByteSource,
  { limit = longestLine, onCut }: JsonLinesOptions = {},
): AsyncGenerator<JsonLine> {
  let line = 0;
  for await (const { bytes, ended } of readLines(source, limit)) {
    line++;
    const where = `${source.name} line ${line}`;
    const { text, broken } = decodeLine(bytes, line === 1, !ended, where);
    if (text.trim() === '') continue;
    if (text.includes('\0')) throw new FormatError(`${where}: holds a NUL character`);
    const read = readJson(text);
    if (read.problem === undefined) {
      if (broken) throw new FormatError(`${where}: not UTF-8 text`);
      yield { line, value: read.value };
      continue;
    }
    // Only a last line without a line end can have been cut while being written.
    if (!(read.cut && !ended)) throw new FormatError(`${where}: ${read.problem}`);
    if (!onCut) throw new FormatError(`${where}: ${read.problem}: cut while it was written?`);
    onCut(where);
  }
}

/**
 * Decodes a line. A cut last line may end inside a character: that character is dropped, and
 * `broken` is true.
 */
function decodeLine(
  bytes: Uint8Array,
  first: boolean,
  last: boolean,
  where: string,
): { readonly text: string; readonly broken: boolean } {
  // A new decoder for each line, because only the first line may have a byte order mark.
  const decoder = () => new TextDecoder('utf-8', { fatal: true, ignoreBOM: !first });
  try {
    return { text: decoder().decode(bytes), broken: false };
  } catch {
    // Check below whether the line ends inside its last character.
  }
  try {
    if (last) return { text: decoder().decode(bytes, { stream: true }), broken: true };
  } catch {
    // The line is not UTF-8 before its end either.
  }
  throw new FormatError(`${where}: not UTF-8 text`);
}

/** The bytes of a line, and whether a line end follows them. */
interface Line {
  readonly bytes: Uint8Array;
  readonly ended: boolean;
}

async function* readLines(source: ByteSource, limit: number): AsyncGenerator<Line> {
  let parts: Uint8Array[] = [];
  let held = 0;
  let line = 1;
  const join = (last: Uint8Array): Uint8Array => {
    const whole = new Uint8Array(held + last.length);
    let at = 0;
    for (const part of [...parts, last]) {
      whole.set(part, at);
      at += part.length;
    }
    parts = [];
    held = 0;
    return whole;
  };
  const expectShort = (bytes: number): void => {
    if (bytes > limit) {
      throw new FormatError(`${source.name} line ${line}: longer than the ${limit} bytes allowed`);
    }
  };
  for (let start = 0; start < source.size; start += READ_BYTES) {
    const chunk = await source.slice(start, Math.min(source.size, start + READ_BYTES));
    let from = 0;
    for (;;) {
      const end = chunk.indexOf(NEWLINE, from);
      if (end < 0) break;
      expectShort(held + end - from);
      yield { bytes: join(chunk.subarray(from, end)), ended: true };
      line++;
      from = end + 1;
    }
    if (from < chunk.length) {
      parts.push(chunk.slice(from));
      held += chunk.length - from;
      expectShort(held);
    }
  }
  if (held > 0) yield { bytes: join(new Uint8Array(0)), ended: false };
}
