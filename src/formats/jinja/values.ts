import { space } from './lexer.ts';

/** An error of a running template; its message is Python's if known. */
export class TemplateError extends Error {
  override readonly name = 'TemplateError';
}

/**
 * A value of a template, with Python's types: an int is a JavaScript number, a float is a `Float`.
 */
export type Value =
  | null
  | boolean
  | number
  | string
  | Float
  | Value[]
  | Tuple
  | Dict
  | Lazy
  | Undefined
  | Callable
  | Members;

/** A Python float. */
export class Float {
  readonly value: number;

  constructor(value: number) {
    this.value = value;
  }
}

/** An immutable list. */
export class Tuple {
  readonly items: readonly Value[];

  constructor(items: readonly Value[]) {
    this.items = items;
  }
}

/** A mapping in order of insertion, with any key that Python can hash. */
export class Dict {
  readonly #entries = new Map<string, readonly [Value, Value]>();

  constructor(entries: Iterable<readonly [Value, Value]> = []) {
    for (const [key, value] of entries) this.set(key, value);
  }

  get size(): number {
    return this.#entries.size;
  }

  get(key: Value): Value | undefined {
    return this.#entries.get(hashed(key))?.[1];
  }

  has(key: Value): boolean {
    return this.#entries.has(hashed(key));
  }

  set(key: Value, value: Value): void {
    const hash = hashed(key);
    this.#entries.set(hash, [this.#entries.get(hash)?.[0] ?? key, value]);
  }

  keys(): Value[] {
    return Array.from(this.#entries.values(), ([key]) => key);
  }

  values(): Value[] {
    return Array.from(this.#entries.values(), ([, value]) => value);
  }

  entries(): (readonly [Value, Value])[] {
    return [...this.#entries.values()];
  }
}

/** A text that is equal for equal keys; 1, 1.0 and true are the same key. */
function hashed(key: Value): string {
  const number = numberOf(key);
  if (number !== undefined) return `n${number}`;
  if (typeof key === 'string') return `s${key}`;
  if (key === null) return 'none';
  if (key instanceof Tuple) {
    const parts = key.items.map(hashed);
    expectLength(parts.reduce((sum, part) => sum + part.length, 0));
    return `t${JSON.stringify(parts)}`;
  }
  throw new TemplateError(`unhashable type: '${typeName(key)}'`);
}

/** The result of a filter such as `map`: readable once, always true, and without a length. */
export class Lazy {
  #items: readonly Value[];

  constructor(items: readonly Value[]) {
    this.#items = items;
  }

  /** Returns up to `count` remaining items and removes them. */
  take(count = Infinity): readonly Value[] {
    const taken = this.#items.slice(0, count);
    this.#items = this.#items.slice(taken.length);
    return taken;
  }
}

/**
 * The value of a missing name, field or item: empty when read as a text, a list or a truth value.
 */
export class Undefined {
  /** The error message for a use of the value. */
  readonly why: string;

  constructor(why: string) {
    this.why = why;
  }

  fail(): never {
    throw new TemplateError(this.why);
  }
}

/** The found value, which may be `none`; if nothing was found, an `Undefined` with the reason. */
export const placed = (found: Value | undefined, why: string): Value =>
  found === undefined ? new Undefined(why) : found;

/** Arguments of a call. */
export interface Given {
  readonly positional: readonly Value[];
  readonly named: ReadonlyMap<string, Value>;
}

/** A callable value: a function, a method, a macro. */
export class Callable {
  readonly name: string;
  readonly call: (given: Given) => Value;
  /** Fields of a macro. */
  readonly fields: ReadonlyMap<string, Value>;

  constructor(
    name: string,
    call: (given: Given) => Value,
    fields: ReadonlyMap<string, Value> = new Map(),
  ) {
    this.name = name;
    this.call = call;
    this.fields = fields;
  }
}

/** An object with fields: a namespace, or the `loop` of a loop. */
export class Members {
  readonly kind: 'Namespace' | 'LoopContext' | 'Cycler' | 'Joiner';
  readonly fields: Map<string, Value>;
  /** The function that a call of the object runs. */
  readonly call: ((given: Given) => Value) | undefined;

  constructor(
    kind: Members['kind'],
    fields: Iterable<readonly [string, Value]> = [],
    call?: (given: Given) => Value,
  ) {
    this.kind = kind;
    this.fields = new Map(fields);
    this.call = call;
  }
}

/** Longest text and longest list that a template may make. */
const longest = 2 ** 24;

/** @throws TemplateError when a text or a list would be too long. */
export function expectLength(length: number): void {
  if (length > longest) throw new TemplateError(`${length} are more than the ${longest} allowed`);
}

/** The number of a value, booleans included; undefined for other values. */
export function numberOf(value: Value): number | undefined {
  if (typeof value === 'number') return value;
  if (typeof value === 'boolean') return Number(value);
  return value instanceof Float ? value.value : undefined;
}

/** The whole number of an index or a count. */
export function wholeOf(value: Value, what: string): number {
  if (typeof value === 'number') return value;
  if (typeof value === 'boolean') return Number(value);
  if (value instanceof Undefined) value.fail();
  throw new TemplateError(`${what} must be a whole number, is ${typeName(value)}`);
}

/** A whole number as a value; it must be exact. */
export function integer(value: number): number {
  if (!Number.isSafeInteger(value)) throw new TemplateError('a whole number is too large');
  return value === 0 ? 0 : value;
}

/** Python's name of a value's type. */
export function typeName(value: Value): string {
  if (value === null) return 'NoneType';
  if (typeof value === 'boolean') return 'bool';
  if (typeof value === 'number') return 'int';
  if (typeof value === 'string') return 'str';
  if (Array.isArray(value)) return 'list';
  if (value instanceof Float) return 'float';
  if (value instanceof Tuple) return 'tuple';
  if (value instanceof Dict) return 'dict';
  if (value instanceof Lazy) return 'generator';
  if (value instanceof Undefined) return 'Undefined';
  return value instanceof Callable ? 'function' : value.kind;
}

/** Whether Python treats a value as true. */
export function isTrue(value: Value): boolean {
  if (value === null || value instanceof Undefined) return false;
  if (typeof value === 'string' || Array.isArray(value)) return value.length > 0;
  if (value instanceof Tuple) return value.items.length > 0;
  if (value instanceof Dict) return value.size > 0;
  return numberOf(value) !== 0;
}

/** The characters of a text: Python counts code points. */
export const characters = (text: string): string[] => Array.from(text);

/** The items of an iterable value. */
export function itemsOf(value: Value): readonly Value[] {
  if (Array.isArray(value)) return value;
  if (typeof value === 'string') return characters(value);
  if (value instanceof Tuple) return value.items;
  if (value instanceof Dict) return value.keys();
  if (value instanceof Lazy) return value.take();
  if (value instanceof Undefined) return [];
  throw new TemplateError(`'${typeName(value)}' object is not iterable`);
}

/** The number of items of a value. */
export function lengthOf(value: Value): number {
  if (typeof value === 'string') return characters(value).length;
  if (Array.isArray(value)) return value.length;
  if (value instanceof Tuple) return value.items.length;
  if (value instanceof Dict) return value.size;
  if (value instanceof Undefined) return 0;
  throw new TemplateError(`object of type '${typeName(value)}' has no len()`);
}

/** Whether two values are equal, as Python compares them. */
export function equal(a: Value, b: Value): boolean {
  const [x, y] = [numberOf(a), numberOf(b)];
  if (x !== undefined || y !== undefined) return x === y;
  if (Array.isArray(a)) return Array.isArray(b) && equalItems(a, b);
  if (a instanceof Tuple) return b instanceof Tuple && equalItems(a.items, b.items);
  if (a instanceof Dict) {
    if (!(b instanceof Dict) || a.size !== b.size) return false;
    return a.entries().every(([key, value]) => {
      const other = b.get(key);
      return other !== undefined && equal(value, other);
    });
  }
  return a instanceof Undefined ? b instanceof Undefined : a === b;
}

const equalItems = (a: readonly Value[], b: readonly Value[]): boolean =>
  a.length === b.length && a.every((item, i) => equal(item, b[i] ?? null));

/**
 * Negative if `a` comes before `b`. @throws TemplateError for values that Python does not order.
 */
export function order(a: Value, b: Value, operator = '<'): number {
  const [x, y] = [numberOf(a), numberOf(b)];
  if (x !== undefined && y !== undefined) return x < y ? -1 : Number(x > y);
  if (typeof a === 'string' && typeof b === 'string') return orderText(a, b);
  const [left, right] = [sequence(a), sequence(b)];
  if (left && right && Array.isArray(a) === Array.isArray(b)) {
    for (const [i, item] of left.entries()) {
      const other = right[i];
      if (other === undefined) break;
      if (!equal(item, other)) return order(item, other, operator);
    }
    return left.length - right.length;
  }
  if (a instanceof Undefined) a.fail();
  if (b instanceof Undefined) b.fail();
  throw new TemplateError(
    `'${operator}' not supported between instances of '${typeName(a)}' and '${typeName(b)}'`,
  );
}

/** Compares by code points; JavaScript compares UTF-16 units. */
function orderText(a: string, b: string): number {
  const [left, right] = [characters(a), characters(b)];
  for (const [i, one] of left.entries()) {
    const difference = (one.codePointAt(0) ?? 0) - (right[i]?.codePointAt(0) ?? -1);
    if (difference !== 0) return difference;
  }
  return left.length - right.length;
}

/** The items of a list or a tuple; undefined for other values. */
export function sequence(value: Value): readonly Value[] | undefined {
  if (Array.isArray(value)) return value;
  return value instanceof Tuple ? value.items : undefined;
}

/** Whether a container holds a value: Python's `in`. */
export function contains(container: Value, value: Value): boolean {
  if (typeof container === 'string') {
    if (typeof value === 'string') return container.includes(value);
    if (value instanceof Undefined) value.fail();
    throw new TemplateError(
      `'in <string>' requires string as left operand, not ${typeName(value)}`,
    );
  }
  if (container instanceof Dict) return container.has(value);
  if (container === null || numberOf(container) !== undefined) {
    throw new TemplateError(`argument of type '${typeName(container)}' is not iterable`);
  }
  return itemsOf(container).some((item) => equal(item, value));
}

/** A value as text, as `{{ … }}` prints it. */
export function text(value: Value): string {
  if (typeof value === 'string') return value;
  return value instanceof Undefined ? '' : repr(value);
}

/** Python's `repr` of a value: the form inside other values. */
export function repr(value: Value): string {
  if (value === null) return 'None';
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  if (typeof value === 'number') return String(value);
  if (typeof value === 'string') return quoted(value);
  if (value instanceof Float) return floatText(value.value);
  const shown = reprOfMany(value);
  // Checked at every depth: nested repetitions of one value are short in memory but long as text.
  expectLength(shown.length);
  return shown;
}

function reprOfMany(value: Exclude<Value, string | number | boolean | null | Float>): string {
  if (Array.isArray(value)) return `[${joinedReprs(value)}]`;
  if (value instanceof Tuple) {
    return `(${joinedReprs(value.items)}${value.items.length === 1 ? ',' : ''})`;
  }
  if (value instanceof Dict) {
    const members = value.entries().map(([key, one]) => `${repr(key)}: ${repr(one)}`);
    return `{${members.join(', ')}}`;
  }
  if (value instanceof Undefined) return 'Undefined';
  if (value instanceof Members && value.kind === 'Namespace') {
    return `<Namespace ${repr(new Dict(value.fields))}>`;
  }
  return value instanceof Callable ? `<function ${value.name}>` : `<${typeName(value)} object>`;
}

const joinedReprs = (items: readonly Value[]): string => items.map(repr).join(', ');

const shownAs: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };

/** A text in quotes: single quotes, unless the text contains single quotes and no double ones. */
function quoted(value: string): string {
  const quote = value.includes("'") && !value.includes('"') ? '"' : "'";
  const inner = value.replace(/[\\'"\p{C}\p{Zl}\p{Zp}\p{Zs}]/gu, (one) => {
    if (one === ' ' || ((one === "'" || one === '"') && one !== quote)) return one;
    if (one === '\\' || one === quote) return `\\${one}`;
    const known = shownAs[one];
    if (known !== undefined) return known;
    const code = one.codePointAt(0) ?? 0;
    if (code <= 0xff) return `\\x${code.toString(16).padStart(2, '0')}`;
    if (code <= 0xffff) return `\\u${code.toString(16).padStart(4, '0')}`;
    return `\\U${code.toString(16).padStart(8, '0')}`;
  });
  return quote + inner + quote;
}

/** A float as Python writes it: the shortest exact digits, with a point or an exponent. */
export function floatText(value: number): string {
  if (Number.isNaN(value)) return 'nan';
  if (!Number.isFinite(value)) return value > 0 ? 'inf' : '-inf';
  if (value === 0) return Object.is(value, -0) ? '-0.0' : '0.0';
  const [mantissa = '', power = '0'] = value.toExponential().split('e');
  const exponent = Number(power);
  if (exponent < -4 || exponent >= 16) {
    return `${mantissa}e${exponent < 0 ? '-' : '+'}${String(Math.abs(exponent)).padStart(2, '0')}`;
  }
  const digits = mantissa.replace(/[-.]/g, '');
  const sign = value < 0 ? '-' : '';
  if (exponent < 0) return `${sign}0.${'0'.repeat(-exponent - 1)}${digits}`;
  const whole = digits.slice(0, exponent + 1).padEnd(exponent + 1, '0');
  return `${sign}${whole}.${digits.slice(exponent + 1) || '0'}`;
}

const deepestData = 100;

/** Converts a caller's data to a value of the template. */
export function valueOf(data: unknown, depth = 0): Value {
  if (depth > deepestData) throw new TemplateError('data lie too deep in each other');
  if (data === undefined || data === null) return null;
  if (typeof data === 'boolean' || typeof data === 'string') return data;
  if (typeof data === 'number') return Number.isInteger(data) ? data : new Float(data);
  if (typeof data === 'bigint') return integer(Number(data));
  if (Array.isArray(data)) return data.map((item: unknown) => valueOf(item, depth + 1));
  if (typeof data === 'object') {
    return new Dict(
      Object.entries(data).map(([key, value]) => [key, valueOf(value, depth + 1)] as const),
    );
  }
  throw new TemplateError(`a ${typeof data} is no data`);
}

const spaces = new RegExp(`[${space}]`);

/** A text without the characters of `set`, or white space, at its ends. */
export function stripped(value: string, set: string | undefined, ends: 'both' | 'left' | 'right') {
  const all = set === undefined ? undefined : new Set(characters(set));
  const goes = (one: string | undefined): boolean =>
    one !== undefined && (all ? all.has(one) : spaces.test(one));
  const list = characters(value);
  let [start, end] = [0, list.length];
  if (ends !== 'right') while (start < end && goes(list[start])) start++;
  if (ends !== 'left') while (end > start && goes(list[end - 1])) end--;
  return list.slice(start, end).join('');
}

/** Options of `json.dumps`. */
export interface JsonOptions {
  readonly ascii: boolean;
  readonly indent: string | undefined;
  readonly separators: readonly [string, string];
  readonly sortKeys: boolean;
}

/** A value as Python's `json.dumps` writes it. */
export function jsonOf(value: Value, options: JsonOptions, depth = 0): string {
  if (value === null) return 'null';
  if (typeof value === 'boolean' || typeof value === 'number') return String(value);
  if (typeof value === 'string') return jsonText(value, options.ascii);
  if (value instanceof Float) {
    const named: Readonly<Record<string, string>> = {
      inf: 'Infinity',
      '-inf': '-Infinity',
      nan: 'NaN',
    };
    const written = floatText(value.value);
    return named[written] ?? written;
  }
  const [comma, colon] = options.separators;
  const pad = (deep: number): string =>
    options.indent === undefined ? '' : `\n${options.indent.repeat(deep)}`;
  const wrap = (open: string, members: readonly string[], close: string): string => {
    if (members.length === 0) return open + close;
    const joined = members.join(comma + pad(depth + 1));
    expectLength(joined.length);
    return open + pad(depth + 1) + joined + pad(depth) + close;
  };
  const items = sequence(value);
  if (items)
    return wrap(
      '[',
      items.map((item) => jsonOf(item, options, depth + 1)),
      ']',
    );
  if (value instanceof Dict) {
    const entries = value.entries();
    if (options.sortKeys) entries.sort(([a], [b]) => order(a, b));
    const members = entries.map(([key, item]) => {
      const name = typeof key === 'string' ? key : jsonOf(key, options);
      return jsonText(name, options.ascii) + colon + jsonOf(item, options, depth + 1);
    });
    return wrap('{', members, '}');
  }
  throw new TemplateError(`Object of type ${typeName(value)} is not JSON serializable`);
}

const jsonText = (value: string, ascii: boolean): string => {
  const written = JSON.stringify(value).replace(/\\u[\da-f]{4}/g, (one) => {
    // JSON.stringify escapes lone surrogates; Python does so only when it writes ASCII.
    const code = Number.parseInt(one.slice(2), 16);
    return code >= 0xd800 && !ascii ? String.fromCharCode(code) : one;
  });
  if (!ascii) return written;
  return written.replace(
    /[\x7f-\uffff]/g,
    (one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
};
