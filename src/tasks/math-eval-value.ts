const deepestExpression = 40;

class NoValue extends Error {}

/** The value of an expression at a probe; NaN where the expression has no value. */
export interface Value {
  readonly value: number;
  /** Whether the expression contains letters. The probe gives their values. */
  readonly letters: boolean;
}

/**
 * The value of a LaTeX expression, read as LIMR's evaluator lets its algebra library read it: the
 * whole text is one expression, and a number before a fraction is a factor.
 *
 * @param probe Values that letters take, by their character code.
 * @returns undefined if the text is not an expression that this reader knows.
 */
export function valueOf(text: string, probe: readonly number[]): Value | undefined {
  const reader = new Reader(text, probe);
  try {
    return { value: reader.read(), letters: reader.letters };
  } catch (error) {
    if (error instanceof NoValue) return undefined;
    throw error;
  }
}

const functions: ReadonlyMap<string, (x: number) => number> = new Map([
  ['\\sin', Math.sin],
  ['\\cos', Math.cos],
  ['\\tan', Math.tan],
  ['\\sec', (x: number) => 1 / Math.cos(x)],
  ['\\csc', (x: number) => 1 / Math.sin(x)],
  ['\\cot', (x: number) => 1 / Math.tan(x)],
  ['\\arcsin', Math.asin],
  ['\\arccos', Math.acos],
  ['\\arctan', Math.atan],
  ['\\sinh', Math.sinh],
  ['\\cosh', Math.cosh],
  ['\\tanh', Math.tanh],
  ['\\exp', Math.exp],
  ['\\ln', Math.log],
  ['\\log', Math.log10],
]);

const greek = new Set(
  'alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi rho sigma tau phi chi psi omega'
    .split(' ')
    .map((name) => `\\${name}`),
);

/** Recursive descent over sums, products, signs and powers, in the usual precedence. */
class Reader {
  letters = false;
  readonly #tokens: readonly string[];
  readonly #probe: readonly number[];
  #at = 0;
  #depth = 0;

  constructor(text: string, probe: readonly number[]) {
    const spaced = text.replace(/\\[,!:]|~/g, '');
    // A word of four letters or more is not a product of its letters.
    if (/(?<!\\)(?<![a-zA-Z])[a-zA-Z]{4,}/.test(spaced)) this.#tokens = ['?'];
    else {
      this.#tokens =
        spaced.match(
          /\d{1,3}(?:,\d{3})+(?:\.\d+)?(?!\d)|\d+(?:\.\d*)?|\.\d+|\\[a-zA-Z]+|\\[{}]|\S/g,
        ) ?? [];
    }
    this.#probe = probe;
  }

  read(): number {
    const value = this.#sum();
    if (this.#at < this.#tokens.length) throw new NoValue();
    return value;
  }

  get #next(): string {
    return this.#tokens[this.#at] ?? '';
  }

  #take(...tokens: readonly string[]): boolean {
    if (!tokens.includes(this.#next)) return false;
    this.#at++;
    return true;
  }

  #closed(end: string): number {
    const value = this.#sum();
    if (!this.#take(end)) throw new NoValue();
    return value;
  }

  #sum(): number {
    if (++this.#depth > deepestExpression) throw new NoValue();
    let value = this.#product();
    for (;;) {
      if (this.#take('+')) value += this.#product();
      else if (this.#take('-')) value -= this.#product();
      else break;
    }
    this.#depth--;
    return value;
  }

  #product(): number {
    let value = this.#signed();
    for (;;) {
      if (this.#take('*', '\\cdot', '\\times')) value *= this.#signed();
      else if (this.#take('/', '\\div')) value /= this.#signed();
      else if (this.#startsFactor()) value *= this.#power();
      else return value;
    }
  }

  #startsFactor(): boolean {
    const next = this.#next;
    return (
      /^(?:[a-zA-Z]|[\d.].*|[({]|\\(?:frac|sqrt|pi|infty|binom|lfloor|lceil|\{))$/.test(next) ||
      functions.has(next) ||
      greek.has(next)
    );
  }

  #signed(): number {
    let sign = 1;
    for (;;) {
      if (this.#take('-')) sign = -sign;
      else if (!this.#take('+')) break;
    }
    return sign * this.#power();
  }

  #power(): number {
    const base = this.#factorial();
    if (!this.#take('^')) return base;
    const exponent = this.#take('{') ? this.#closed('}') : this.#signed();
    return base ** exponent;
  }

  #factorial(): number {
    let value = this.#atom();
    while (this.#take('!')) value = factorial(value);
    return value;
  }

  /** The argument of a macro: a group or one symbol. */
  #argument(): number {
    return this.#take('{') ? this.#closed('}') : this.#atom();
  }

  #atom(): number {
    const token = this.#next;
    this.#at++;
    if (/^[\d.]+(?:,\d{3})*/.test(token)) return Number(token.replaceAll(',', ''));
    if (token === '(') return this.#closed(')');
    if (token === '{') return this.#closed('}');
    if (token === '\\{') return this.#closed('\\}');
    if (token === '|') return Math.abs(this.#closed('|'));
    if (token === '\\frac') return this.#argument() / this.#argument();
    if (token === '\\binom') return binomial(this.#argument(), this.#argument());
    if (token === '\\lfloor') return Math.floor(this.#closed('\\rfloor'));
    if (token === '\\lceil') return Math.ceil(this.#closed('\\rceil'));
    if (token === '\\pi') return Math.PI;
    if (token === '\\infty') return Infinity;
    if (token === 'e') return Math.E;
    if (token === '\\sqrt') {
      const index = this.#take('[') ? this.#closed(']') : 2;
      const inner = this.#argument();
      return index === 2 ? Math.sqrt(inner) : index === 3 ? Math.cbrt(inner) : inner ** (1 / index);
    }
    const applied = functions.get(token);
    if (applied) return this.#applied(token, applied);
    if (/^[a-zA-Z]$/.test(token) || greek.has(token)) return this.#letter(token);
    throw new NoValue();
  }

  /** Applies a function with its exponent or base: `\sin^2 x`, `\log_2 8`. */
  #applied(name: string, f: (x: number) => number): number {
    const base = name === '\\log' && this.#take('_') ? this.#argument() : undefined;
    const exponent = this.#take('^') ? this.#argument() : 1;
    if (!this.#startsFactor()) throw new NoValue();
    const inner = this.#next === '(' ? this.#power() : this.#factors();
    const value = base === undefined ? f(inner) : Math.log(inner) / Math.log(base);
    return exponent === 1 ? value : value ** exponent;
  }

  /** The factors after the name of a function: `\sin 2x`. */
  #factors(): number {
    let value = this.#power();
    while (this.#startsFactor() && !functions.has(this.#next) && this.#next !== '(') {
      value *= this.#power();
    }
    return value;
  }

  #letter(token: string): number {
    this.letters = true;
    let name = token;
    if (this.#take('_')) {
      const parts: string[] = [];
      if (this.#take('{')) {
        while (this.#next !== '}' && this.#next !== '') parts.push(this.#tokens[this.#at++] ?? '');
        if (!this.#take('}')) throw new NoValue();
      } else parts.push(this.#tokens[this.#at++] ?? '');
      name += `_${parts.join('')}`;
    }
    let code = 0;
    for (const character of name) code = (code * 31 + (character.codePointAt(0) ?? 0)) % 9973;
    const value = this.#probe[code % this.#probe.length] ?? 1;
    return value + Math.sign(value) * (code / 9973);
  }
}

function factorial(n: number): number {
  if (!Number.isInteger(n) || n < 0 || n > 170) return NaN;
  let value = 1;
  for (let i = 2; i <= n; i++) value *= i;
  return value;
}

function binomial(n: number, k: number): number {
  if (!Number.isInteger(n) || !Number.isInteger(k) || k < 0 || n < 0 || k > n || n > 1000)
    return NaN;
  let value = 1;
  for (let i = 1; i <= Math.min(k, n - k); i++) value = (value * (n - Math.min(k, n - k) + i)) / i;
  return value;
}
