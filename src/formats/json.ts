import { FormatError } from './format-error.ts';

/** A JSON object from a file. Its fields are looked up as own properties only. */
export type JsonRecord = Readonly<Record<string, unknown>>;

/** A value that JSON can hold. */
export type JsonValue =
  null | boolean | number | string | readonly JsonValue[] | { readonly [name: string]: JsonValue };

export const isRecord = (value: unknown): value is JsonRecord =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** A JSON value as the text of a file that people read. */
export const jsonText = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;

/** An own field of a record, never an inherited one; undefined if the record has none. */
export const fieldOf = (record: JsonRecord, name: string): unknown =>
  Object.hasOwn(record, name) ? record[name] : undefined;

/**
 * Parses a JSON text. Python's `NaN`, `Infinity` and `-Infinity` are numbers here too.
 *
 * @param where Name of the text, for the message.
 * @throws FormatError with the line where the text stops being JSON.
 */
export function parseJson(text: string, where: string): unknown {
  const read = readJson(text);
  if (read.problem === undefined) return read.value;
  throw new FormatError(`${where} line ${read.line}: ${read.problem}`);
}

/**
 * Parses one line of a file of JSON lines, as `parseJson`.
 *
 * @param where Name of the file and number of the line, for the message.
 * @throws FormatError with the reason.
 */
export function parseJsonLine(line: string, where: string): unknown {
  const read = readJson(line);
  if (read.problem === undefined) return read.value;
  throw new FormatError(`${where}: ${read.problem}`);
}

/** The result of reading a JSON text. */
export type JsonRead =
  | { readonly value: unknown; readonly problem?: undefined }
  | {
      readonly problem: string;
      /** Line of the text where it stops being JSON, from 1. */
      readonly line: number;
      /** Whether the only problem is that the text ends too early. */
      readonly cut: boolean;
      /** The complete elements of a cut list; undefined for other texts. */
      readonly whole: readonly unknown[] | undefined;
    };

/** As `parseJson`, but returns the problem of an invalid text instead of throwing. */
export function readJson(text: string): JsonRead {
  try {
    return { value: JSON.parse(text) as unknown };
  } catch {
    return readPythonJson(text);
  }
}

/** What the grammar allows next; `first` means that the list or object is still empty. */
type Expected = 'value' | 'first value' | 'key' | 'first key' | 'colon' | 'comma' | 'end';

const due: Readonly<Record<Expected, string>> = {
  value: 'a value',
  'first value': "a value or ']'",
  key: 'a name in double quotes',
  'first key': "a name in double quotes or '}'",
  colon: "':'",
  comma: "',' or a closing bracket",
  end: 'the end',
};

/** Sets a field. The name `__proto__` must be defined: an assignment would set the prototype. */
function put(record: Record<string, unknown>, key: string, value: unknown): void {
  if (key !== '__proto__') record[key] = value;
  else {
    const own = { value, writable: true, enumerable: true, configurable: true };
    Object.defineProperty(record, key, own);
  }
}

const literals: ReadonlyMap<string, unknown> = new Map<string, unknown>([
  ['true', true],
  ['false', false],
  ['null', null],
  ['NaN', NaN],
  ['Infinity', Infinity],
  ['-Infinity', -Infinity],
]);

/**
 * Parses JSON as Python writes it, without recursion. Not every engine tells where a text stops
 * being JSON, so this parser reads again every text that `JSON.parse` refuses.
 */
function readPythonJson(text: string): JsonRead {
  const open: (unknown[] | Record<string, unknown>)[] = [];
  const keys: string[] = [];
  let root: unknown;
  let expected: Expected = 'value';
  let at = 0;
  const after = (): Expected => (open.length > 0 ? 'comma' : 'end');
  const take = (value: unknown): void => {
    const holder = open.at(-1);
    if (holder === undefined) root = value;
    else if (Array.isArray(holder)) holder.push(value);
    else put(holder, keys.at(-1) ?? '', value);
  };
  const fail = (place: number): JsonRead => {
    const cut = place >= text.length;
    const character = String.fromCodePoint(text.codePointAt(place) ?? 0);
    const shown = JSON.stringify(character);
    return {
      problem: cut
        ? `not JSON: ends where ${due[expected]} is due`
        : `not JSON: ${shown} where ${due[expected]} is due`,
      line: lineAt(text, place),
      cut,
      // If something inside the list is still open, the list's last element is incomplete.
      whole:
        cut && Array.isArray(root) ? root.slice(0, open.length > 1 ? -1 : undefined) : undefined,
    };
  };
  for (;;) {
    at = matchAt(/[ \t\n\r]*/y, text, at) ?? at;
    const next = text.charAt(at);
    if (next === '') return expected === 'end' ? { value: root } : fail(at);
    const inList = Array.isArray(open.at(-1));
    const wantsValue: boolean = expected === 'value' || expected === 'first value';
    if (wantsValue && (next === '[' || next === '{')) {
      const holder = next === '[' ? [] : {};
      take(holder);
      open.push(holder);
      keys.push('');
      expected = next === '[' ? 'first value' : 'first key';
      at++;
    } else if (
      open.length > 0 &&
      next === (inList ? ']' : '}') &&
      (expected === 'comma' || expected === 'first value' || expected === 'first key')
    ) {
      open.pop();
      keys.pop();
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
      if (!whole) return fail(end);
      const string = JSON.parse(text.slice(at, end)) as string;
      if (wantsValue) {
        take(string);
        expected = after();
      } else {
        keys[keys.length - 1] = string;
        expected = 'colon';
      }
      at = end;
    } else {
      if (!wantsValue) return fail(at);
      const word = /true|false|null|NaN|-?Infinity/y;
      const number = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
      const end = matchAt(word, text, at) ?? matchAt(number, text, at);
      if (end === undefined) {
        // A literal that the end of the text cuts short counts as a cut text, not as a bad literal.
        const rest = text.slice(at, at + 10);
        const isCut = [...literals.keys(), '-'].some((name) => name.startsWith(rest));
        return fail(isCut && at + rest.length === text.length ? text.length : at);
      }
      const name = text.slice(at, end);
      take(literals.has(name) ? literals.get(name) : Number(name));
      expected = after();
      at = end;
    }
  }
}

function lineAt(text: string, place: number): number {
  let line = 1;
  for (let at = text.indexOf('\n'); at >= 0 && at < place; at = text.indexOf('\n', at + 1)) line++;
  return line;
}

/** Index after a JSON string that begins at `start`, or the place of its error. */
function stringEnd(text: string, start: number): { end: number; whole: boolean } {
  for (let at = start + 1; ;) {
    const code = text.charCodeAt(at);
    if (code === 0x22) return { end: at + 1, whole: true };
    if (!(code >= 0x20)) return { end: at, whole: false }; // NaN: the end of the text
    const end = code === 0x5c ? matchAt(/\\(?:["\\/bfnrt]|u[\da-fA-F]{4})/y, text, at) : at + 1;
    if (end === undefined) {
      // An escape that the end of the text cuts short counts as a cut text, not as a bad escape.
      const isCut = /^\\(?:u[\da-fA-F]{0,3})?$/.test(text.slice(at, at + 6));
      return { end: isCut && at + 6 > text.length ? text.length : at, whole: false };
    }
    at = end;
  }
}

/** Index after the match of a sticky pattern at a place. */
function matchAt(pattern: RegExp, text: string, at: number): number | undefined {
  pattern.lastIndex = at;
  return pattern.test(text) ? pattern.lastIndex : undefined;
}

/** Deepest value that is written again; Python writes nothing deeper. */
const deepestValue = 1000;

/**
 * A value from a file as text; equal values give equal texts.
 *
 * @throws FormatError when the value is so deep that writing it would exhaust the stack.
 */
export function jsonOf(value: unknown, where: string): string {
  if (value === undefined) return '';
  let level: unknown[] = [value];
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > deepestValue) throw new FormatError(`${where} is nested too deeply`);
    level = level.flatMap((item) =>
      typeof item === 'object' && item !== null ? (Object.values(item) as unknown[]) : [],
    );
  }
  return JSON.stringify(value, (_, item: unknown) =>
    typeof item === 'bigint' ? Number(item) : item,
  );
}

/** A text from a file, shortened to one line for a message. */
export function shorten(text: string): string {
  const line = text.replace(/\s+/g, ' ');
  return line.length > 120 ? `${line.slice(0, 117)}...` : line;
}

/** The kind of a JSON value, for a message. */
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
  Number.isFinite(value) ? `the number ${value}` : String(value);

/**
 * A text that can be written as UTF-8 and compared with texts of other files.
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
    throw new FormatError(
      `${where} must be a whole number from 0 to 2147483648, is ${kindOf(value)}`,
    );
  }
  return number;
}
