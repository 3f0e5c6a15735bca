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
 * The rows of a JSONL file, about a mebibyte of lines in memory at a time. The reader removes a byte
 * order mark and CRLF line ends, and skips blank lines.
 *
 * @throws FormatError naming file and line: not UTF-8, not JSON, or longer than `limit` bytes.
 */
export async function* readJsonLines(
  source: ByteSource,
  options: JsonLinesOptions = {},
): AsyncGenerator<JsonLine> {
  for await (const lines of jsonLineBatches(source, options)) yield* lines;
}

/**
 * As `readJsonLines`, many rows at a time: whoever reads a million waits for each batch and not for each
 * row. The rows before a fault come before its error.
 */
export async function* jsonLineBatches(
  source: ByteSource,
  { limit = longestLine, onCut }: JsonLinesOptions = {},
): AsyncGenerator<readonly JsonLine[]> {
  let line = 0;
  const valueOf = ({ bytes, ended }: Line): JsonLine | undefined => {
    line++;
    const where = (): string => `${source.name} line ${line}`;
    const { text, broken } = decodeLine(bytes, line === 1, !ended, where);
    if (text.trim() === '') return undefined;
    if (text.includes('\0')) throw new FormatError(`${where()}: holds a NUL character`);
    const read = readJson(text);
    if (read.problem === undefined) {
      if (broken) throw new FormatError(`${where()}: not UTF-8 text`);
      return { line, value: read.value };
    }
    // Only a last line without a line end can have been cut while being written.
    if (!(read.cut && !ended)) throw new FormatError(`${where()}: ${read.problem}`);
    if (!onCut) throw new FormatError(`${where()}: ${read.problem}: cut while it was written?`);
    onCut(where());
    return undefined;
  };
  for await (const { lines, fault } of readLines(source, limit)) {
    const found: JsonLine[] = [];
    let failed = fault;
    try {
      for (const one of lines) {
        const value = valueOf(one);
        if (value) found.push(value);
      }
    } catch (error) {
      failed = { error };
    }
    if (found.length > 0) yield found;
    if (failed) throw failed.error;
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
  where: () => string,
): { readonly text: string; readonly broken: boolean } {
  try {
    return { text: (first ? decoders.first : decoders.later).decode(bytes), broken: false };
  } catch {
    // Check below whether the line ends inside its last character.
  }
  try {
    if (last) return { text: decoderOf(first).decode(bytes, { stream: true }), broken: true };
  } catch {
    // The line is not UTF-8 before its end either.
  }
  throw new FormatError(`${where()}: not UTF-8 text`);
}

/** Only the first line may have a byte order mark. */
const decoderOf = (first: boolean): TextDecoder =>
  new TextDecoder('utf-8', { fatal: true, ignoreBOM: !first });

/** Decoders of whole lines: each call begins anew. */
const decoders = { first: decoderOf(true), later: decoderOf(false) };

/** The bytes of a line, and whether a line end follows them. */
interface Line {
  readonly bytes: Uint8Array;
  readonly ended: boolean;
}

/** Lines that were read together, and what ended the reading behind them. */
interface Lines {
  readonly lines: readonly Line[];
  readonly fault?: { readonly error: unknown };
}

async function* readLines(source: ByteSource, limit: number): AsyncGenerator<Lines> {
  let parts: Uint8Array[] = [];
  let held = 0;
  let line = 1;
  /** A line of one chunk is a view of it: the chunk is not written again. */
  const join = (last: Uint8Array): Uint8Array => {
    if (held === 0) return last;
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
  const isLong = (bytes: number): boolean => bytes > limit;
  const tooLong = () => ({
    error: new FormatError(`${source.name} line ${line}: longer than the ${limit} bytes allowed`),
  });
  for (let start = 0; start < source.size; start += READ_BYTES) {
    const chunk = await source.slice(start, Math.min(source.size, start + READ_BYTES));
    const lines: Line[] = [];
    let from = 0;
    for (;;) {
      const end = chunk.indexOf(NEWLINE, from);
      if (end < 0) break;
      if (isLong(held + end - from)) {
        yield { lines, fault: tooLong() };
        return;
      }
      lines.push({ bytes: join(chunk.subarray(from, end)), ended: true });
      line++;
      from = end + 1;
    }
    if (from < chunk.length) {
      parts.push(chunk.slice(from));
      held += chunk.length - from;
    }
    if (isLong(held)) {
      yield { lines, fault: tooLong() };
      return;
    }
    if (lines.length > 0) yield { lines };
  }
  if (held > 0) yield { lines: [{ bytes: join(new Uint8Array(0)), ended: false }] };
}
