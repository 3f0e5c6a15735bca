import { bind, optionalText } from './arguments.ts';
import { braceFormat } from './format.ts';
import {
  Callable,
  characters,
  Dict,
  equal,
  expectLength,
  Float,
  type Given,
  isTrue,
  itemsOf,
  placed,
  sequence,
  stripped,
  TemplateError,
  Tuple,
  typeName,
  Undefined,
  type Value,
  wholeOf,
} from './values.ts';
import { space } from './lexer.ts';

type Method<Of> = (of: Of, given: Given) => Value;

const textArgument = (where: string, value: Value | undefined): string => {
  const found = optionalText(where, value);
  if (found === undefined) throw new TemplateError(`${where}() needs a text`);
  return found;
};

/** Start and end of a search, clipped as Python does. */
function bounds(
  given: Partial<Record<'start' | 'end', Value>>,
  length: number,
): readonly [number, number] {
  const clip = (value: Value | undefined, fallback: number): number => {
    if (value === undefined || value === null) return fallback;
    const place = wholeOf(value, 'a place');
    return Math.max(0, Math.min(length, place < 0 ? length + place : place));
  };
  return [clip(given.start, 0), clip(given.end, length)];
}

/** A slice of a text by code points. */
const part = (of: string, start: number, end: number): string =>
  characters(of).slice(start, end).join('');

const searched = (where: string, of: string, given: Given) => {
  const { sub, ...limits } = bind(where, given, ['sub', 'start', 'end']);
  const [start, end] = bounds(limits, characters(of).length);
  return { sub, within: start > end ? undefined : part(of, start, end), start };
};

function find(where: string, of: string, given: Given, last: boolean): number {
  const { sub, within, start } = searched(where, of, given);
  if (within === undefined) return -1;
  const wanted = textArgument(where, sub);
  const at = last ? within.lastIndexOf(wanted) : within.indexOf(wanted);
  return at < 0 ? -1 : start + characters(within.slice(0, at)).length;
}

const found = (at: number): number => {
  if (at < 0) throw new TemplateError('substring not found');
  return at;
};

function affixed(where: string, of: string, given: Given, atEnd: boolean): boolean {
  const { sub, within } = searched(where, of, given);
  if (within === undefined) return false;
  const wanted = sub instanceof Tuple ? sub.items : [sub ?? null];
  return wanted.some((one) => {
    const affix = textArgument(where, one);
    return atEnd ? within.endsWith(affix) : within.startsWith(affix);
  });
}

/** Python's `split` and `rsplit`. */
function split(where: string, of: string, given: Given, fromRight: boolean): Value[] {
  const { sep, maxsplit = -1 } = bind(where, given, ['sep', 'maxsplit']);
  const asked = wholeOf(maxsplit, 'maxsplit');
  const most = asked < 0 ? Infinity : asked;
  const separator = optionalText(where, sep);
  if (separator === '') throw new TemplateError('empty separator');
  if (separator !== undefined) {
    const parts = of.split(separator);
    if (parts.length - 1 <= most) return parts;
    return fromRight
      ? [parts.slice(0, parts.length - most).join(separator), ...parts.slice(parts.length - most)]
      : [...parts.slice(0, most), parts.slice(most).join(separator)];
  }
  const words = [...of.matchAll(new RegExp(`[^${space}]+`, 'g'))];
  if (words.length - 1 < most || words.length === 0) return words.map(([word]) => word);
  if (most === 0) return [stripped(of, undefined, fromRight ? 'right' : 'left')];
  if (fromRight) {
    const kept = words.slice(words.length - most);
    const rest = of.slice(0, kept[0]?.index);
    const first = stripped(rest, undefined, 'right');
    return [...(first === '' ? [] : [first]), ...kept.map(([word]) => word)];
  }
  const rest = words[most];
  const tail = rest ? [of.slice(rest.index)] : [];
  return [...words.slice(0, most).map(([word]) => word), ...tail];
}

function partition(where: string, of: string, given: Given, last: boolean): Tuple {
  const separator = textArgument(where, bind(where, given, ['sep']).sep);
  if (separator === '') throw new TemplateError('empty separator');
  const at = last ? of.lastIndexOf(separator) : of.indexOf(separator);
  if (at < 0) return new Tuple(last ? ['', '', of] : [of, '', '']);
  return new Tuple([of.slice(0, at), separator, of.slice(at + separator.length)]);
}

/** Upper case for the first letter, lower case for the others. */
export function capitalized(of: string): string {
  const [first = '', ...rest] = characters(of);
  // If the upper case of a letter is two letters, only the first stays upper: `Ss` for a sharp s.
  const [large = '', ...more] = characters(first.toUpperCase());
  return large + more.join('').toLowerCase() + rest.join('').toLowerCase();
}

/** Upper case for the first letter of each word, lower case for the others. */
const titled = (of: string): string => of.replace(/\p{L}+/gu, capitalized);

/** Lines as Python's `splitlines` cuts them. */
export function linesOf(of: string, keepEnds = false): string[] {
  const lines: string[] = [];
  for (const match of of.matchAll(
    /([^\n\r\v\f\x1c-\x1e\x85\u2028\u2029]*)(\r\n|[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]|$)/g,
  )) {
    const [whole, line = '', end = ''] = match;
    if (whole === '') continue;
    lines.push(keepEnds ? line + end : line);
  }
  return lines;
}

/** Python's `replace`; an empty `old` matches before, between and after all characters. */
export function replaced(of: string, old: string, fresh: string, count: number): string {
  const most = count < 0 ? Infinity : count;
  const parts = old === '' ? ['', ...characters(of), ''] : of.split(old);
  const times = Math.min(most, parts.length - 1);
  expectLength(of.length + times * Math.max(0, fresh.length - old.length));
  return (
    parts.slice(0, times + 1).join(fresh) +
    parts
      .slice(times + 1)
      .map((one) => old + one)
      .join('')
  );
}

const every = (of: string, pattern: RegExp): boolean => pattern.test(of);

function filledTo(
  where: string,
  of: string,
  given: Given,
  side: 'left' | 'right' | 'both',
): string {
  const { width = 0, fill = ' ' } = bind(where, given, ['width', 'fill']);
  const filler = textArgument(where, fill);
  const wanted = wholeOf(width, 'a width');
  expectLength(wanted);
  const missing = Math.max(0, wanted - characters(of).length);
  if (side === 'left') return of + filler.repeat(missing);
  if (side === 'right') return filler.repeat(missing) + of;
  // Python puts the odd blank on the left if the width is odd.
  const before = Math.floor(missing / 2) + (missing & wanted & 1);
  return filler.repeat(before) + of + filler.repeat(missing - before);
}

const strip =
  (where: string, ends: 'both' | 'left' | 'right'): Method<string> =>
  (of, given) =>
    stripped(of, optionalText(where, bind(where, given, ['chars']).chars), ends);

/** Methods of texts by their Python names. */
const textMethods: Readonly<Record<string, Method<string>>> = {
  upper: (of) => of.toUpperCase(),
  lower: (of) => of.toLowerCase(),
  casefold: (of) => of.toLowerCase().replaceAll('ß', 'ss'),
  swapcase: (of) =>
    characters(of)
      .map((one) => (one === one.toUpperCase() ? one.toLowerCase() : one.toUpperCase()))
      .join(''),
  title: titled,
  capitalize: capitalized,
  strip: strip('strip', 'both'),
  lstrip: strip('lstrip', 'left'),
  rstrip: strip('rstrip', 'right'),
  startswith: (of, given) => affixed('startswith', of, given, false),
  endswith: (of, given) => affixed('endswith', of, given, true),
  split: (of, given) => split('split', of, given, false),
  rsplit: (of, given) => split('rsplit', of, given, true),
  splitlines: (of, given) =>
    linesOf(of, isTrue(bind('splitlines', given, ['keepends']).keepends ?? false)),
  partition: (of, given) => partition('partition', of, given, false),
  rpartition: (of, given) => partition('rpartition', of, given, true),
  replace(of, given) {
    const { old, new: fresh, count = -1 } = bind('replace', given, ['old', 'new', 'count']);
    const times = wholeOf(count, 'count');
    return replaced(of, textArgument('replace', old), textArgument('replace', fresh), times);
  },
  join(of, given) {
    const items = itemsOf(bind('join', given, ['items']).items ?? null);
    const parts = items.map((item, i) => {
      if (typeof item === 'string') return item;
      throw new TemplateError(`sequence item ${i}: expected str instance, ${typeName(item)} found`);
    });
    expectLength(parts.reduce((sum, one) => sum + one.length + of.length, 0));
    return parts.join(of);
  },
  removeprefix(of, given) {
    const affix = textArgument('removeprefix', bind('removeprefix', given, ['prefix']).prefix);
    return of.startsWith(affix) ? of.slice(affix.length) : of;
  },
  removesuffix(of, given) {
    const affix = textArgument('removesuffix', bind('removesuffix', given, ['suffix']).suffix);
    return affix !== '' && of.endsWith(affix) ? of.slice(0, -affix.length) : of;
  },
  find: (of, given) => find('find', of, given, false),
  rfind: (of, given) => find('rfind', of, given, true),
  index: (of, given) => found(find('index', of, given, false)),
  rindex: (of, given) => found(find('rindex', of, given, true)),
  count(of, given) {
    const { sub, within } = searched('count', of, given);
    if (within === undefined) return 0;
    const wanted = textArgument('count', sub);
    return wanted === '' ? characters(within).length + 1 : within.split(wanted).length - 1;
  },
  isalpha: (of) => every(of, /^\p{L}+$/u),
  isdigit: (of) => every(of, /^[\p{Nd}²³¹⁰⁴-⁹₀-₉]+$/u),
  isdecimal: (of) => every(of, /^\p{Nd}+$/u),
  isnumeric: (of) => every(of, /^\p{N}+$/u),
  isalnum: (of) => every(of, /^[\p{L}\p{N}]+$/u),
  isspace: (of) => every(of, new RegExp(`^[${space}]+$`)),
  isascii: (of) => every(of, /^[\0-\x7f]*$/),
  isupper: (of) => /\p{L}/u.test(of) && of === of.toUpperCase() && of !== of.toLowerCase(),
  islower: (of) => /\p{L}/u.test(of) && of === of.toLowerCase() && of !== of.toUpperCase(),
  istitle: (of) => /\p{L}/u.test(of) && of === titled(of),
  isidentifier: (of) => every(of, /^[\p{L}\p{Nl}_][\p{L}\p{Nl}\p{Mn}\p{Mc}\p{Nd}\p{Pc}]*$/u),
  ljust: (of, given) => filledTo('ljust', of, given, 'left'),
  rjust: (of, given) => filledTo('rjust', of, given, 'right'),
  center: (of, given) => filledTo('center', of, given, 'both'),
  zfill(of, given) {
    const width = wholeOf(bind('zfill', given, ['width']).width ?? null, 'a width');
    expectLength(width);
    const sign = /^[+-]/.exec(of)?.[0] ?? '';
    const missing = Math.max(0, width - characters(of).length);
    return sign + '0'.repeat(missing) + of.slice(sign.length);
  },
  expandtabs(of, given) {
    const size = wholeOf(bind('expandtabs', given, ['tabsize']).tabsize ?? 8, 'a width');
    expectLength(Math.max(0, size) * of.length);
    let column = 0;
    return characters(of)
      .map((one) => {
        const shown = one === '\t' ? ' '.repeat(size > 0 ? size - (column % size) : 0) : one;
        column = one === '\n' || one === '\r' ? 0 : column + shown.length;
        return shown;
      })
      .join('');
  },
  format: (of, given) =>
    braceFormat(of, given, (value, name, isItem) =>
      isItem && /^\d+$/.test(name) && sequence(value)
        ? placed(sequence(value)?.[Number(name)], 'list index out of range')
        : value instanceof Dict
          ? placed(value.get(name), `'${name}'`)
          : new Undefined(`no '${name}'`),
    ),
};

/** Methods that change a list or a mapping, which templates may not call. */
const changing = new Set([
  'append',
  'extend',
  'insert',
  'pop',
  'popitem',
  'remove',
  'reverse',
  'sort',
  'clear',
  'update',
  'setdefault',
]);

const listMethods: Readonly<Record<string, Method<readonly Value[]>>> = {
  index(of, given) {
    const { value = null, ...limits } = bind('index', given, ['value', 'start', 'end']);
    const [start, end] = bounds(limits, of.length);
    const at = of.slice(start, end).findIndex((item) => equal(item, value));
    if (at < 0) throw new TemplateError('the value is not in list');
    return start + at;
  },
  count: (of, given) => {
    const { value = null } = bind('count', given, ['value']);
    return of.filter((item) => equal(item, value)).length;
  },
};

const dictMethods: Readonly<Record<string, Method<Dict>>> = {
  get(of, given) {
    const { key = null, fallback = null } = bind('get', given, ['key', 'fallback']);
    const found = of.get(key);
    return found === undefined ? fallback : found;
  },
  items: (of) => of.entries().map((entry) => new Tuple(entry)),
  keys: (of) => of.keys(),
  values: (of) => of.values(),
  copy: (of) => new Dict(of.entries()),
};

/**
 * A method of a value by its name. Undefined if Python has no such method; an `Undefined` value if
 * the method would change the value.
 */
export function methodOf(of: Value, name: string): Callable | Undefined | undefined {
  const bound = <Of>(methods: Readonly<Record<string, Method<Of>>>, self: Of) => {
    const method = Object.hasOwn(methods, name) ? methods[name] : undefined;
    return method && new Callable(name, (given) => method(self, given));
  };
  if (typeof of === 'string') return bound(textMethods, of);
  if ((Array.isArray(of) || of instanceof Dict) && changing.has(name)) {
    if (of instanceof Dict && !['clear', 'pop', 'popitem', 'setdefault', 'update'].includes(name)) {
      return undefined;
    }
    return new Undefined(`access to attribute '${name}' of '${typeName(of)}' object is unsafe.`);
  }
  if (Array.isArray(of)) {
    return name === 'copy' ? new Callable(name, () => [...of]) : bound(listMethods, of);
  }
  if (of instanceof Tuple) return bound(listMethods, of.items);
  if (of instanceof Dict) return bound(dictMethods, of);
  if (of instanceof Float && name === 'is_integer') {
    return new Callable(name, () => Number.isInteger(of.value));
  }
  if (typeof of === 'number' && name === 'bit_length') {
    return new Callable(name, () => (of === 0 ? 0 : Math.abs(of).toString(2).length));
  }
  return undefined;
}
