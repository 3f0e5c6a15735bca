/** Longer answers are compared as text only: nobody writes them, and reading them costs time. */
const longestAnswer = 300;
const deepestExpression = 40;
/** Numbers agree to this share of the larger one, or this much near 0. */
const tolerance = 1e-6;
/** Letters stand for unknowns, tried at these values: irrational, positive, unlike one another. */
const probes = [0.7390851332, 1.3247179572, 2.6651441427];

/** Why two answers were found the same or not. */
export interface Comparison {
  readonly same: boolean;
  /** The rule that decided. */
  readonly rule: string;
  /** The key and the answer as they were read. */
  readonly key: string;
  readonly answer: string;
}

/**
 * Whether two answers say the same: as text once LaTeX's spellings are out of the way, or as a
 * number, an expression in letters, an equation, or a list, tuple, interval, union or matrix of
 * those. Our own rules, modest by design; how far they agree with math_verify is measured by the
 * parity suite.
 */
export function compareAnswers(gold: string, answer: string): Comparison {
  const [a, b] = [normalise(gold), normalise(answer)];
  const decided = (same: boolean, rule: string): Comparison => ({ same, rule, key: a, answer: b });
  if (a === b) return decided(a !== '', 'text');
  if (Math.max(a.length, b.length) > longestAnswer) return decided(false, 'too long');
  return decided(sameParts(a, b), 'value');
}

/** Whether two answers say the same, by `compareAnswers`. */
export const sameAnswer = (gold: string, answer: string): boolean =>
  compareAnswers(gold, answer).same;

/** One spelling for what LaTeX spells in many ways. */
function normalise(text: string): string {
  let s = text
    .replace(/\\begin\{[bpvV]?matrix\}/g, '\\matrix(')
    .replace(/\\end\{[bpvV]?matrix\}/g, ')')
    .replace(/\\(?:left|right|displaystyle|big|Big|bigg|Bigg)(?![a-zA-Z])/g, '')
    .replace(/\\[dt]frac/g, '\\frac')
    .replace(/\^\s*\{?\s*\\circ\s*\}?|\\degree|°/g, '')
    .replace(/\{,\}/g, ',')
    .replace(/\\?%/g, '/100')
    .replace(/\\!|\\?\$/g, '')
    .replace(/\\text\s*\{\s*and\s*\}/g, ',')
    .replace(/\\(?:cdot|times)(?![a-zA-Z])/g, '*')
    .replace(/\\(?:approx|sim)(?![a-zA-Z])/g, '')
    .replace(/\\[,;:]|(?<!\\)\\ |~|\\q?quad(?![a-zA-Z])/g, ' ')
    .replace(/\\boxed\{(.*)\}/gs, '$1');
  // Words behind a number are units; elsewhere they are the answer.
  s = s.replace(/([\d}])\s*\\(?:text|mathrm|mbox|textrm)\s*\{[^{}]*\}(?:\^\{?\d\}?)?/g, '$1');
  s = s.replace(/\\(?:text|mathrm|mbox|textbf|textrm|mathbf)\s*\{([^{}]*)\}/g, '$1');
  s = s.replace(/\s+/g, '').replace(/\.$/, '');
  s = s.replace(/^\(([A-Z])\)$/, '$1').replace(/^\(([^()]*=[^()]*)\)$/, '$1');
  return s.replace(
    /(\d),(?=\d{3}(?:,\d{3})*(?!\d))/g,
    (whole, digit: string, at: number, all: string) => (isThousands(all) ? digit : whole),
  );
}

/** Only an answer that is one number has its commas read as thousands: (1,234) is a point. */
const isThousands = (text: string): boolean => /^[-+]?\d{1,3}(?:,\d{3})+(?:\.\d+)?$/.test(text);

function sameParts(a: string, b: string): boolean {
  if (a === b) return true;
  const [unionA, unionB] = [split(a, '\\cup'), split(b, '\\cup')];
  if (unionA.length > 1 || unionB.length > 1) return sameInSomeOrder(unionA, unionB);
  const [memberA, memberB] = [a.replace(/^[a-z]\\in/, ''), b.replace(/^[a-z]\\in/, '')];
  if (memberA !== a || memberB !== b) return sameParts(memberA, memberB);
  const [equationA, equationB] = [split(a, '='), split(b, '=')];
  if (equationA.length > 1 || equationB.length > 1) return sameEquation(equationA, equationB);
  const [matrixA, matrixB] = [matrixOf(a), matrixOf(b)];
  if (matrixA || matrixB) return sameInOrder(matrixA ?? [], matrixB ?? []);
  const [listA, listB] = [split(a, ','), split(b, ',')];
  if (listA.length > 1 || listB.length > 1) return sameInSomeOrder(listA, listB);
  const [innerA, innerB] = [bracketed(a), bracketed(b)];
  if (innerA && innerB && (innerA.parts.length > 1 || innerB.parts.length > 1)) {
    const sameBrackets = innerA.open === innerB.open && innerA.close === innerB.close;
    const same = innerA.open === '\\{' ? sameInSomeOrder : sameInOrder;
    return sameBrackets && same(innerA.parts, innerB.parts);
  }
  return sameValue(a, b);
}

const sameInOrder = (a: readonly string[], b: readonly string[]): boolean =>
  a.length > 0 && a.length === b.length && a.every((part, i) => sameParts(part, b[i] ?? ''));

function sameInSomeOrder(a: readonly string[], b: readonly string[]): boolean {
  if (a.length !== b.length || a.length > 30) return false;
  const left = [...b];
  return a.every((part) => {
    const at = left.findIndex((other) => sameParts(part, other));
    if (at >= 0) left.splice(at, 1);
    return at >= 0;
  });
}

/** `x = 5` is 5; two equations agree when their differences do, up to a sign. */
function sameEquation(a: readonly string[], b: readonly string[]): boolean {
  const named = (sides: readonly string[]): string | undefined =>
    sides.length > 1 && /^[a-zA-Z]$/.test(sides[0] ?? '') ? sides.at(-1) : undefined;
  if (a.length === 1 || b.length === 1) {
    const [x, y] = [a.length === 1 ? a[0] : named(a), b.length === 1 ? b[0] : named(b)];
    return x !== undefined && y !== undefined && sameParts(x, y);
  }
  if (a.length !== 2 || b.length !== 2) return false;
  const difference = ([left = '', right = '']: readonly string[]): string => `(${left})-(${right})`;
  return sameValue(difference(a), difference(b)) || sameValue(difference(a), `-(${difference(b)})`);
}

/** Splits at a separator outside all brackets. */
function split(text: string, separator: string): string[] {
  const parts: string[] = [];
  let depth = 0;
  let start = 0;
  for (let at = 0; at < text.length; at++) {
    if ('([{'.includes(text[at] ?? '')) depth++;
    else if (')]}'.includes(text[at] ?? '')) depth--;
    else if (depth === 0 && text.startsWith(separator, at)) {
      parts.push(text.slice(start, at));
      start = at + separator.length;
      at = start - 1;
    }
  }
  return [...parts, text.slice(start)];
}

const matrixOf = (text: string): string[] | undefined =>
  /^\\matrix\((.*)\)$/s.exec(text)?.[1]?.split(/\\\\|&/);

function bracketed(text: string): { open: string; close: string; parts: string[] } | undefined {
  const found = /^(\(|\[|\\\{)(.*?)(\)|\]|\\\})$/s.exec(text);
  if (!found) return undefined;
  const [, open = '', inner = '', close = ''] = found;
  return { open, close, parts: split(inner, ',') };
}

/** Whether two expressions have the same value wherever their letters are tried. */
function sameValue(a: string, b: string): boolean {
  return probes.every((_, shift) => {
    const [x, y] = [valueOf(a, shift), valueOf(b, shift)];
    if (x === undefined || y === undefined || Number.isNaN(x)) return false;
    if (x === y) return true;
    if (!Number.isFinite(x) || !Number.isFinite(y)) return false;
    return Math.abs(x - y) <= tolerance * Math.max(1e-3, Math.abs(x), Math.abs(y));
  });
}

/** A LaTeX expression's value; undefined where it is not one that is read here. */
function valueOf(text: string, shift: number): number | undefined {
  const reader = new Expression(text, shift);
  try {
    return reader.read();
  } catch (error) {
    if (error instanceof NotRead) return undefined;
    throw error;
  }
}

class NotRead extends Error {}

/** Sum, product, power, in the usual order, by recursive descent. */
class Expression {
  readonly #tokens: string[];
  readonly #shift: number;
  #at = 0;
  #depth = 0;

  constructor(text: string, shift: number) {
    this.#tokens = text.match(/\d+(?:\.\d+)?|\.\d+|\\[a-zA-Z]+|\S/g) ?? [];
    this.#shift = shift;
  }

  read(): number {
    const value = this.#sum();
    if (this.#at < this.#tokens.length) throw new NotRead();
    return value;
  }

  #take(token: string): boolean {
    if (this.#tokens[this.#at] !== token) return false;
    this.#at++;
    return true;
  }

  #expect(token: string): void {
    if (!this.#take(token)) throw new NotRead();
  }

  #sum(): number {
    if (++this.#depth > deepestExpression) throw new NotRead();
    let value = 0;
    let sign = this.#take('-') ? -1 : 1;
    if (sign === 1) this.#take('+');
    for (;;) {
      value += sign * this.#product();
      if (this.#take('+')) sign = 1;
      else if (this.#take('-')) sign = -1;
      else break;
    }
    this.#depth--;
    return value;
  }

  #product(): number {
    let value = this.#mixed() ?? this.#power();
    for (;;) {
      const next = this.#tokens[this.#at] ?? '';
      if (this.#take('*')) value *= this.#signed();
      else if (this.#take('/')) value /= this.#signed();
      else if (/^(?:\\frac|\\sqrt|\\pi|\\infty|[a-zA-Z]|\(|\{)$/.test(next)) value *= this.#power();
      else return value;
    }
  }

  /** `3\frac{1}{3}` is a mixed number where the fraction is of whole numbers, else a product. */
  #mixed(): number | undefined {
    const rest = this.#tokens.slice(this.#at, this.#at + 8).join(' ');
    const found = /^(\d+) \\frac (?:\{ (\d+) \} \{ (\d+) \}|(\d) (\d)(?: |$))/.exec(rest);
    if (!found) return undefined;
    const [, whole, upper = found[4], lower = found[5]] = found;
    this.#at += found[2] === undefined ? 4 : 8;
    return Number(whole) + Number(upper) / Number(lower);
  }

  #signed(): number {
    return this.#take('-') ? -this.#power() : this.#power();
  }

  #power(): number {
    const base = this.#atom();
    return this.#take('^') ? base ** this.#argument() : base;
  }

  /** What a macro or `^` applies to: a group, or one symbol. */
  #argument(): number {
    if (this.#take('{')) return this.#closed('}');
    if (this.#take('-')) return -this.#atom();
    const next = this.#tokens[this.#at] ?? '';
    if (!/^\d{2,}$/.test(next)) return this.#atom();
    // `\frac12` and `x^10` take one digit each.
    this.#tokens.splice(this.#at, 1, ...Array.from(next));
    return this.#atom();
  }

  #closed(end: string): number {
    const value = this.#sum();
    this.#expect(end);
    return value;
  }

  #atom(): number {
    const token = this.#tokens[this.#at++] ?? '';
    if (/^[\d.]/.test(token)) return Number(token);
    if (token === '(') return this.#closed(')');
    if (token === '{') return this.#closed('}');
    if (token === '\\frac') return this.#argument() / this.#argument();
    if (token === '\\pi') return Math.PI;
    if (token === '\\infty') return Infinity;
    if (token === '\\sqrt') {
      const index = this.#take('[') ? this.#closed(']') : 2;
      return this.#argument() ** (1 / index);
    }
    if (/^[a-zA-Z]$/.test(token)) {
      const letter = token.charCodeAt(0);
      return (probes[(letter + this.#shift) % probes.length] ?? 1) + letter / 97;
    }
    throw new NotRead();
  }
}
