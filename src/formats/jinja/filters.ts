import { bind, optionalText } from './arguments.ts';
import { percentFormat } from './format.ts';
import { space } from './lexer.ts';
import { capitalized, linesOf, replaced } from './methods.ts';
import {
  characters,
  Dict,
  equal,
  expectLength,
  Float,
  type Given,
  integer,
  isTrue,
  itemsOf,
  jsonOf,
  Lazy,
  lengthOf,
  numberOf,
  order,
  placed,
  repr,
  sequence,
  stripped,
  TemplateError,
  text,
  Tuple,
  Undefined,
  type Value,
  wholeOf,
} from './values.ts';

/** The calls of filters into the template that runs them. */
export interface Host {
  /** `of[key]`: an item first, else a method or a field. */
  readonly item: (of: Value, key: Value) => Value;
  /** A method or a field, never an item. */
  readonly field: (of: Value, name: string) => Value;
  readonly filter: (name: string, of: Value, given: Given) => Value;
  readonly test: (name: string, of: Value, given: Given) => boolean;
  readonly add: (a: Value, b: Value) => Value;
}

type Filter = (of: Value, given: Given, host: Host) => Value;

const smallLetters = (value: Value): Value =>
  typeof value === 'string' ? value.toLowerCase() : value;

/** A function that reads a dotted attribute, such as `function.name`, or an item by its number. */
function getter(attribute: Value | undefined, host: Host, fallback?: Value): (of: Value) => Value {
  if (attribute === undefined || attribute === null) return (of) => of;
  const path: Value[] =
    typeof attribute === 'string'
      ? attribute.split('.').map((one) => (/^\d+$/.test(one) ? Number(one) : one))
      : [attribute];
  return (of) => {
    let found = of;
    for (const key of path) {
      found = host.item(found, key);
      if (found instanceof Undefined && fallback !== undefined) found = fallback;
    }
    return found;
  };
}

/** Sorts by keys; items with equal keys keep their order. */
function sorted(items: readonly Value[], keyOf: (item: Value) => Value, reverse = false): Value[] {
  const keyed = items.map((item) => ({ item, key: keyOf(item) }));
  keyed.sort((a, b) => (reverse ? order(b.key, a.key) : order(a.key, b.key)));
  return keyed.map(({ item }) => item);
}

function sort(of: Value, given: Given, host: Host): Value {
  const options = bind('sort', given, ['reverse', 'case_sensitive', 'attribute']);
  const { attribute } = options;
  const fields =
    typeof attribute === 'string'
      ? attribute.split(',').map((one) => getter(one, host))
      : [getter(attribute, host)];
  const fold = isTrue(options.case_sensitive ?? false) ? (one: Value) => one : smallLetters;
  const keyOf = (item: Value): Value => {
    const keys = fields.map((field) => fold(field(item)));
    return keys.length === 1 ? (keys[0] ?? null) : keys;
  };
  return sorted(itemsOf(of), keyOf, isTrue(options.reverse ?? false));
}

/** `min` and `max`. */
function extreme(name: string, sign: number): Filter {
  return (of, given, host) => {
    const options = bind(name, given, ['case_sensitive', 'attribute']);
    const field = getter(options.attribute, host);
    const fold = isTrue(options.case_sensitive ?? false) ? (one: Value) => one : smallLetters;
    let best: { item: Value; key: Value } | undefined;
    for (const item of itemsOf(of)) {
      const key = fold(field(item));
      if (!best || order(key, best.key) * sign > 0) best = { item, key };
    }
    return best ? best.item : new Undefined('No aggregated item, sequence was empty.');
  };
}

/** `select`, `reject`, `selectattr` and `rejectattr`. */
function choose(name: string, byAttribute: boolean, wanted: boolean): Filter {
  return (of, { positional, named }, host) => {
    const rest = [...positional];
    let field = (item: Value): Value => item;
    if (byAttribute) {
      const attribute = rest.shift();
      if (attribute === undefined) throw new TemplateError(`${name} needs an attribute`);
      field = getter(attribute, host);
    }
    const test = rest.shift();
    const holds = (item: Value): boolean => {
      const value = field(item);
      return test === undefined
        ? isTrue(value)
        : host.test(text(test), value, { positional: rest, named });
    };
    return new Lazy(itemsOf(of).filter((item) => holds(item) === wanted));
  };
}

function map(of: Value, given: Given, host: Host): Value {
  const items = itemsOf(of);
  if (given.positional.length === 0) {
    const { attribute, default: fallback } = bind('map', given, ['attribute', 'default']);
    if (attribute === undefined) throw new TemplateError('map requires a filter argument');
    return new Lazy(items.map(getter(attribute, host, fallback)));
  }
  const [name = '', ...positional] = given.positional;
  const rest = { positional, named: given.named };
  return new Lazy(items.map((item) => host.filter(text(name), item, rest)));
}

function groupby(of: Value, given: Given, host: Host): Value {
  const options = bind('groupby', given, ['attribute', 'default', 'case_sensitive']);
  const field = getter(options.attribute, host, options.default);
  const fold = isTrue(options.case_sensitive ?? false) ? (one: Value) => one : smallLetters;
  const groups: { key: Value; shown: Value; items: Value[] }[] = [];
  for (const item of sorted(itemsOf(of), (one) => fold(field(one)))) {
    const key = fold(field(item));
    const last = groups.at(-1);
    if (last && equal(last.key, key)) last.items.push(item);
    else groups.push({ key, shown: field(item), items: [item] });
  }
  return groups.map(({ shown, items }) => new Group(shown, items));
}

/** An element of `groupby`'s result: a pair whose parts also have names. */
export class Group extends Tuple {
  get grouper(): Value {
    return this.items[0] ?? null;
  }

  get list(): Value {
    return this.items[1] ?? null;
  }

  constructor(grouper: Value, list: Value[]) {
    super([grouper, list]);
  }
}

function unique(of: Value, given: Given, host: Host): Value {
  const options = bind('unique', given, ['case_sensitive', 'attribute']);
  const field = getter(options.attribute, host);
  const fold = isTrue(options.case_sensitive ?? false) ? (one: Value) => one : smallLetters;
  const seen = new Dict();
  return new Lazy(
    itemsOf(of).filter((item) => {
      const key = fold(field(item));
      if (seen.has(key)) return false;
      seen.set(key, true);
      return true;
    }),
  );
}

function join(of: Value, given: Given, host: Host): string {
  const { d = '', attribute } = bind('join', given, ['d', 'attribute']);
  const parts = itemsOf(of).map((item) => text(getter(attribute, host)(item)));
  const separator = text(d);
  expectLength(parts.reduce((sum, one) => sum + one.length + separator.length, 0));
  return parts.join(separator);
}

function dictsort(of: Value, given: Given): Value {
  const options = bind('dictsort', given, ['case_sensitive', 'by', 'reverse']);
  const by = options.by ?? 'key';
  if (by !== 'key' && by !== 'value') {
    throw new TemplateError('You can only sort by either "key" or "value"');
  }
  if (!(of instanceof Dict)) throw new TemplateError('dictsort takes a mapping');
  const fold = isTrue(options.case_sensitive ?? false) ? (one: Value) => one : smallLetters;
  const entries = of.entries().map((entry) => new Tuple(entry));
  const keyOf = (entry: Value): Value => fold((entry as Tuple).items[by === 'key' ? 0 : 1] ?? null);
  return sorted(entries, keyOf, isTrue(options.reverse ?? false));
}

/** `json.dumps` as transformers gives it to templates: without HTML escapes. */
function tojson(of: Value, given: Given): string {
  const options = bind('tojson', given, ['ensure_ascii', 'indent', 'separators', 'sort_keys']);
  const { indent: asked = null } = options;
  let indent: string | undefined;
  if (typeof asked === 'string') indent = asked;
  else if (asked !== null)
    indent = ' '.repeat(Math.max(0, Math.min(100, wholeOf(asked, 'indent'))));
  const given2 = options.separators === undefined ? undefined : sequence(options.separators);
  const separators = given2
    ? ([text(given2[0] ?? null), text(given2[1] ?? null)] as const)
    : ([indent === undefined ? ', ' : ',', ': '] as const);
  const written = jsonOf(of, {
    ascii: isTrue(options.ensure_ascii ?? false),
    indent,
    separators,
    sortKeys: isTrue(options.sort_keys ?? false),
  });
  expectLength(written.length);
  return written;
}

function indent(of: Value, given: Given): string {
  const options = bind('indent', given, ['width', 'first', 'blank']);
  const { width = 4 } = options;
  const margin =
    typeof width === 'string'
      ? width
      : ' '.repeat(Math.max(0, Math.min(10_000, wholeOf(width, 'width'))));
  const whole = `${text(of)}\n`;
  const lines = linesOf(whole);
  expectLength(whole.length + lines.length * margin.length);
  const [first = '', ...rest] = lines;
  const blank = isTrue(options.blank ?? false);
  const found = [first, ...rest.map((line) => (blank || line !== '' ? margin + line : line))].join(
    '\n',
  );
  return isTrue(options.first ?? false) ? margin + found : found;
}

function truncate(of: Value, given: Given): string {
  const options = bind('truncate', given, ['length', 'killwords', 'end', 'leeway']);
  const [length, leeway] = [
    wholeOf(options.length ?? 255, 'length'),
    wholeOf(options.leeway ?? 5, 'leeway'),
  ];
  const end = text(options.end ?? '...');
  const all = characters(text(of));
  if (all.length <= length + leeway) return all.join('');
  const kept = all.slice(0, Math.max(0, length - characters(end).length)).join('');
  if (isTrue(options.killwords ?? false)) return kept + end;
  const at = kept.lastIndexOf(' ');
  return (at < 0 ? kept : kept.slice(0, at)) + end;
}

function wordwrap(of: Value, given: Given): string {
  const options = bind('wordwrap', given, [
    'width',
    'break_long_words',
    'wrapstring',
    'break_on_hyphens',
  ]);
  const width = Math.max(1, wholeOf(options.width ?? 79, 'width'));
  const breaks = isTrue(options.break_long_words ?? true);
  const hyphens = isTrue(options.break_on_hyphens ?? true);
  const glue = text(options.wrapstring ?? '\n');
  const pieces = hyphens ? /\s+|[^\s-]*-+|[^\s-]+/g : /\s+|\S+/g;
  const wrapped = (line: string): string => {
    const lines: string[] = [];
    let current = '';
    const flush = (): void => {
      if (current.trimEnd() !== '') lines.push(current.trimEnd());
      current = '';
    };
    for (const [found] of line.matchAll(pieces)) {
      let piece = found;
      if (piece.trim() === '' && current === '' && lines.length > 0) continue;
      if (current.length + piece.length > width && piece.trim() !== '') {
        if (piece.length > width && breaks) {
          for (let room = width - current.length; piece.length > room; room = width) {
            current += piece.slice(0, room);
            piece = piece.slice(room);
            flush();
          }
        } else flush();
      }
      current += piece;
    }
    flush();
    return lines.join(glue);
  };
  return linesOf(text(of)).map(wrapped).join(glue);
}

/** Splits items into a number of columns of nearly equal length. */
function slices(of: Value, given: Given): Value {
  const { slices: asked = 1, fill_with: fill } = bind('slice', given, ['slices', 'fill_with']);
  const items = itemsOf(of);
  const count = Math.max(1, wholeOf(asked, 'slices'));
  expectLength(count);
  const [each, extra] = [Math.floor(items.length / count), items.length % count];
  let first = 0;
  return new Lazy(
    Array.from({ length: count }, (_, i) => {
      const size = each + (i < extra ? 1 : 0);
      const own = items.slice(first, first + size);
      first += size;
      return fill !== undefined && fill !== null && i >= extra && extra > 0
        ? [...own, fill]
        : [...own];
    }),
  );
}

function batch(of: Value, given: Given): Value {
  const { linecount = 1, fill_with: fill } = bind('batch', given, ['linecount', 'fill_with']);
  const size = Math.max(1, wholeOf(linecount, 'linecount'));
  expectLength(size);
  const items = itemsOf(of);
  const rows: Value[] = [];
  for (let first = 0; first < items.length; first += size) {
    const row = items.slice(first, first + size);
    if (fill !== undefined && fill !== null) while (row.length < size) row.push(fill);
    rows.push([...row]);
  }
  return new Lazy(rows);
}

/** Python's `round`: a tie goes to the even neighbour. */
function round(of: Value, given: Given): Value {
  const { precision = 0, method = 'common' } = bind('round', given, ['precision', 'method']);
  const value = numberOf(of);
  if (value === undefined) throw new TemplateError('round takes a number');
  const digits = wholeOf(precision, 'precision');
  const scale = 10 ** digits;
  if (method === 'ceil') return new Float(Math.ceil(value * scale) / scale);
  if (method === 'floor') return new Float(Math.floor(value * scale) / scale);
  if (method !== 'common') throw new TemplateError('method must be common, ceil or floor');
  if (!(of instanceof Float) && digits >= 0) return integer(value);
  const scaled = value * scale;
  const below = Math.floor(scaled);
  // The exact decimal digits of a tie are a 5 and then zeros.
  const isTie =
    digits >= 0 &&
    digits < 30 &&
    /^50*$/.test(value.toFixed(100).split('.')[1]?.slice(digits) ?? '');
  let rounded = Math.round(scaled) / scale;
  if (isTie) rounded = (below + (below % 2 === 0 ? 0 : 1)) / scale;
  else if (digits >= 0 && digits <= 100) rounded = Number(value.toFixed(digits));
  return of instanceof Float ? new Float(rounded) : integer(rounded);
}

function toInteger(of: Value, given: Given): Value {
  if (of instanceof Undefined) of.fail();
  const { default: fallback = 0, base = 10 } = bind('int', given, ['default', 'base']);
  const number = numberOf(of);
  if (number !== undefined) return Number.isFinite(number) ? integer(Math.trunc(number)) : fallback;
  if (typeof of !== 'string') return fallback;
  const radix = wholeOf(base, 'base');
  const plain = stripped(of, undefined, 'both').replace(/(?<=\w)_(?=\w)/g, '');
  const prefixes: Readonly<Record<number, RegExp>> = {
    2: /^([+-]?)0b/i,
    8: /^([+-]?)0o/i,
    16: /^([+-]?)0x/i,
  };
  const digits = plain.replace(prefixes[radix] ?? /^(?!)/, '$1');
  const allowed = '0123456789abcdefghijklmnopqrstuvwxyz'.slice(0, radix);
  if (new RegExp(`^[+-]?[${allowed}]+$`, 'i').test(digits)) {
    return integer(Number.parseInt(digits, radix));
  }
  const float = floatIn(of);
  return float === undefined || !Number.isFinite(float) ? fallback : integer(Math.trunc(float));
}

function floatIn(of: string): number | undefined {
  const plain = stripped(of, undefined, 'both').replace(/(?<=\d)_(?=\d)/g, '');
  if (/^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i.test(plain)) return Number(plain);
  if (/^[+-]?inf(?:inity)?$/i.test(plain)) return plain.startsWith('-') ? -Infinity : Infinity;
  return /^[+-]?nan$/i.test(plain) ? NaN : undefined;
}

function toFloat(of: Value, given: Given): Value {
  if (of instanceof Undefined) of.fail();
  const { default: fallback = new Float(0) } = bind('float', given, ['default']);
  const number = numberOf(of) ?? (typeof of === 'string' ? floatIn(of) : undefined);
  return number === undefined ? fallback : new Float(number);
}

const escaped = (of: Value): string =>
  text(of)
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll("'", '&#39;')
    .replaceAll('"', '&#34;');

function filesizeformat(of: Value, given: Given): string {
  const binary = isTrue(bind('filesizeformat', given, ['binary']).binary ?? false);
  const bytes = numberOf(of) ?? Number(text(of));
  const base = binary ? 1024 : 1000;
  if (bytes === 1) return '1 Byte';
  if (bytes < base) return `${Math.trunc(bytes)} Bytes`;
  const prefixes = ['k', 'M', 'G', 'T', 'P', 'E', 'Z', 'Y'];
  const power = prefixes.findIndex((_, i) => bytes < base ** (i + 2));
  const at = power < 0 ? prefixes.length - 1 : power;
  const unit = binary ? `${(prefixes[at] ?? '').toUpperCase()}iB` : `${prefixes[at] ?? ''}B`;
  return `${(bytes / base ** (at + 1)).toFixed(1)} ${unit}`;
}

const quotedUrl = (value: Value): string =>
  encodeURIComponent(text(value)).replace(
    /[!'()*]/g,
    (one) => `%${one.charCodeAt(0).toString(16).toUpperCase()}`,
  );

function urlencode(of: Value): string {
  if (of instanceof Dict || sequence(of) !== undefined || of instanceof Lazy) {
    const pairs = of instanceof Dict ? of.entries() : itemsOf(of).map((pair) => itemsOf(pair));
    const inQuery = (value: Value): string => quotedUrl(value).replaceAll('%20', '+');
    return pairs.map(([key = null, value = null]) => `${inQuery(key)}=${inQuery(value)}`).join('&');
  }
  return quotedUrl(of).replaceAll('%2F', '/');
}

const first: Filter = (of) => {
  const [found] = of instanceof Lazy ? of.take(1) : itemsOf(of);
  return placed(found, 'No first item, sequence was empty.');
};

const length: Filter = (of) => lengthOf(of);

const fallbackOf: Filter = (of, given) => {
  const options = bind('default', given, ['default_value', 'boolean']);
  const isMissing = of instanceof Undefined || (isTrue(options.boolean ?? false) && !isTrue(of));
  const { default_value: fallback = '' } = options;
  return isMissing ? fallback : of;
};

/** Filters by name, as Jinja documents them. */
export const filters: Readonly<Record<string, Filter>> = {
  abs(of) {
    const number = numberOf(of);
    if (number === undefined) throw new TemplateError('abs takes a number');
    return of instanceof Float ? new Float(Math.abs(number)) : Math.abs(number);
  },
  attr: (of, given, host) => host.field(of, text(bind('attr', given, ['name']).name ?? null)),
  batch,
  capitalize: (of) => capitalized(text(of)),
  center(of, given) {
    const width = wholeOf(bind('center', given, ['width']).width ?? 80, 'width');
    expectLength(width);
    const value = text(of);
    const missing = Math.max(0, width - characters(value).length);
    const before = Math.floor(missing / 2) + (missing & width & 1);
    return ' '.repeat(before) + value + ' '.repeat(missing - before);
  },
  count: length,
  d: fallbackOf,
  default: fallbackOf,
  dictsort,
  e: escaped,
  escape: escaped,
  filesizeformat,
  first,
  float: toFloat,
  forceescape: escaped,
  format: (of, { positional, named }) =>
    percentFormat(text(of), named.size > 0 ? new Dict(named) : new Tuple(positional)),
  groupby,
  indent,
  int: toInteger,
  items: (of) => {
    if (of instanceof Undefined) return [];
    if (!(of instanceof Dict)) throw new TemplateError('Can only get item pairs from a mapping.');
    return new Lazy(of.entries().map((entry) => new Tuple(entry)));
  },
  join,
  last: (of) => {
    if (of instanceof Lazy) throw new TemplateError("'generator' object is not reversible");
    return placed(itemsOf(of).at(-1), 'No last item, sequence was empty.');
  },
  length,
  list: (of) => [...itemsOf(of)],
  lower: (of) => text(of).toLowerCase(),
  map,
  max: extreme('max', 1),
  min: extreme('min', -1),
  pprint: (of) => repr(of),
  random: (of) => {
    const items = itemsOf(of);
    const found = items[Math.floor(Math.random() * items.length)];
    return placed(found, 'No random item, sequence was empty.');
  },
  reject: choose('reject', false, false),
  rejectattr: choose('rejectattr', true, false),
  replace(of, given) {
    const options = bind('replace', given, ['old', 'new', 'count']);
    const count = options.count ?? null;
    const times = count === null ? -1 : wholeOf(count, 'count');
    return replaced(text(of), text(options.old ?? null), text(options.new ?? null), times);
  },
  reverse: (of) => {
    if (typeof of === 'string') return characters(of).reverse().join('');
    return new Lazy([...itemsOf(of)].reverse());
  },
  round,
  safe: (of) => text(of),
  select: choose('select', false, true),
  selectattr: choose('selectattr', true, true),
  slice: slices,
  sort,
  string: (of) => text(of),
  striptags: (of) =>
    text(of)
      .replace(/<!--[^]*?-->/g, '')
      .replace(/<[^<>]*>/g, '')
      .split(new RegExp(`[${space}]+`))
      .filter((word) => word !== '')
      .join(' '),
  sum(of, given, host) {
    const { attribute, start = 0 } = bind('sum', given, ['attribute', 'start']);
    return itemsOf(of)
      .map(getter(attribute, host))
      .reduce((sum, item) => host.add(sum, item), start);
  },
  title: (of) =>
    text(of)
      .split(/([-\s({[<]+)/)
      .map(capitalized)
      .join(''),
  tojson,
  trim: (of, given) =>
    stripped(text(of), optionalText('trim', bind('trim', given, ['chars']).chars), 'both'),
  truncate,
  unique,
  upper: (of) => text(of).toUpperCase(),
  urlencode,
  urlize: (of) =>
    text(of).replace(
      /(^|[\s(<])(https?:\/\/[^\s<>]*[^\s<>.,)])/g,
      (_, before: string, url: string) => {
        const shown = escaped(url);
        return `${before}<a href="${shown}" rel="noopener">${shown}</a>`;
      },
    ),
  wordcount: (of) => (text(of).match(/[\p{L}\p{N}_]+/gu) ?? []).length,
  wordwrap,
  xmlattr(of, given) {
    if (!(of instanceof Dict)) throw new TemplateError('xmlattr takes a mapping');
    const written = of
      .entries()
      .filter(([, value]) => value !== null && !(value instanceof Undefined))
      .map(([key, value]) => `${escaped(key)}="${escaped(value)}"`)
      .join(' ');
    const spaced = isTrue(bind('xmlattr', given, ['autospace']).autospace ?? true);
    return spaced && written !== '' ? ` ${written}` : written;
  },
};

type Test = (of: Value, given: Given, host: Host) => boolean;

const compared =
  (name: string, holds: (of: Value, other: Value) => boolean): Test =>
  (of, given) =>
    holds(of, bind(name, given, ['other']).other ?? null);

const equals = compared('eq', equal);
const differs = compared('ne', (a, b) => !equal(a, b));
const below = compared('lt', (a, b) => order(a, b, '<') < 0);
const atMost = compared('le', (a, b) => order(a, b, '<=') <= 0);
const above = compared('gt', (a, b) => order(a, b, '>') > 0);
const atLeast = compared('ge', (a, b) => order(a, b, '>=') >= 0);

const remainder = (of: Value, by: number): number => {
  if (of instanceof Undefined) of.fail();
  const number = numberOf(of);
  if (number === undefined) {
    throw new TemplateError('not all arguments converted during string formatting');
  }
  if (by === 0) throw new TemplateError('integer modulo by zero');
  return ((number % by) + by) % by;
};

/** Tests by name, as Jinja documents them. `template.ts` holds the tests for types. */
export const tests: Readonly<Record<string, Test>> = {
  boolean: (of) => typeof of === 'boolean',
  defined: (of) => !(of instanceof Undefined),
  divisibleby: (of, given) =>
    remainder(of, wholeOf(bind('divisibleby', given, ['num']).num ?? null, 'num')) === 0,
  eq: equals,
  '==': equals,
  equalto: equals,
  escaped: () => false,
  even: (of) => remainder(of, 2) === 0,
  false: (of) => of === false,
  filter: (of) => typeof of === 'string' && Object.hasOwn(filters, of),
  float: (of) => of instanceof Float,
  ge: atLeast,
  '>=': atLeast,
  gt: above,
  '>': above,
  greaterthan: above,
  in: (of, given, host) => host.test('in', of, given),
  integer: (of) => typeof of === 'number',
  iterable: (of) =>
    typeof of === 'string' ||
    sequence(of) !== undefined ||
    of instanceof Dict ||
    of instanceof Lazy ||
    of instanceof Undefined,
  le: atMost,
  '<=': atMost,
  lower: (of) => /\p{L}/u.test(text(of)) && text(of) === text(of).toLowerCase(),
  lt: below,
  '<': below,
  lessthan: below,
  mapping: (of) => of instanceof Dict,
  ne: differs,
  '!=': differs,
  none: (of) => of === null,
  number: (of) => numberOf(of) !== undefined,
  odd: (of) => remainder(of, 2) === 1,
  sameas: compared('sameas', (a, b) => a === b),
  sequence: (of) =>
    typeof of === 'string' ||
    sequence(of) !== undefined ||
    of instanceof Dict ||
    of instanceof Undefined,
  string: (of) => typeof of === 'string',
  test: (of) => typeof of === 'string' && (Object.hasOwn(tests, of) || of === 'in'),
  true: (of) => of === true,
  undefined: (of) => of instanceof Undefined,
  upper: (of) => /\p{L}/u.test(text(of)) && text(of) === text(of).toUpperCase(),
};
