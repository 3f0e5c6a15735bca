import { type Node } from './expression.ts';
import { NotRead, type Token } from './lexer.ts';
import { type Exact, one, two, whole } from './real.ts';
import { unitOf } from './units.ts';

/** Limit on the depth of brackets, roots, exponents and signs. */
const deepest = 60;
const end: Token = { kind: 'end', text: '', blank: false };

const relations = new Set([
  '=',
  '≠',
  '<',
  '≤',
  '>',
  '≥',
  '≈',
  '∈',
  '∉',
  '→',
  '≡',
  '⊂',
  '⊆',
  '⇒',
  '⇔',
]);
const closers = new Map([
  ['(', [')', ']']],
  ['[', [']', ')', '[']],
  [']', ['[', ']']],
  ['⟨', ['⟩']],
]);
/** Letters that name a function, whatever stands in the brackets after them. */
const functionLetters = new Set(['f', 'g', 'h']);
/** Words that introduce the answer after them. */
const leads = new Set(
  'is are be equals equal answer both either about approximately approx roughly exactly get gives obtain thus hence so therefore'.split(
    ' ',
  ),
);
const baseNames = new Map(
  'two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen'
    .split(' ')
    .map((name, i) => [name, i + 2] as const),
);

/** Words that multiply the number before them. */
const multipliers = new Map<string, Exact>();
for (const [i, name] of ['hundred', 'thousand', 'million', 'billion', 'trillion'].entries())
  multipliers.set(name, whole(i === 0 ? 100 : 1000 ** i));
multipliers.set('dozen', whole(12));
for (const [i, name] of 'third fourth fifth sixth seventh eighth ninth tenth'.split(' ').entries())
  multipliers.set(`${name}s`, { n: 1n, d: BigInt(i + 3) });
multipliers.set('hundredths', { n: 1n, d: 100n });
multipliers.set('thousandths', { n: 1n, d: 1000n });
multipliers.set('halves', { n: 1n, d: 2n });

const number = (value: Exact): Node => ({ kind: 'number', value, decimal: false });
const wholeNumber = (node: Node): Exact | undefined =>
  node.kind === 'number' && node.value.d === 1n ? node.value : undefined;

/** Reads one answer. If `grouped` is false, plain commas do not group digits. */
export function parseAnswer(tokens: readonly Token[], grouped = true): Node {
  return new Parser(groupDigits(tokens, grouped)).read();
}

const plainInteger = (token: Token | undefined): boolean =>
  token?.kind === 'number' && /^\d+$/.test(token.text);

/**
 * Joins numbers whose digits are grouped in threes, by commas or blanks. A plain comma groups
 * digits only outside brackets, and only if every such comma of the answer can: `(1,234)` is a
 * point.
 */
function groupDigits(tokens: readonly Token[], grouped: boolean): Token[] {
  const result: Token[] = [];
  const plain = grouped && plainCommasGroup(tokens);
  let depth = 0;
  for (let i = 0; i < tokens.length; i++) {
    const token = tokens[i] ?? end;
    if (token.kind === 'symbol' && '([⦃⟨'.includes(token.text)) depth++;
    if (token.kind === 'symbol' && ')]⦄⟩'.includes(token.text)) depth--;
    if (!plainInteger(token) || tokens[i - 1]?.text === '_') {
      result.push(token);
      continue;
    }
    let digits = token.text;
    let [value, decimal, at] = [token.value, token.decimal ?? false, i];
    for (let groups = 0; digits.length <= 3 || groups > 0; groups++) {
      const comma = tokens[at + 1] ?? end;
      const isComma = comma.kind === 'symbol' && comma.text === ',';
      const next = tokens[at + (isComma ? 2 : 1)] ?? end;
      if (next.kind !== 'number') break;
      if (isComma && comma.marked === true && groups === 0 && !/^\d{3}(?:\.|$)/.test(next.text)) {
        // `0{,}25`: a decimal comma.
        if (!/^\d+$/.test(next.text)) break;
        digits += `.${next.text}`;
        const joined = BigInt(token.text + next.text);
        value = { n: joined, d: 10n ** BigInt(next.text.length) };
        decimal = joined % value.d !== 0n;
        at += 2;
        break;
      }
      const groupsHere = isComma
        ? comma.marked === true || (plain && depth === 0 && !comma.blank && !next.blank)
        : next.blank;
      if (!groupsHere || !/^\d{3}(?:\.\d+)?$/.test(next.text) || token.text.startsWith('0')) break;
      digits += next.text;
      const [before = '', after = ''] = digits.split('.');
      const n = BigInt(before + after);
      const d = 10n ** BigInt(after.length);
      value = { n, d };
      decimal = n % d !== 0n;
      at += isComma ? 2 : 1;
      if (after !== '') break;
    }
    result.push(at === i ? token : { ...token, text: digits, decimal, ...(value && { value }) });
    i = at;
  }
  return result;
}

/** Whether every plain comma outside brackets and without blanks can be a thousands separator. */
function plainCommasGroup(tokens: readonly Token[]): boolean {
  let depth = 0;
  for (const [i, token] of tokens.entries()) {
    if (token.kind !== 'symbol') continue;
    if ('([⦃⟨'.includes(token.text)) depth++;
    if (')]⦄⟩'.includes(token.text)) depth--;
    if (token.text !== ',' || depth !== 0 || token.marked === true) continue;
    const [before, after] = [tokens[i - 1], tokens[i + 1]];
    if (
      token.blank ||
      after?.blank === true ||
      after?.kind !== 'number' ||
      before?.kind !== 'number'
    )
      continue;
    const first = tokens[i - 2]?.text !== ',' || tokens[i - 2]?.blank === true;
    const fits = first ? /^[1-9]\d{0,2}$/ : /^\d{3}$/;
    if (!fits.test(before.text) || !/^\d{3}(?:\.\d+)?$/.test(after.text)) return false;
  }
  return true;
}

class Parser {
  readonly #tokens: Token[];
  #at = 0;
  #depth = 0;
  /** Number of open `|`. */
  #bars = 0;
  /** The currency whose sign was read in the current quantity; empty if none was. */
  #money = '';

  constructor(tokens: Token[]) {
    this.#tokens = tokens;
  }

  read(): Node {
    // Drop meaningless tokens at both ends.
    while (/^(?:=|≈|:|⇒|→)$/.test(this.#next.text) && this.#next.kind === 'symbol') this.#at++;
    if (this.#next.text === '^' && this.#tokens.at(-2)?.text === '^') {
      // **12**, bold in Markdown.
      this.#at++;
      this.#tokens.splice(-2, 1);
    }
    while (/^(?:[,;!:.]|\\\\)$/.test(this.#tokens.at(-2)?.text ?? '') && this.#tokens.length > 2) {
      if (this.#tokens.at(-2)?.text === '!' && this.#tokens.at(-3)?.kind !== 'text') break;
      this.#tokens.splice(-2, 1);
    }
    const node = this.#list([]);
    if (this.#next.kind !== 'end') throw new NotRead(this.#next.text);
    return node;
  }

  get #next(): Token {
    return this.#tokens[this.#at] ?? end;
  }

  #ahead(by: number): Token {
    return this.#tokens[this.#at + by] ?? end;
  }

  #is(text: string): boolean {
    return this.#next.kind === 'symbol' && this.#next.text === text;
  }

  #take(text: string): boolean {
    if (!this.#is(text)) return false;
    this.#at++;
    return true;
  }

  #expect(text: string): void {
    if (!this.#take(text)) throw new NotRead(`wanted ${text}`);
  }

  #deeper<T>(read: () => T): T {
    if (++this.#depth > deepest) throw new NotRead('too deep');
    const result = read();
    this.#depth--;
    return result;
  }

  /** Reads items separated by commas, semicolons, "and" and "or", up to one of `stops`. */
  #list(stops: readonly string[]): Node {
    return this.#deeper(() => {
      const items = [this.#item()];
      const bracketed = stops.some((stop) => stop === ')' || stop === ']');
      let by: ',' | 'and' | 'or' = ',';
      for (;;) {
        let separated = false;
        for (;;) {
          if (this.#take(',') || this.#take(';')) separated = true;
          else if (bracketed) break;
          else if (
            this.#take('and') ||
            this.#take('∧') ||
            (!stops.includes('&') && this.#take('&'))
          ) {
            separated = true;
            by = 'and';
          } else if (this.#take('or') || this.#take('∨')) {
            separated = true;
            by = 'or';
          } else break;
        }
        if (!separated) break;
        if (
          this.#next.kind === 'end' ||
          (this.#next.kind === 'symbol' &&
            this.#next.text !== '[' &&
            stops.includes(this.#next.text))
        )
          break;
        items.push(this.#item());
      }
      const [only] = items;
      return items.length === 1 && only ? only : { kind: 'list', items, by };
    });
  }

  #item(): Node {
    const choice = this.#choice();
    if (choice !== undefined && this.#startsOperand()) {
      if (this.#next.marked === true) throw new NotRead('two letters of choices');
      return { kind: 'choice', letter: choice, of: this.#deeper(() => this.#item()) };
    }
    if (choice !== undefined) return { kind: 'letter', name: choice, choice: true };
    const sides = [this.#side()];
    const by: string[] = [];
    while (this.#next.kind === 'symbol' && relations.has(this.#next.text)) {
      by.push(this.#next.text);
      this.#at++;
      sides.push(this.#side());
    }
    const [only] = sides;
    return by.length === 0 && only ? only : { kind: 'relation', sides, by };
  }

  /** Reads the letter of a choice: `\text{(C)}`, or `(C)` before a number. */
  #choice(): string | undefined {
    if (this.#next.kind === 'letter' && this.#next.marked === true) {
      const { text } = this.#next;
      this.#at++;
      return text;
    }
    if (/^[A-H]$/.test(this.#next.text) && this.#ahead(1).text === ')' && this.#at === 0) {
      const { text } = this.#next;
      this.#at += 2;
      return text;
    }
    const [open, letter, close, behind] = [
      this.#next,
      this.#ahead(1),
      this.#ahead(2),
      this.#ahead(3),
    ];
    const labels =
      open.text === '(' &&
      letter.kind === 'letter' &&
      /^[A-H]$/.test(letter.text) &&
      close.text === ')' &&
      (behind.kind === 'number' || behind.text === '$' || behind.text === 'frac');
    if (!labels) return undefined;
    this.#at += 3;
    return letter.text;
  }

  /** Reads one side of a relation, with the words that introduce it. */
  #side(): Node {
    if (!this.#isWord()) return this.#ratio();
    let words = this.#words();
    if (this.#take('_')) words += `_${this.#subscript()}`;
    const named = this.#wordedFunction(words);
    if (named) return named;
    if (!this.#startsOperand()) {
      if (this.#is(':')) {
        this.#at++;
        return {
          kind: 'relation',
          by: ['='],
          sides: [{ kind: 'words', text: words }, this.#side()],
        };
      }
      return { kind: 'words', text: words };
    }
    const last = words.toLowerCase().split(/[\s]+/).at(-1) ?? '';
    if (!leads.has(last.replace(/[:,]$/, '')) && !last.endsWith(':'))
      throw new NotRead('words before a value');
    return this.#side();
  }

  /** Reads a function named by words: `\operatorname{Var}(X) = 3`. */
  #wordedFunction(name: string): Node | undefined {
    if (!this.#is('(')) return undefined;
    let text = '';
    for (let by = 1; by < 12; by++) {
      const token = this.#ahead(by);
      if (token.kind === 'end' || token.text === '(') return undefined;
      if (token.text === ')') {
        if (this.#ahead(by + 1).text !== '=') return undefined;
        this.#at += by + 1;
        return { kind: 'apply', name, args: [{ kind: 'words', text }] };
      }
      text += token.text;
    }
    return undefined;
  }

  #isWord(): boolean {
    return this.#next.kind === 'word' || this.#next.kind === 'text';
  }

  #words(): string {
    const words: string[] = [];
    for (;;) {
      if (this.#isWord()) words.push(this.#next.text);
      // "x is odd", "a pair": letters between words belong to the words.
      else if (
        this.#next.kind === 'letter' &&
        words.length > 0 &&
        this.#next.blank &&
        this.#ahead(1).blank &&
        /^(?:word|text)$/.test(this.#ahead(1).kind)
      )
        words.push(this.#next.text);
      else return words.join(' ');
      this.#at++;
    }
  }

  #ratio(): Node {
    const start = this.#at;
    const parts = [this.#sets()];
    while (this.#is(':') && this.#bars === 0) {
      this.#at++;
      parts.push(this.#sets());
    }
    const [only] = parts;
    if (parts.length === 1 && only) return only;
    const written = this.#tokens.slice(start, this.#at).filter(({ kind }) => kind === 'number');
    const clock =
      written.length === parts.length &&
      written.every(({ text }, i) => (i === 0 ? /^\d{1,2}$/ : /^[0-5]\d$/).test(text)) &&
      Number(written[0]?.text) <= 24;
    // The unit in `3:30 pm` applies to the whole ratio.
    const last = parts.at(-1);
    const unit = last?.kind === 'quantity' ? last : undefined;
    const bare = unit ? [...parts.slice(0, -1), unit.of] : parts;
    const ratio: Node = { kind: 'ratio', parts: bare, clock };
    return unit ? { ...unit, of: ratio } : ratio;
  }

  #sets(): Node {
    let left = this.#quantity();
    for (;;) {
      const { text, kind } = this.#next;
      if (kind !== 'symbol' || (text !== '∪' && text !== '∩' && text !== '∖')) return left;
      this.#at++;
      const right = this.#quantity();
      left =
        left.kind === 'sets' && left.operator === text && text !== '∖'
          ? { ...left, parts: [...left.parts, right] }
          : { kind: 'sets', operator: text, parts: [left, right] };
    }
  }

  /** Reads an expression with its unit: `5 cm`, `\$5`, `2\text{ hr }30\text{ min}`. */
  #quantity(): Node {
    const outer = this.#money;
    this.#money = '';
    let of = this.#sum();
    let unit = this.#unit();
    if (unit === '') unit = this.#moneyRead();
    this.#money = outer;
    const [first = '', ...others] = unit.split(' ');
    const multiplier = multipliers.get(first.toLowerCase());
    if (multiplier) {
      of = { kind: 'product', factors: [of, number(multiplier)] };
      unit = others.join(' ');
    }
    let compound = false;
    while (unit !== '' && (this.#next.kind === 'number' || this.#continues(unit))) {
      this.#take('and');
      const more = this.#sum();
      const lesser = this.#unit();
      if (lesser === '') throw new NotRead('a number behind words');
      of =
        compound && of.kind === 'list'
          ? { ...of, items: [...of.items, more] }
          : { kind: 'list', items: [of, more], by: ',' };
      unit += `; ${lesser}`;
      compound = true;
    }
    return unit === '' ? of : { kind: 'quantity', of, unit, compound };
  }

  /** Whether a number in a smaller unit of the same kind follows: "2 hours and 30 minutes". */
  #continues(unit: string): boolean {
    if (!this.#is('and') || this.#ahead(1).kind !== 'number') return false;
    const next = this.#ahead(2);
    if (next.kind !== 'text' && next.kind !== 'word') return false;
    const [larger, smaller] = [unitOf(unit.split('; ').at(-1) ?? ''), unitOf(next.text)];
    const falls = larger.factor.n * smaller.factor.d > smaller.factor.n * larger.factor.d;
    return larger.kinds !== undefined && larger.kinds === smaller.kinds && falls;
  }

  #moneyRead(): string {
    return this.#money;
  }

  #unit(): string {
    let unit = '';
    for (;;) {
      const { kind, text } = this.#next;
      if (kind === 'text' || kind === 'word') unit += ` ${text}`;
      else if (kind === 'call' && this.#isUnitFraction()) {
        unit += ` ${this.#ahead(2).text}/${this.#ahead(5).text}`;
        this.#at += 6;
      }
      // A letter after a slash is part of the unit.
      else if (kind === 'letter' && /\/$/.test(unit)) unit += text;
      // "0.25 and cm": an "and" between a number and its unit joins no values.
      else if (
        kind === 'symbol' &&
        text === 'and' &&
        unit === '' &&
        this.#ahead(-1).kind === 'number' &&
        this.#ahead(1).kind === 'text' &&
        this.#ahead(2).kind === 'end'
      )
        unit = '';
      else if (
        unit !== '' &&
        text === '*' &&
        (/^(?:text|word)$/.test(this.#ahead(1).kind) || /^[mgshNLK]$/.test(this.#ahead(1).text))
      ) {
        // `\text{ N}\cdot\text{m}`
        this.#at++;
        unit += ` ${this.#next.text}`;
      } else if (unit !== '' && text === '^' && this.#ahead(1).kind === 'number') {
        unit += `^${this.#ahead(1).text}`;
        this.#at++;
      } else if (
        unit !== '' &&
        text === '^' &&
        this.#ahead(1).text === '{' &&
        this.#ahead(3).text === '}'
      ) {
        unit += `^${this.#ahead(2).text}`;
        this.#at += 3;
      } else if (unit !== '' && text === '/' && /^(?:text|word|letter)$/.test(this.#ahead(1).kind))
        unit += '/';
      else return unit.trim();
      this.#at++;
    }
  }

  #startsOperand(): boolean {
    const { kind, text } = this.#next;
    return kind === 'symbol'
      ? '([{⦃⟨⌊⌈|‖+-±∓∞∅$'.includes(text)
      : kind !== 'end' && kind !== 'close';
  }

  /** Whether the next token continues a product without a multiplication sign. */
  #startsFactor(previous: Node): boolean {
    const { kind, text, blank } = this.#next;
    switch (kind) {
      case 'letter':
      case 'begin':
        return true;
      case 'call':
        return text !== 'over' && text !== 'choose' && !this.#isUnitFraction();
      case 'number': {
        // Two adjacent numbers are not a product, nor is `x2`.
        const last = this.#tokens[this.#at - 1] ?? end;
        if (last.kind === 'number' || previous.kind === 'number') return false;
        return last.kind !== 'letter' || blank;
      }
      case 'symbol':
        if (text === '|') return this.#bars === 0;
        return '({⌊⌈∞['.includes(text) && (text !== '[' || this.#ahead(1).kind !== 'end');
      default:
        return false;
    }
  }

  /** Whether a fraction of units follows: `\frac{\text{km}}{\text{h}}`. */
  #isUnitFraction(): boolean {
    const [over, under] = [this.#ahead(2), this.#ahead(5)];
    const braces = [1, 3, 4, 6].map((by) => this.#ahead(by).text).join('');
    const kinds = [over.kind, under.kind];
    return (
      this.#next.text === 'frac' &&
      braces === '{}{}' &&
      kinds.every((kind) => /^(?:text|word|letter)$/.test(kind)) &&
      kinds.some((kind) => kind !== 'letter')
    );
  }

  #sum(): Node {
    return this.#deeper(() => {
      const terms: Node[] = [];
      for (;;) {
        const term = this.#signed();
        terms.push(term);
        if (!/^[-+±∓]$/.test(this.#next.text) || this.#next.kind !== 'symbol') break;
      }
      const [only] = terms;
      const sum: Node = terms.length === 1 && only ? only : { kind: 'sum', terms };
      if (this.#next.kind !== 'call') return sum;
      if (this.#next.text === 'over') {
        this.#at++;
        return { kind: 'quotient', over: sum, under: this.#sum() };
      }
      if (this.#next.text === 'choose') {
        this.#at++;
        return { kind: 'call', name: 'binom', args: [sum, this.#sum()] };
      }
      return sum;
    });
  }

  /** Reads signs and the product after them. */
  #signed(): Node {
    const signs: string[] = [];
    while (this.#next.kind === 'symbol' && /^[-+±∓]$/.test(this.#next.text)) {
      signs.push(this.#next.text);
      this.#at++;
    }
    const minus = signs.filter((sign) => sign === '-').length % 2 === 1;
    const both = signs.filter((sign) => sign === '±' || sign === '∓');
    if (both.length > 1) throw new NotRead('signs');
    const product = this.#product();
    const signed: Node = minus ? negated(product) : product;
    return both.length === 0 ? signed : { kind: 'plusMinus', of: signed, flipped: both[0] === '∓' };
  }

  #product(): Node {
    let factors: Node[] = [];
    // `5 m`: a letter apart from the number before it may be a unit.
    let isApart = false;
    const whole = (): Node => {
      const [only] = factors;
      if (factors.length === 1 && only) return only;
      return isApart ? { kind: 'product', factors, loose: true } : { kind: 'product', factors };
    };
    factors.push(this.#mixed() ?? this.#power());
    for (;;) {
      const { blank, kind, text } = this.#next;
      if (kind !== 'end' && isApart && !/^[-+,;=<>≤≥)\]]$/.test(text)) isApart = false;
      if (this.#take('*')) factors.push(this.#signedFactor());
      else if (this.#take('/')) {
        const under = this.#signedFactor();
        factors = [{ kind: 'quotient', over: whole(), under }];
      } else if (this.#next.text === '…' && this.#next.kind === 'symbol') return whole();
      else {
        const last = factors.at(-1);
        if (last === undefined || !this.#startsFactor(last)) return whole();
        if (last.kind === 'call' && last.name === 'dots') return whole();
        factors.push(this.#power());
        isApart = blank && kind === 'letter' && /^[mgshLNJWVK]$/.test(text);
      }
    }
  }

  #signedFactor(): Node {
    if (this.#take('-')) return negated(this.#deeper(() => this.#signedFactor()));
    if (this.#take('+')) return this.#deeper(() => this.#signedFactor());
    return this.#power();
  }

  /**
   * Reads a mixed number: `3\frac{1}{3}`, a whole number before a proper fraction of whole numbers.
   */
  #mixed(): Node | undefined {
    const [integer, frac] = [this.#next, this.#ahead(1)];
    if (!plainInteger(integer) || frac.kind !== 'call' || frac.text !== 'frac') return undefined;
    // Each part of the fraction is a number in braces, or one digit of a number.
    const parts: string[] = [];
    let at = 2;
    let rest = '';
    while (parts.length < 2) {
      if (rest !== '') {
        parts.push(rest.charAt(0));
        rest = rest.slice(1);
      } else if (this.#ahead(at).text === '{' && this.#ahead(at + 2).text === '}') {
        if (!plainInteger(this.#ahead(at + 1))) return undefined;
        parts.push(this.#ahead(at + 1).text);
        at += 3;
      } else if (plainInteger(this.#ahead(at))) {
        const { text } = this.#ahead(at);
        parts.push(text.charAt(0));
        rest = text.slice(1);
        at++;
      } else return undefined;
    }
    const [over, under] = parts.map(BigInt);
    if (rest !== '' || over === undefined || under === undefined || over <= 0n || over >= under)
      return undefined;
    this.#at += at;
    return number({ n: (integer.value ?? one).n * under + over, d: under });
  }

  #power(): Node {
    let base = this.#postfix(this.#atom());
    while (this.#take('^')) {
      const top = this.#is('{') && this.#ahead(1).text === '\\top' && this.#ahead(2).text === '}';
      if (
        base.kind === 'matrix' &&
        (/^(?:\\top|T|\\intercal)$/.test(this.#next.text) ||
          top ||
          (this.#is('{') && this.#ahead(1).text === 'T' && this.#ahead(2).text === '}'))
      ) {
        this.#at += this.#is('{') ? 3 : 1;
        base = transposed(base);
        continue;
      }
      const exponent = this.#deeper(() => this.#argument(false));
      const letter = base.kind === 'letter' && functionLetters.has(base.name) ? base.name : '';
      if (letter !== '' && this.#is('(') && wholeNumber(exponent)?.n === -1n) {
        base = { kind: 'apply', name: `${letter}^-1`, args: this.#parenthesised() };
        continue;
      }
      // `45^o`
      if (base.kind === 'number' && exponent.kind === 'letter' && exponent.name === 'o') {
        base = { kind: 'degrees', of: base };
        continue;
      }
      // `2^3^2`: the upper power first.
      if (this.#is('^')) {
        this.#at++;
        const upper = this.#deeper(() => this.#tower());
        base = {
          kind: 'power',
          base,
          exponent: { kind: 'power', base: exponent, exponent: upper },
        };
      } else base = { kind: 'power', base, exponent };
      base = this.#postfix(base);
    }
    return base;
  }

  #tower(): Node {
    const base = this.#argument(false);
    if (!this.#take('^')) return base;
    return { kind: 'power', base, exponent: this.#deeper(() => this.#tower()) };
  }

  #postfix(of: Node): Node {
    let node = of;
    for (;;) {
      if (this.#take('%')) node = { kind: 'percent', of: node };
      else if (this.#is('°')) {
        this.#at++;
        node = { kind: 'degrees', of: node };
        // `25°C`: degrees on a temperature scale.
        if (/^[CF]$/.test(this.#next.text)) {
          node = { kind: 'quantity', of: of, unit: `degrees ${this.#next.text}`, compound: false };
          this.#at++;
        }
      } else if (this.#is('!') && this.#ahead(1).text === '!' && !this.#ahead(1).blank) {
        this.#at += 2;
        node = { kind: 'call', name: 'double factorial', args: [node] };
      } else if (this.#take('!')) node = { kind: 'call', name: 'factorial', args: [node] };
      else if (this.#is("'") && node.kind === 'letter') {
        this.#at++;
        node = { ...node, name: `${node.name}'` };
      } else return node;
    }
  }

  /**
   * Reads the argument of `^`, `\frac` or a root: a group or one symbol; with `oneDigit`, one
   * digit, as in `\frac12`.
   */
  #argument(oneDigit: boolean): Node {
    if (this.#take('{')) {
      const inner = this.#sum();
      this.#expect('}');
      return inner;
    }
    if (oneDigit && this.#next.kind === 'number' && /^\d\d/.test(this.#next.text)) {
      const { text } = this.#next;
      if (!/^[\d.]+$/.test(text)) throw new NotRead(text);
      this.#tokens[this.#at] = {
        ...this.#next,
        text: text.slice(1),
        blank: false,
        ...valueOfDigits(text.slice(1)),
      };
      return number(whole(Number(text.charAt(0))));
    }
    if (!oneDigit && this.#take('-')) return negated(this.#deeper(() => this.#argument(false)));
    if (!oneDigit && this.#take('+')) return this.#deeper(() => this.#argument(false));
    return this.#atom();
  }

  #atom(): Node {
    return this.#deeper(() => this.#atomHere());
  }

  #atomHere(): Node {
    const token = this.#next;
    switch (token.kind) {
      case 'number':
        return this.#numeral();
      case 'letter':
        return this.#letter();
      case 'call':
        this.#at++;
        return this.#call(token.text);
      case 'begin':
        return this.#environment();
      case 'symbol':
        return this.#chosen() ?? this.#bracketed(token);
      case 'text':
        // `\text{Area}` in an equation.
        return { kind: 'words', text: this.#words() };
      default:
        throw new NotRead(token.text);
    }
  }

  /** Reads a number of choices: `_5C_2`, `{}^5C_2`. */
  #chosen(): Node | undefined {
    const braced = this.#ahead(1).text === '{';
    const of = this.#ahead(braced ? 2 : 1);
    const letter = this.#ahead(braced ? 4 : 2);
    const isCount = /^(?:number|letter)$/.test(of.kind) && /^[CP]$/.test(letter.text);
    if (!/^[_^]$/.test(this.#next.text) || !isCount) return undefined;
    if (braced && this.#ahead(3).text !== '}') return undefined;
    if (this.#ahead(braced ? 5 : 3).text !== '_') return undefined;
    this.#at++;
    const all = this.#argument(false);
    this.#at += 2;
    const some = this.#argument(false);
    const binomial: Node = { kind: 'call', name: 'binom', args: [all, some] };
    if (letter.text === 'C') return binomial;
    const orders: Node = { kind: 'call', name: 'factorial', args: [some] };
    return { kind: 'product', factors: [binomial, orders] };
  }

  #numeral(): Node {
    const based = this.#based();
    if (based) return based;
    const token = this.#next;
    this.#at++;
    const { value = one, decimal = false } = token;
    // 0.1\overline{6}, 0.\dot{3}
    const mark = this.#next;
    const repeats =
      mark.kind === 'call' &&
      (mark.text === 'overline' || mark.text === 'mark dot') &&
      token.text.includes('.');
    const digits = this.#ahead(2);
    if (
      repeats &&
      this.#ahead(1).text === '{' &&
      plainInteger(digits) &&
      this.#ahead(3).text === '}'
    ) {
      this.#at += 4;
      const places = token.text.length - token.text.indexOf('.') - 1;
      const [shift, period] = [10n ** BigInt(places), 10n ** BigInt(digits.text.length) - 1n];
      const before = BigInt(token.text.replace('.', ''));
      return number({ n: before * period + BigInt(digits.text), d: shift * period });
    }
    return { kind: 'number', value, decimal };
  }

  /** Reads digits with their base as a subscript: `101_2`, `152A_{11}`. */
  #based(): Node | undefined {
    let at = 0;
    let digits = '';
    let numbers = 0;
    for (; at < 64; at++) {
      const token = this.#ahead(at);
      const isDigits = token.kind === 'number' && token.value !== undefined;
      if (isDigits) numbers++;
      if (!(
        isDigits ||
        ((token.kind === 'letter' || token.kind === 'word') && /^[A-Z]+$/.test(token.text))
      ))
        break;
      if (at > 0 && token.blank) break;
      digits += token.text;
    }
    if (numbers === 0 || this.#ahead(at).text !== '_') return undefined;
    const braced = this.#ahead(at + 1).text === '{';
    const parenthesis = braced && this.#ahead(at + 2).text === '(' ? 1 : 0;
    const subscript = this.#ahead(at + 1 + (braced ? 1 : 0) + parenthesis);
    const base = plainInteger(subscript)
      ? Number(subscript.text)
      : baseNames.get(subscript.text.toLowerCase());
    if (base === undefined || base < 2 || base > 36) return undefined;
    const fits = Array.from(digits.replace('.', '')).every((digit) => parseInt(digit, 36) < base);
    if (!fits) return undefined;
    this.#at += at + 2 + (braced ? 2 : 0) + 2 * parenthesis;
    return { kind: 'based', digits: digits.replace(/^0+(?=\w)/, ''), base };
  }

  #letter(): Node {
    const based = /^[A-Z]$/.test(this.#next.text) ? this.#based() : undefined;
    if (based) return based;
    let name = this.#next.text;
    this.#at++;
    if (this.#next.text === '_' && this.#next.kind === 'symbol') {
      this.#at++;
      name += `_${this.#subscript()}`;
    }
    while (this.#take("'")) name += "'";
    const args = this.#arguments(name);
    return args ? { kind: 'apply', name, args } : { kind: 'letter', name };
  }

  /** Reads the brackets after a letter, if they hold the arguments of a function. */
  #arguments(name: string): readonly Node[] | undefined {
    const event = this.#event(name);
    if (event !== undefined) return [{ kind: 'words', text: event }];
    if (!this.#is('(')) return undefined;
    if (!functionLetters.has(name.charAt(0))) {
      // P(x), A(2) and u(x, t) are functions; x(x + 1) is a product.
      let at = 1;
      for (; ; at += 2) {
        const token = this.#ahead(at);
        const isArgument =
          token.kind === 'letter' || (token.kind === 'number' && /^[A-Z]/.test(name));
        if (!isArgument || token.text === name) return undefined;
        if (this.#ahead(at + 1).text !== ',') break;
      }
      if (this.#ahead(at + 1).text !== ')' || this.#ahead(at + 2).text === '∪') return undefined;
    }
    this.#at++;
    const inner = this.#list([')']);
    this.#expect(')');
    return inner.kind === 'list' ? inner.items : [inner];
  }

  /** Reads an event or a random variable in brackets: `P(X = 2)`, `P(A | B)`, `\mathbb{E}[X]`. */
  #event(name: string): string | undefined {
    const isCertain = /^\\(?:Pr|mathbb\{[PE]\})$/.test(name);
    if (!(isCertain || /^[PEn]$/.test(name)) || !(this.#is('(') || this.#is('['))) return undefined;
    let text = '';
    let tells = isCertain;
    let at = 0;
    for (let depth = 0; ; at++) {
      const token = this.#ahead(at);
      if (token.kind === 'end') return undefined;
      if (token.kind === 'symbol' && '(['.includes(token.text)) depth++;
      if (token.kind === 'symbol' && ')]'.includes(token.text) && --depth === 0) break;
      if (relations.has(token.text) || /^[∪∩|]$/.test(token.text) || token.kind === 'text')
        tells = true;
      if (at > 0) text += token.text;
    }
    if (!tells) return undefined;
    this.#at += at + 1;
    return text;
  }

  #subscript(): string {
    if (!this.#take('{')) {
      const { text } = this.#next;
      if (this.#next.kind === 'end') throw new NotRead('_');
      this.#at++;
      return text;
    }
    let text = '';
    for (let depth = 1; ; this.#at++) {
      const token = this.#next;
      if (token.kind === 'end') throw new NotRead('_');
      if (token.text === '{') depth++;
      if (token.text === '}' && --depth === 0) break;
      if (token.text !== '{' && token.text !== '}') text += token.text;
    }
    this.#at++;
    return text;
  }

  #bracketed(token: Token): Node {
    const { text } = token;
    this.#at++;
    switch (text) {
      case '∞':
        return { kind: 'infinity' };
      case '∅':
        return { kind: 'set', items: [] };
      case '…':
        return { kind: 'call', name: 'dots', args: [] };
      case '$':
        this.#money = token.unit ?? 'dollars';
        return this.#atom();
      case '{':
        return this.#group();
      case '⦃':
        return this.#set();
      case '|':
        return this.#bar();
      case '‖': {
        const inner = this.#sum();
        this.#expect('‖');
        return { kind: 'apply', name: 'norm', args: [inner] };
      }
      case '⌊':
      case '⌈': {
        const inner = this.#sum();
        this.#expect(text === '⌊' ? '⌋' : '⌉');
        return { kind: 'call', name: text === '⌊' ? 'floor' : 'ceil', args: [inner] };
      }
      default: {
        const closing = closers.get(text);
        if (closing) return this.#tuple(text, closing);
        throw new NotRead(text);
      }
    }
  }

  #bar(): Node {
    this.#bars++;
    let inner = this.#sum();
    const { text: operator } = this.#next;
    if (operator === '∪' || operator === '∩') {
      this.#at++;
      inner = { kind: 'sets', operator, parts: [inner, this.#sum()] };
    }
    this.#bars--;
    this.#expect('|');
    return determinantOf(inner) ?? { kind: 'call', name: 'abs', args: [inner] };
  }

  /** Reads braces of LaTeX. Braces around a list are meant as a set's. */
  #group(): Node {
    if (this.#take('}')) return this.#atom();
    const bars = this.#bars;
    this.#bars = 0;
    const inner = this.#list(['}']);
    this.#expect('}');
    this.#bars = bars;
    return inner.kind === 'list' ? { kind: 'set', items: inner.items } : inner;
  }

  #set(): Node {
    if (this.#take('⦄')) return { kind: 'set', items: [] };
    // `{x : x > 3}`, `{x | x > 3}`
    this.#bars++;
    const first = this.#list(['⦄']);
    this.#bars--;
    if (this.#take(':') || this.#take('|')) {
      const condition = this.#list(['⦄']);
      this.#expect('⦄');
      return { kind: 'builder', of: first, condition };
    }
    this.#expect('⦄');
    return { kind: 'set', items: first.kind === 'list' ? first.items : [first] };
  }

  #tuple(open: string, closing: readonly string[]): Node {
    const bars = this.#bars;
    this.#bars = 0;
    if (plainInteger(this.#next) && this.#ahead(1).text === ')' && this.#ahead(2).text === '_') {
      // `(101)_2`
      this.#tokens.splice(this.#at + 1, 1);
      return this.#atom();
    }
    const inner = this.#list(closing);
    this.#bars = bars;
    const close = this.#next.text;
    if (this.#next.kind !== 'symbol' || !closing.includes(close))
      throw new NotRead(`wanted ${closing.join(' ')}`);
    this.#at++;
    if (inner.kind !== 'list') return inner;
    const rows = open === '[' && close === ']' ? rowsOf(inner.items) : undefined;
    if (rows) return { kind: 'matrix', rows, of: 'matrix' };
    // ]a, b[ is (a, b).
    const round = (bracket: string, outward: string): string =>
      bracket === '⟨' || bracket === outward ? '(' : bracket === '⟩' ? ')' : bracket;
    const tuple = {
      open: round(open, ']'),
      close: close === '[' || close === '⟩' ? ')' : close,
    };
    return { kind: 'tuple', items: inner.items, ...tuple };
  }

  #environment(): Node {
    const { text: environment } = this.#next;
    this.#at++;
    const kinds = new Map([
      ['pmatrix', 'matrix'],
      ['bmatrix', 'matrix'],
      ['Bmatrix', 'matrix'],
      ['matrix', 'matrix'],
      ['smallmatrix', 'matrix'],
      ['psmallmatrix', 'matrix'],
      ['bsmallmatrix', 'matrix'],
      ['array', 'matrix'],
      ['vmatrix', 'det'],
      ['cases', 'cases'],
      ['rcases', 'cases'],
      ['dcases', 'cases'],
    ]);
    const of = kinds.get(environment);
    if (of === undefined) throw new NotRead(environment);
    const rows: Node[][] = [];
    let row: Node[] = [];
    for (;;) {
      if (this.#next.kind === 'letter' && this.#next.text === '\\hline') {
        this.#at++;
        continue;
      }
      const ends = this.#next.kind === 'close';
      if (ends || this.#is('\\\\')) {
        this.#at++;
        if (row.length > 0) rows.push(row);
        row = [];
        if (ends) break;
        continue;
      }
      if (row.length > 0) this.#expect('&');
      row.push(this.#list(['&', '\\\\']));
      if (of === 'cases') while (this.#is(',')) this.#at++;
    }
    // Cases in one column are a list.
    if (of === 'cases' && rows.every(({ length }) => length === 1))
      return { kind: 'list', items: rows.flat(), by: ',' };
    const [first] = rows;
    if (!first || rows.some(({ length }) => length !== first.length))
      throw new NotRead('rows of unequal length');
    return { kind: 'matrix', rows, of };
  }

  #call(name: string): Node {
    switch (name) {
      case 'frac':
        return { kind: 'quotient', over: this.#argument(true), under: this.#argument(true) };
      case 'binom':
        return this.#is('(')
          ? { kind: 'call', name, args: this.#parenthesised() }
          : { kind: 'call', name, args: [this.#argument(true), this.#argument(true)] };
      case 'sqrt': {
        let index: Node | undefined;
        if (this.#take('[')) {
          index = this.#sum();
          this.#expect(']');
        }
        const of = this.#argument(false);
        return index
          ? { kind: 'call', name: 'root', args: [of, index] }
          : { kind: 'call', name, args: [of] };
      }
      case 'cbrt':
        return { kind: 'call', name: 'root', args: [this.#argument(false), number(whole(3))] };
      case 'max':
      case 'min':
        // `\max f`, `\max f(x)`
        if (this.#next.kind === 'letter') return { kind: 'apply', name, args: [this.#atom()] };
        return { kind: 'call', name, args: this.#parenthesised() };
      case 'gcd':
      case 'lcm':
      case 'abs':
      case 'floor':
      case 'ceil':
      case 'factorial':
        return { kind: 'call', name, args: this.#parenthesised() };
      case 'det': {
        const of = this.#atom();
        return determinantOf(of) ?? { kind: 'apply', name, args: [of] };
      }
      case 'overline':
        return this.#marked('overline');
      case 'over':
      case 'choose':
        throw new NotRead(name);
      default:
        return name.startsWith('mark ') ? this.#marked(name.slice(5)) : this.#function(name);
    }
  }

  /** Reads a marked name: `\overline{AB}`, `\vec{v}`. */
  #marked(mark: string): Node {
    return { kind: 'letter', name: `${mark} ${this.#subscript()}` };
  }

  #parenthesised(): readonly Node[] {
    const open = this.#next.text;
    const close = new Map([
      ['(', ')'],
      ['⦃', '⦄'],
      ['{', '}'],
      ['[', ']'],
    ]).get(open);
    if (close === undefined || this.#next.kind !== 'symbol') throw new NotRead('wanted (');
    this.#at++;
    const inner = this.#list([close]);
    this.#expect(close);
    return inner.kind === 'list' ? inner.items : [inner];
  }

  /** Reads a function of one argument, with the power and the base before the argument. */
  #function(name: string): Node {
    let exponent: Node | undefined;
    let base: Node | undefined;
    for (;;) {
      if (exponent === undefined && this.#take('^')) exponent = this.#argument(false);
      else if (base === undefined && name === 'log' && this.#take('_')) base = this.#logBase();
      else break;
    }
    let of: Node;
    if (this.#is('(') || this.#is('{') || this.#is('[')) of = this.#atom();
    else of = this.#deeper(() => this.#functionArgument());
    // `log(8, 2)`, as programs write a logarithm.
    if (name === 'log' && !base && of.kind === 'tuple' && of.items.length === 2)
      return { kind: 'call', name, args: of.items };
    const [called, args] = base ? ['log', [of, base]] : meaningOf(name, of);
    const inverse = exponent !== undefined && wholeNumber(exponent)?.n === -1n;
    if (inverse && /^(?:sin|cos|tan|cot|sec|csc)h?$/.test(called))
      return { kind: 'call', name: called.endsWith('h') ? `ar${called}` : `arc${called}`, args };
    const call: Node = { kind: 'call', name: called, args };
    return exponent ? { kind: 'power', base: call, exponent } : call;
  }

  /** Reads the base of a logarithm: 2 in `\log_28`, 10 in `\log_10 x`. */
  #logBase(): Node {
    const { text, kind } = this.#next;
    if (kind === 'number' && /^\d\d+$/.test(text)) {
      const behind = this.#ahead(1);
      const goesOn = behind.kind !== 'end' && !/^[-+,;)}\]=*/]$/.test(behind.text);
      return this.#argument(!goesOn);
    }
    return this.#argument(true);
  }

  #functionArgument(): Node {
    if (this.#take('-')) return negated(this.#functionArgument());
    const factors = [this.#mixed() ?? this.#power()];
    for (;;) {
      const last = factors.at(-1);
      if (!last || (this.#next.kind === 'call' && !/^(?:frac|sqrt)$/.test(this.#next.text))) break;
      if (!this.#startsFactor(last) || this.#is('(')) break;
      factors.push(this.#power());
    }
    const [only] = factors;
    return factors.length === 1 && only ? only : { kind: 'product', factors };
  }
}

/** The name and the arguments of a call. The logarithms `log`, `lg` and `lb` get their base. */
function meaningOf(name: string, of: Node): [string, readonly Node[]] {
  const ten = number(whole(10));
  if (name === 'log' || name === 'lg') return ['log', [of, ten]];
  if (name === 'lb') return ['log', [of, number(two)]];
  return [name, [of]];
}

/** The rows of `[[1, 2], [3, 4]]`. */
function rowsOf(items: readonly Node[]): readonly (readonly Node[])[] | undefined {
  const rows: (readonly Node[])[] = [];
  for (const item of items) {
    if (item.kind !== 'tuple' || item.open !== '[' || item.close !== ']') return undefined;
    if (item.items.length !== (rows[0] ?? item.items).length) return undefined;
    rows.push(item.items);
  }
  return rows;
}

function valueOfDigits(text: string): { value: Exact; decimal: boolean } {
  const [before = '', after = ''] = text.split('.');
  const value = { n: BigInt(before + after), d: 10n ** BigInt(after.length) };
  return { value, decimal: after !== '' };
}

/** The determinant of a square matrix: `|A|` or `\det A`. Undefined for any other node. */
function determinantOf(node: Node): Node | undefined {
  if (node.kind !== 'matrix' || node.of !== 'matrix') return undefined;
  return node.rows.every(({ length }) => length === node.rows.length)
    ? { ...node, of: 'det' }
    : undefined;
}

/** Negates a node. A number stays a number. */
function negated(node: Node): Node {
  if (node.kind === 'number') return { ...node, value: { n: -node.value.n, d: node.value.d } };
  if (node.kind === 'quantity' && !node.compound) return { ...node, of: negated(node.of) };
  return { kind: 'negate', of: node };
}

function transposed(matrix: Node & { kind: 'matrix' }): Node {
  const [first = []] = matrix.rows;
  return {
    ...matrix,
    rows: first.map((_, j) => matrix.rows.map((row) => row[j] ?? row[0] ?? matrix)),
  };
}
