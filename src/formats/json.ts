import { FormatError } from './format-error.ts';

/** A JSON object out of a file. Its fields are looked up as own properties only. */
export type JsonRecord = Readonly<Record<string, unknown>>;

export const isRecord = (value: unknown): value is JsonRecord =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** A field of a record, undefined where it has none. Never something inherited. */
export const fieldOf = (record: JsonRecord, name: string): unknown =>
  Object.hasOwn(record, name) ? record[name] : undefined;

/**
 * A JSON text.
 *
 * @param where What the text is, for the message.
 * @throws FormatError with the line, where the engine says where it stopped.
 */
export function parseJson(text: string, where: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    const position = /position (\d+)/.exec(message)?.[1];
    const end = position === undefined ? endsEarly(message) && text.length : Number(position);
    const line = end === false ? '' : ` line ${text.slice(0, end).split('\n').length}`;
    throw new FormatError(`${where}${line}: not JSON: ${shorten(message)}`);
  }
}

const endsEarly = (message: string): boolean =>
  /end of (JSON input|data)|unterminated/i.test(message);

/** Text from a file inside a message: short, on one line. */
export function shorten(text: string): string {
  const line = text.replace(/\s+/g, ' ');
  return line.length > 120 ? `${line.slice(0, 117)}...` : line;
}

/** What a JSON value is, for a message. */
export function kindOf(value: unknown): string {
  if (value === undefined) return 'missing';
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'an array';
  if (typeof value === 'string') return `the string ${JSON.stringify(shorten(value))}`;
  if (typeof value === 'object') return 'an object';
  if (typeof value === 'number') return numberText(value);
  return typeof value === 'boolean' ? String(value) : `a ${typeof value}`;
}

const numberText = (value: number): string =>
  Number.isFinite(value) ? `the number ${value}` : 'a number too large for float64';

/**
 * Text that can be written as UTF-8 again, and compared with other files.
 *
 * @throws FormatError when the value is no string, or holds a NUL or half of a surrogate pair.
 */
export function textOf(value: unknown, where: string): string {
  if (typeof value !== 'string')
    throw new FormatError(`${where} must be text, is ${kindOf(value)}`);
  if (value.includes('\0')) throw new FormatError(`${where} holds a NUL character`);
  if (/\p{Surrogate}/u.test(value)) throw new FormatError(`${where} holds half a surrogate pair`);
  return value;
}

/** @throws FormatError unless the value is a finite number; a parquet integer may be a bigint. */
export function finiteOf(value: unknown, where: string): number {
  const number = typeof value === 'bigint' ? Number(value) : value;
  if (typeof number !== 'number' || !Number.isFinite(number)) {
    throw new FormatError(`${where} must be a finite number, is ${kindOf(value)}`);
  }
  return number;
}

/** @throws FormatError unless the value is a whole number from 0 to 2^31. */
export function countOf(value: unknown, where: string): number {
  const number = finiteOf(value, where);
  if (!(Number.isInteger(number) && number >= 0 && number <= 0x8000_0000)) {
    throw new FormatError(`${where} must be a whole number from 0, is ${kindOf(value)}`);
  }
  return number;
}
