import type { ByteSource } from './byte-source.ts';
import { FormatError } from './format-error.ts';
import { parseJson } from './json.ts';

/** Longest line that is read, in bytes: what one row may cost in memory. */
export const longestLine = 64 << 20;
const READ_BYTES = 1 << 20;
const NEWLINE = 10;

/** A row of a JSONL file; `line` counts from 1. */
export interface JsonLine {
  readonly line: number;
  readonly value: unknown;
}

/**
 * The rows of a JSONL file, one line in memory at a time. A byte order mark and CRLF line ends are
 * taken off, blank lines skipped.
 *
 * @throws FormatError naming file and line: not UTF-8, not JSON, or longer than `limit` bytes.
 */
export async function* readJsonLines(
  source: ByteSource,
  limit = longestLine,
): AsyncGenerator<JsonLine> {
  let line = 0;
  for await (const bytes of readLines(source, limit)) {
    line++;
    const where = `${source.name} line ${line}`;
    let text: string;
    try {
      // Each line gets a decoder of its own: a byte order mark is dropped on the first only.
      text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: line > 1 }).decode(bytes);
    } catch {
      throw new FormatError(`${where}: not UTF-8 text`);
    }
    if (text.trim() === '') continue;
    if (text.includes('\0')) throw new FormatError(`${where}: holds a NUL character`);
    yield { line, value: parseLine(text, where) };
  }
}

function parseLine(text: string, where: string): unknown {
  try {
    return parseJson(text, where);
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    // The line of the file is named already; the line inside the line is always 1.
    throw new FormatError(error.message.replace(`${where} line 1:`, `${where}:`));
  }
}

async function* readLines(source: ByteSource, limit: number): AsyncGenerator<Uint8Array> {
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
      yield join(chunk.subarray(from, end));
      line++;
      from = end + 1;
    }
    if (from < chunk.length) {
      parts.push(chunk.slice(from));
      held += chunk.length - from;
      expectShort(held);
    }
  }
  if (held > 0) yield join(new Uint8Array(0));
}
