/** An invalid template, or one that needs an unimplemented feature; the message names the line. */
export class TemplateSyntaxError extends Error {
  override readonly name = 'TemplateSyntaxError';
}

/** A word inside a tag. */
export interface Word {
  readonly kind: 'name' | 'string' | 'integer' | 'float' | 'operator';
  readonly text: string;
  readonly line: number;
}

/** Text, or the words of `{{ … }}` or `{% … %}`. */
export type Token =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'print' | 'block'; readonly words: readonly Word[]; readonly line: number };

/** The white space of Python. */
export const space =
  '\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000';

const patterns = {
  space: new RegExp(`[${space}]+`, 'y'),
  float: /(?:\d+_)*\d+(?:(?:\.(?:\d+_)*\d+)?e[+-]?(?:\d+_)*\d+|\.(?:\d+_)*\d+)/iy,
  integer: /0b(?:_?[01])+|0o(?:_?[0-7])+|0x(?:_?[\da-f])+|[1-9](?:_?\d)*|0(?:_?0)*/iy,
  name: /[\p{L}\p{Nl}_][\p{L}\p{Nl}\p{Mn}\p{Mc}\p{Nd}\p{Pc}]*/uy,
  string: /'[^'\\]*(?:\\[^][^'\\]*)*'|"[^"\\]*(?:\\[^][^"\\]*)*"/y,
  operator: /\/\/|\*\*|==|!=|>=|<=|[-+/*%~[\](){}<>=.:|,;]/y,
};

function matchAt(pattern: RegExp, text: string, at: number): string | undefined {
  pattern.lastIndex = at;
  return pattern.exec(text)?.[0];
}

const trimmedEnd = new RegExp(`[${space}]+$`);
const onlySpace = new RegExp(`^[${space}]+$`);

/** Text without white space at its end. A loop, because the pattern alone takes quadratic time. */
function withoutEnd(text: string): string {
  let end = text.length;
  while (end > 0 && trimmedEnd.test(text.charAt(end - 1))) end--;
  return text.slice(0, end);
}

const closes: Readonly<Record<string, string>> = { '(': ')', '[': ']', '{': '}' };

/** Cuts a template into tokens as Jinja does with `trim_blocks` and `lstrip_blocks`. */
export function tokenize(template: string): Token[] {
  // Jinja drops one newline at the end of a template.
  const source = template.replace(/\r\n?/g, '\n').replace(/\n$/, '');
  const tokens: Token[] = [];
  let at = 0;
  let line = 1;
  let lineStarts = true;
  const advance = (to: number): void => {
    for (let i = at; i < to; i++) if (source.charCodeAt(i) === 10) line++;
    lineStarts = to > at && source.charCodeAt(to - 1) === 10;
    at = to;
  };
  const fail = (why: string): never => {
    throw new TemplateSyntaxError(`line ${line}: ${why}`);
  };
  /** Adds the text before a tag. The tag's sign decides which white space is dropped. */
  const pushText = (text: string, sign: string, mayStrip: boolean): void => {
    let kept = text;
    if (sign === '-') kept = withoutEnd(text);
    else if (sign !== '+' && mayStrip) {
      const start = text.lastIndexOf('\n') + 1;
      if ((start > 0 || lineStarts) && onlySpace.test(text.slice(start))) {
        kept = text.slice(0, start);
      }
    }
    if (kept !== '') tokens.push({ kind: 'text', text: kept });
  };
  /** The index after a tag's close at `end`, and after the white space that the tag removes. */
  const afterClose = (end: number, sign: string, trims: boolean): number => {
    if (sign === '-') return end + (matchAt(patterns.space, source, end)?.length ?? 0);
    return trims && sign !== '+' && source.charCodeAt(end) === 10 ? end + 1 : end;
  };
  while (at < source.length) {
    const open = nextOpen(source, at);
    if (open === undefined) {
      tokens.push({ kind: 'text', text: source.slice(at) });
      break;
    }
    const kind = source.charAt(open + 1);
    const sign = /[-+]/.test(source.charAt(open + 2)) ? source.charAt(open + 2) : '';
    pushText(source.slice(at, open), sign, kind !== '{');
    advance(open + 2 + sign.length);
    if (kind === '#') {
      const end = source.indexOf('#}', at);
      if (end < 0) fail('a comment does not end');
      const before = end > at ? source.charAt(end - 1) : '';
      const close = before === '-' || before === '+' ? before : '';
      advance(afterClose(end + 2, close, true));
      continue;
    }
    const raw = kind === '%' ? matchRaw(source, at) : undefined;
    if (raw) {
      advance(raw.from);
      pushText(source.slice(at, raw.to), raw.sign, true);
      advance(afterClose(raw.end, raw.close, true));
      continue;
    }
    const started = line;
    const words: Word[] = [];
    const brackets: string[] = [];
    const closing = kind === '{' ? '}}' : '%}';
    for (;;) {
      if (at >= source.length) fail('a tag does not end');
      const blank = matchAt(patterns.space, source, at);
      if (blank !== undefined) {
        advance(at + blank.length);
        continue;
      }
      const first = source.charAt(at);
      const signed = first === '-' || (first === '+' && kind === '%') ? first : '';
      if (brackets.length === 0 && source.startsWith(closing, at + signed.length)) {
        advance(afterClose(at + signed.length + 2, signed, kind === '%'));
        break;
      }
      const word = wordAt(source, at, line) ?? fail(`unexpected ${JSON.stringify(first)}`);
      if (word.kind === 'operator') {
        const close = closes[word.text];
        if (close !== undefined) brackets.push(close);
        else if (')]}'.includes(word.text) && brackets.pop() !== word.text) {
          fail(`unexpected '${word.text}'`);
        }
      }
      words.push(word);
      advance(at + word.text.length);
    }
    tokens.push({ kind: kind === '{' ? 'print' : 'block', words, line: started });
  }
  return tokens;
}

function nextOpen(source: string, from: number): number | undefined {
  for (let at = source.indexOf('{', from); at >= 0; at = source.indexOf('{', at + 1)) {
    if (/[{%#]/.test(source.charAt(at + 1))) return at;
  }
  return undefined;
}

/** The extent of a `{% raw %}` block whose `{%` ends at `at`; undefined for another tag. */
function matchRaw(
  source: string,
  at: number,
): { from: number; to: number; sign: string; end: number; close: string } | undefined {
  const begin = new RegExp(`[${space}]*raw[${space}]*(-%}[${space}]*|%})`, 'y');
  const opened = matchAt(begin, source, at);
  if (opened === undefined) return undefined;
  const from = at + opened.length;
  const ending = new RegExp(`{%([-+]?)[${space}]*endraw[${space}]*([-+]?)%}`, 'g');
  ending.lastIndex = from;
  const found = ending.exec(source);
  if (!found) throw new TemplateSyntaxError('a raw block does not end');
  const [all, sign = '', close = ''] = found;
  return { from, to: found.index, sign, end: found.index + all.length, close };
}

function wordAt(source: string, at: number, line: number): Word | undefined {
  for (const kind of ['float', 'integer', 'name', 'string', 'operator'] as const) {
    const text = matchAt(patterns[kind], source, at);
    // After a dot, `1.0` means two items, as in `pairs.1.0`.
    if (text === undefined || (kind === 'float' && source.charAt(at - 1) === '.')) continue;
    return { kind, text, line };
  }
  return undefined;
}

const escapes: Readonly<Record<string, string>> = {
  '\n': '',
  '\\': '\\',
  "'": "'",
  '"': '"',
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
};

/** The value of a string word, with Python's escapes; unknown escapes stay unchanged. */
export function textOfString(word: string): string {
  return word
    .slice(1, -1)
    .replace(
      /\\(?:x([\da-fA-F]{2})|u([\da-fA-F]{4})|U([\da-fA-F]{8})|([0-7]{1,3})|([^]))/g,
      (whole, x?: string, u?: string, long?: string, octal?: string, one: string = '') => {
        const hex = x ?? u ?? long;
        if (hex !== undefined) {
          const code = Number.parseInt(hex, 16);
          if (code > 0x10ffff) throw new TemplateSyntaxError(`no character ${whole}`);
          return String.fromCodePoint(code);
        }
        if (octal !== undefined) return String.fromCharCode(Number.parseInt(octal, 8));
        return Object.hasOwn(escapes, one) ? (escapes[one] ?? '') : whole;
      },
    );
}
