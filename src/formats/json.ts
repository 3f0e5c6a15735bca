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
 * @throws FormatError with the line where it stops being JSON.
 */
export function parseJson(text: string, where: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    const line = text.slice(0, jsonEnd(text)).split('\n').length;
    throw new FormatError(`${where} line ${line}: not JSON: ${shorten(message)}`);
  }
}

/** What a JSON text may go on with: in a list or an object, `first` has none before it. */
type Expected = 'value' | 'first value' | 'key' | 'first key' | 'colon' | 'comma' | 'end';

/** Where a text stops being JSON: its length where it only ends early. Engines do not all say. */
function jsonEnd(text: string): number {
  const open: ('[' | '{')[] = [];
  const after = (): Expected => (open.length > 0 ? 'comma' : 'end');
  let expected: Expected = 'value';
  let at = 0;
  for (;;) {
    at = matchAt(/[ \t\n\r]*/y, text, at) ?? at;
    const next = text.charAt(at);
    if (next === '') return at;
    const inList = open.at(-1) === '[';
    const wantsValue: boolean = expected === 'value' || expected === 'first value';
    if (wantsValue && (next === '[' || next === '{')) {
      open.push(next);
      expected = next === '[' ? 'first value' : 'first key';
      at++;
    } else if (
      next === (inList ? ']' : '}') &&
      (expected === 'comma' || expected === 'first value' || expected === 'first key')
    ) {
      open.pop();
      expected = after();
      at++;
    } else if (next === ',' && expected === 'comma') {
      expected = inList ? 'value' : 'key';
      at++;
    } else if (next === ':' && expected === 'colon') {
      expected = 'value';
      at++;
    } else if (next === '"' && (wantsValue || expected === 'key' || expected === 'first key')) {
      const { end, whole } = stringEnd(text, at);
      if (!whole) return end;
      expected = wantsValue ? after() : 'colon';
      at = end;
    } else {
      const literal = /true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
      const end = wantsValue ? matchAt(literal, text, at) : undefined;
      if (end === undefined) return at;
      expected = after();
      at = end;
    }
  }
}

/** One past a JSON string that begins at a place, or where it goes wrong. */
function stringEnd(text: string, start: number): { end: number; whole: boolean } {
  for (let at = start + 1; ;) {
    const code = text.charCodeAt(at);
    if (code === 0x22) return { end: at + 1, whole: true };
    if (!(code >= 0x20)) return { end: at, whole: false }; // NaN: the text is over
    const end = code === 0x5c ? matchAt(/\\(?:["\\/bfnrt]|u[\da-fA-F]{4})/y, text, at) : at + 1;
    if (end === undefined) return { end: at, whole: false };
    at = end;
  }
}

/** One past what a sticky pattern matches at a place. */
function matchAt(pattern: RegExp, text: string, at: number): number | undefined {
  pattern.lastIndex = at;
  return pattern.test(text) ? pattern.lastIndex : undefined;
}

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
