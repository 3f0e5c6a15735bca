import {
  characters,
  Dict,
  Float,
  type Given,
  numberOf,
  repr,
  TemplateError,
  text,
  Tuple,
  typeName,
  type Value,
} from './values.ts';

/** Pads a text to a width: at its right end if `left`, else at its left end. */
const padded = (value: string, width: number, left: boolean, fill = ' '): string => {
  const missing = Math.min(width, 10_000) - characters(value).length;
  if (missing <= 0) return value;
  return left ? value + fill.repeat(missing) : fill.repeat(missing) + value;
};

/** Formats a number by a format letter that C and Python share. */
function numberText(value: Value, letter: string, precision: number | undefined): string {
  const number = numberOf(value);
  if (number === undefined) {
    throw new TemplateError(`%${letter} format: a real number is required, not ${typeName(value)}`);
  }
  switch (letter) {
    case 'd':
    case 'i':
    case 'u':
      return String(Math.trunc(number));
    case 'x':
      return Math.trunc(number).toString(16);
    case 'X':
      return Math.trunc(number).toString(16).toUpperCase();
    case 'o':
      return Math.trunc(number).toString(8);
    case 'b':
      return Math.trunc(number).toString(2);
    case 'e':
    case 'E': {
      const [mantissa = '', power = ''] = number.toExponential(precision ?? 6).split('e');
      const exponent = `${power.charAt(0)}${power.slice(1).padStart(2, '0')}`;
      return `${mantissa}${letter}${exponent}`;
    }
    case 'g':
    case 'G': {
      const digits = Math.max(1, precision ?? 6);
      const exponent = number === 0 ? 0 : Number(number.toExponential(digits - 1).split('e')[1]);
      const short = (one: string): string =>
        one.includes('.') ? one.replace(/0+$/, '').replace(/\.$/, '') : one;
      if (exponent < -4 || exponent >= digits) {
        const [mantissa = '', power = ''] = number.toExponential(digits - 1).split('e');
        return `${short(mantissa)}${letter === 'g' ? 'e' : 'E'}${power.charAt(0)}${power.slice(1).padStart(2, '0')}`;
      }
      return short(number.toFixed(digits - 1 - exponent));
    }
    default:
      return number.toFixed(precision ?? 6);
  }
}

/** Python's `template % values`. */
export function percentFormat(template: string, values: Value): string {
  const list = values instanceof Tuple ? [...values.items] : [values];
  let used = 0;
  const result = template.replace(
    /%(?:\((\w+)\))?([-+ 0#]*)(\*|\d{1,6})?(?:\.(\d{1,3}))?([a-zA-Z%])/g,
    (
      _,
      key: string | undefined,
      flags: string,
      width: string | undefined,
      digits,
      letter: string,
    ) => {
      if (letter === '%') return '%';
      const value =
        key === undefined ? list[used++] : values instanceof Dict ? values.get(key) : undefined;
      if (value === undefined) throw new TemplateError('not enough arguments for format string');
      const precision = digits === undefined ? undefined : Number(digits);
      let shown: string;
      if (letter === 's') shown = cut(text(value), precision);
      else if (letter === 'r' || letter === 'a') shown = cut(repr(value), precision);
      else if (letter === 'c') {
        shown = typeof value === 'number' ? String.fromCodePoint(value) : text(value);
      } else if ('diuxXoeEfFgG'.includes(letter)) {
        shown = numberText(value, letter, precision);
        if (flags.includes('+') && !shown.startsWith('-')) shown = `+${shown}`;
        else if (flags.includes(' ') && !shown.startsWith('-')) shown = ` ${shown}`;
        if (flags.includes('0') && !flags.includes('-')) {
          const sign = /^[-+ ]/.exec(shown)?.[0] ?? '';
          const room = Number(width ?? 0) - sign.length;
          return sign + padded(shown.slice(sign.length), room, false, '0');
        }
      } else throw new TemplateError(`unsupported format character '${letter}'`);
      return padded(shown, Number(width ?? 0), flags.includes('-'));
    },
  );
  if (used < list.length && !(values instanceof Dict) && (values instanceof Tuple || used === 0)) {
    throw new TemplateError('not all arguments converted during string formatting');
  }
  return result;
}

const cut = (value: string, precision: number | undefined): string =>
  precision === undefined ? value : characters(value).slice(0, precision).join('');

/** Python's `template.format(…)`, with items and fields of the named values. */
export function braceFormat(
  template: string,
  { positional, named }: Given,
  fieldOf: (of: Value, name: string, isItem: boolean) => Value,
): string {
  let next = 0;
  return template.replace(
    /\{\{|\}\}|\{([^{}!:]*)(?:!([rsa]))?(?::([^{}]*))?\}|[{}]/g,
    (
      whole,
      field: string | undefined,
      conversion: string | undefined,
      spec: string | undefined,
    ) => {
      if (whole === '{{' || whole === '}}') return whole.charAt(0);
      if (field === undefined)
        throw new TemplateError(`Single '${whole}' encountered in format string`);
      const [first = '', ...path] = field.split(/(?=[.[])/);
      let value =
        first === '' || /^\d+$/.test(first)
          ? positional[first === '' ? next++ : Number(first)]
          : named.get(first);
      if (value === undefined) {
        throw new TemplateError(
          /^\d*$/.test(first) ? 'Replacement index out of range' : `KeyError: '${first}'`,
        );
      }
      for (const step of path) {
        const isItem = step.startsWith('[');
        value = fieldOf(value, isItem ? step.slice(1, -1) : step.slice(1), isItem);
      }
      const shown = conversion === 'r' || conversion === 'a' ? repr(value) : value;
      return specified(shown, spec ?? '');
    },
  );
}

/** Formats a value by a specification such as `>8` or `.2f`. */
function specified(value: Value, spec: string): string {
  if (spec === '') return text(value);
  const parts =
    /^(?:(.)?([<>=^]))?([-+ ])?(#)?(0)?(\d{1,6})?([,_])?(?:\.(\d{1,3}))?([a-zA-Z%])?$/su.exec(spec);
  if (!parts) throw new TemplateError(`Invalid format specifier '${spec}'`);
  const [, fill, align, sign, , zero, width, group, digits, letter] = parts;
  const precision = digits === undefined ? undefined : Number(digits);
  const number = numberOf(value);
  let shown: string;
  if (number === undefined || letter === 's') shown = cut(text(value), precision);
  else if (letter === '%') shown = `${(number * 100).toFixed(precision ?? 6)}%`;
  else if (letter !== undefined) shown = numberText(value, letter, precision);
  else if (precision !== undefined) shown = numberText(value, 'g', precision);
  else shown = text(value instanceof Float ? value : number);
  if (group !== undefined) {
    shown = shown.replace(/^(-?\d+)/, (whole) => whole.replace(/\B(?=(\d{3})+$)/g, group));
  }
  if (number !== undefined && !shown.startsWith('-') && (sign === '+' || sign === ' ')) {
    shown = sign + shown;
  }
  const room = Number(width ?? 0);
  const filler = fill ?? (zero === undefined ? ' ' : '0');
  const side = align ?? (number === undefined ? '<' : zero === undefined ? '>' : '=');
  if (side === '<') return padded(shown, room, true, filler);
  if (side === '>') return padded(shown, room, false, filler);
  if (side === '=') {
    const own = /^[-+ ]/.exec(shown)?.[0] ?? '';
    return own + padded(shown.slice(own.length), room - own.length, false, filler);
  }
  const missing = Math.max(0, Math.min(room, 10_000) - characters(shown).length);
  const before = Math.floor(missing / 2);
  return filler.repeat(before) + shown + filler.repeat(missing - before);
}

const days = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'];
const months = [
  'January',
  'February',
  'March',
  'April',
  'May',
  'June',
  'July',
  'August',
  'September',
  'October',
  'November',
  'December',
];

/** Formats a moment of the local clock by Python's format, in the C locale. */
export function strftime(moment: Date, format: string): string {
  const two = (value: number): string => String(value).padStart(2, '0');
  const [day, month] = [days[moment.getDay()] ?? '', months[moment.getMonth()] ?? ''];
  const start = new Date(moment.getFullYear(), 0, 1);
  const midnight = new Date(moment.getFullYear(), moment.getMonth(), moment.getDate());
  const ofYear = Math.round((midnight.getTime() - start.getTime()) / 86_400_000);
  const hour = moment.getHours() % 12 || 12;
  const known: Readonly<Record<string, () => string>> = {
    a: () => day.slice(0, 3),
    A: () => day,
    w: () => String(moment.getDay()),
    u: () => String(moment.getDay() || 7),
    d: () => two(moment.getDate()),
    e: () => String(moment.getDate()).padStart(2, ' '),
    b: () => month.slice(0, 3),
    h: () => month.slice(0, 3),
    B: () => month,
    m: () => two(moment.getMonth() + 1),
    y: () => two(moment.getFullYear() % 100),
    Y: () => String(moment.getFullYear()),
    C: () => two(Math.floor(moment.getFullYear() / 100)),
    H: () => two(moment.getHours()),
    k: () => String(moment.getHours()).padStart(2, ' '),
    I: () => two(hour),
    l: () => String(hour).padStart(2, ' '),
    p: () => (moment.getHours() < 12 ? 'AM' : 'PM'),
    P: () => (moment.getHours() < 12 ? 'am' : 'pm'),
    M: () => two(moment.getMinutes()),
    S: () => two(moment.getSeconds()),
    f: () => String(moment.getMilliseconds()).padStart(3, '0').padEnd(6, '0'),
    j: () => String(ofYear + 1).padStart(3, '0'),
    U: () => two(Math.floor((ofYear + 7 - moment.getDay()) / 7)),
    W: () => two(Math.floor((ofYear + 7 - ((moment.getDay() + 6) % 7)) / 7)),
    s: () => String(Math.floor(moment.getTime() / 1000)),
    // Python's own `now` has no time zone.
    z: () => '',
    Z: () => '',
    c: () => strftime(moment, '%a %b %e %H:%M:%S %Y'),
    x: () => strftime(moment, '%m/%d/%y'),
    D: () => strftime(moment, '%m/%d/%y'),
    X: () => strftime(moment, '%H:%M:%S'),
    T: () => strftime(moment, '%H:%M:%S'),
    R: () => strftime(moment, '%H:%M'),
    r: () => strftime(moment, '%I:%M:%S %p'),
    F: () => strftime(moment, '%Y-%m-%d'),
    n: () => '\n',
    t: () => '\t',
    '%': () => '%',
  };
  return format.replace(/%(-)?(.)/gsu, (whole, bare: string | undefined, letter: string) => {
    const made = Object.hasOwn(known, letter) ? known[letter]?.() : undefined;
    if (made === undefined) return whole;
    return bare === undefined ? made : made.replace(/^[0 ]+(?=\d)/, '');
  });
}
