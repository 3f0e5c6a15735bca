import { type Node } from './expression.ts';
import {
  Arithmetic,
  bitLength,
  isExact,
  one,
  type Real,
  two,
  Undefined,
  whole,
  zero,
} from './real.ts';
import { TooCostly, type Work } from './work.ts';

/** A number, complex where `im` is not null. */
export interface Value {
  readonly re: Real;
  readonly im: Real | null;
}

/** Thrown if a node is not a number: an interval, a list, words. */
export class NoNumber extends Error {}

const largestFactorial = 6000n;
/** Bits of values at probes of the letters: 57 digits. */
const probeBits = 192;

/** Gives each letter a value, except `i`, `e` and `π`, which have their own. */
export type Letters = (name: string) => Real;

const noLetters: Letters = (name) => {
  throw new NoNumber(name);
};

/**
 * Evaluates expressions: exactly if everything is rational, otherwise to 154 digits, or to 57
 * digits at probes of the letters. With `letters`, even roots and logarithms of negative numbers
 * are undefined; without `letters` they are complex.
 */
export class Evaluation {
  readonly real: Arithmetic;
  readonly #work: Work;
  readonly #letters: Letters;
  readonly #isReal: boolean;

  /**
   * @param letters Values of the letters; left out, letters other than constants are refused.
   * @param bits Bits of inexact numbers. Default: 192 with `letters`, otherwise 512.
   */
  constructor(work: Work, letters?: Letters, bits = letters ? probeBits : undefined) {
    this.#work = work;
    this.real = new Arithmetic(work, bits);
    this.#letters = letters ?? noLetters;
    this.#isReal = letters !== undefined;
  }

  /**
   * @param angle Whether the node is the angle of a trigonometric function, so that degrees become
   *   radians.
   */
  of(node: Node, angle = false): Value {
    this.#work.spend(1);
    const { real } = this;
    switch (node.kind) {
      case 'number':
        return { re: node.value, im: null };
      case 'letter':
        return this.#letter(node.name);
      case 'sum':
        return node.terms.map((term) => this.of(term, angle)).reduce((a, b) => this.add(a, b));
      case 'product':
        return node.factors
          .map((factor) => this.of(factor, angle))
          .reduce((a, b) => this.multiply(a, b));
      case 'negate':
        return this.#negate(this.of(node.of, angle));
      case 'quotient':
        return this.divide(this.of(node.over, angle), this.of(node.under, angle));
      case 'percent':
        return this.divide(this.of(node.of), { re: whole(100), im: null });
      case 'degrees': {
        const value = this.of(node.of, angle);
        if (!angle) return value;
        return this.multiply(value, { re: real.divide(real.pi(), whole(180)), im: null });
      }
      case 'power':
        return this.#power(node, angle);
      case 'call':
        return this.#call(node.name, node.args);
      case 'apply':
        return this.#unknown(
          node.name,
          node.args.map((arg) => this.of(arg)),
        );
      case 'ratio':
        return node.parts.map((part) => this.of(part)).reduce((a, b) => this.divide(a, b));
      case 'matrix':
        if (node.of === 'det') return this.#determinant(node.rows);
        throw new NoNumber('matrix');
      default:
        throw new NoNumber(node.kind);
    }
  }

  #letter(name: string): Value {
    if (name === 'pi') return { re: this.real.pi(), im: null };
    if (name === 'e') return { re: this.real.exp(one), im: null };
    if (name === 'i') return { re: zero, im: one };
    return { re: this.#letters(name), im: null };
  }

  #negate(a: Value): Value {
    return { re: this.real.negate(a.re), im: a.im && this.real.negate(a.im) };
  }

  #complex(re: Real, im: Real): Value {
    return isExact(im) && im.n === 0n ? { re, im: null } : { re, im };
  }

  add(a: Value, b: Value): Value {
    const re = this.real.add(a.re, b.re);
    if (!a.im && !b.im) return { re, im: null };
    return this.#complex(re, this.real.add(a.im ?? zero, b.im ?? zero));
  }

  subtract(a: Value, b: Value): Value {
    return this.add(a, this.#negate(b));
  }

  multiply(a: Value, b: Value): Value {
    const { real } = this;
    if (!a.im && !b.im) return { re: real.multiply(a.re, b.re), im: null };
    const [ai, bi] = [a.im ?? zero, b.im ?? zero];
    return this.#complex(
      real.subtract(real.multiply(a.re, b.re), real.multiply(ai, bi)),
      real.add(real.multiply(a.re, bi), real.multiply(ai, b.re)),
    );
  }

  divide(a: Value, b: Value): Value {
    const { real } = this;
    if (!b.im) {
      return { re: real.divide(a.re, b.re), im: a.im && real.divide(a.im, b.re) };
    }
    const square = real.add(real.multiply(b.re, b.re), real.multiply(b.im, b.im));
    const product = this.multiply(a, { re: b.re, im: real.negate(b.im) });
    return {
      re: real.divide(product.re, square),
      im: product.im && real.divide(product.im, square),
    };
  }

  /** Whether two values are equal, exactly or to 150 digits. */
  same(a: Value, b: Value): boolean {
    return this.real.same(a.re, b.re) && this.real.same(a.im ?? zero, b.im ?? zero);
  }

  isZero(a: Value): boolean {
    return this.same(a, { re: zero, im: null });
  }

  #size(a: Value): Real {
    const { real } = this;
    if (!a.im) return real.absolute(a.re);
    return real.root(real.add(real.multiply(a.re, a.re), real.multiply(a.im, a.im)), 2);
  }

  /** Whether two values differ by at most a share of the larger one. */
  near(a: Value, b: Value, share: { n: bigint; d: bigint }): boolean {
    const { real } = this;
    if (!a.im && !b.im) return real.near(a.re, b.re, share);
    const gap = this.#size(this.subtract(a, b));
    const [x, y] = [this.#size(a), this.#size(b)];
    const larger = real.sign(real.subtract(x, y)) < 0 ? y : x;
    return real.sign(real.subtract(real.multiply(larger, share), gap)) >= 0;
  }

  #power(node: Node & { kind: 'power' }, angle: boolean): Value {
    const exponent = this.of(node.exponent);
    if (node.base.kind === 'letter' && node.base.name === 'e') return this.#exp(exponent);
    const base = this.of(node.base, angle);
    return this.#raise(base, exponent);
  }

  #raise(base: Value, exponent: Value): Value {
    const { real } = this;
    if (exponent.im) return this.#exp(this.multiply(exponent, this.#log(base)));
    if (isExact(exponent.re)) {
      const power = real.lowest(exponent.re);
      if (power.d === 1n) return this.#wholePower(base, power.n);
      if (!base.im && power.d < 1n << 16n) {
        const root = this.#root(base, Number(power.d));
        return this.#wholePower(root, power.n);
      }
    }
    if (!base.im && real.sign(base.re) > 0)
      return { re: real.exp(real.multiply(exponent.re, real.log(base.re))), im: null };
    if (this.#isReal) throw new Undefined();
    return this.#exp(this.multiply(exponent, this.#log(base)));
  }

  #wholePower(base: Value, power: bigint): Value {
    if (!base.im) {
      if (power <= 0n && this.real.mayBeZero(base.re)) throw new Undefined();
      return { re: this.real.power(base.re, power), im: null };
    }
    const size = power < 0n ? -power : power;
    if (size > 1n << 20n) throw new TooCostly();
    let [result, square]: [Value, Value] = [{ re: one, im: null }, base];
    for (let left = size; left > 0n; left >>= 1n) {
      if (left & 1n) result = this.multiply(result, square);
      if (left > 1n) square = this.multiply(square, square);
    }
    return power < 0n ? this.divide({ re: one, im: null }, result) : result;
  }

  /**
   * The k-th root. Odd roots of negative numbers are negative. Even roots of negative numbers are
   * complex, or undefined if letters have values.
   */
  #root(a: Value, k: number): Value {
    const { real } = this;
    if (a.im) {
      if (this.#isReal && k !== 2) throw new Undefined();
      const half = this.divide(this.#log(a), { re: whole(k), im: null });
      return this.#exp(half);
    }
    if (real.sign(a.re) >= 0) return { re: real.root(a.re, k), im: null };
    const size = real.root(real.negate(a.re), k);
    if (k % 2 === 1) return { re: real.negate(size), im: null };
    if (this.#isReal) throw new Undefined();
    if (k === 2) return { re: zero, im: size };
    return this.#exp(this.divide(this.#log(a), { re: whole(k), im: null }));
  }

  #exp(a: Value): Value {
    const { real } = this;
    const size = real.exp(a.re);
    if (!a.im) return { re: size, im: null };
    const { sin, cos } = real.circle(a.im);
    return { re: real.multiply(size, cos), im: real.multiply(size, sin) };
  }

  #log(a: Value): Value {
    const { real } = this;
    if (!a.im) {
      if (real.sign(a.re) > 0) return { re: real.log(a.re), im: null };
      if (this.#isReal || real.mayBeZero(a.re)) throw new Undefined();
      return { re: real.log(real.negate(a.re)), im: real.pi() };
    }
    const size = real.log(this.#size(a));
    return { re: size, im: this.#argument(a.re, a.im) };
  }

  #argument(x: Real, y: Real): Real {
    const { real } = this;
    const quarter = real.divide(real.pi(), two);
    if (real.sign(x) === 0) {
      if (real.sign(y) === 0) throw new Undefined();
      return real.sign(y) > 0 ? quarter : real.negate(quarter);
    }
    const angle = real.arctan(real.divide(y, x));
    if (real.sign(x) > 0) return angle;
    return real.sign(y) < 0 ? real.subtract(angle, real.pi()) : real.add(angle, real.pi());
  }

  #real(a: Value): Real {
    if (a.im) throw new NoNumber('complex');
    return a.re;
  }

  #integer(a: Value): bigint {
    const re = this.#real(a);
    if (!isExact(re)) throw new Undefined();
    const { n, d } = this.real.lowest(re);
    if (d !== 1n) throw new Undefined();
    return n;
  }

  #call(name: string, args: readonly Node[]): Value {
    const { real } = this;
    const trigonometric = /^(?:sin|cos|tan|cot|sec|csc)$/.test(name);
    const values = args.map((arg) => this.of(arg, trigonometric));
    const [first = { re: zero, im: null }, second] = values;
    switch (name) {
      case 'sqrt':
        return this.#root(first, 2);
      case 'root': {
        const k = second ? this.#integer(second) : 2n;
        if (k === 0n || k > 1n << 16n || k < -(1n << 16n)) throw new Undefined();
        const root = this.#root(first, Math.abs(Number(k)));
        return k < 0n ? this.divide({ re: one, im: null }, root) : root;
      }
      case 'abs':
        return { re: this.#size(first), im: null };
      case 'exp':
        return this.#exp(first);
      case 'ln':
        return this.#log(first);
      case 'log':
        return second ? this.#logarithm(first, second) : this.#log(first);
      case 'floor':
        return { re: real.floor(this.#real(first)), im: null };
      case 'ceil':
        return { re: real.negate(real.floor(real.negate(this.#real(first)))), im: null };
      case 'factorial':
        return { re: this.#factorial(this.#integer(first), 1n), im: null };
      case 'double factorial':
        return { re: this.#factorial(this.#integer(first), 2n), im: null };
      case 'binom':
        return { re: this.#binomial(first, second ?? first), im: null };
      case 'max':
      case 'min':
        return values.reduce((a, b) => {
          const side = real.sign(real.subtract(this.#real(a), this.#real(b)));
          return side > 0 === (name === 'max') ? a : b;
        });
      case 'gcd':
      case 'lcm':
        return {
          re: whole(
            values.map((value) => this.#integer(value)).reduce((a, b) => this.#divisor(a, b, name)),
          ),
          im: null,
        };
      case 'dots':
        throw new NoNumber('dots');
      default:
        if (first.im) return this.#complexFunction(name, first);
        return { re: this.#function(name, first.re), im: null };
    }
  }

  /** A logarithm to a base, exact if the number is a power of the base: `\log_2 8`. */
  #logarithm(of: Value, base: Value): Value {
    const { real } = this;
    const value = this.divide(this.#log(of), this.#log(base));
    if (value.im || isExact(value.re)) return value;
    if (!of.im && !base.im && isExact(of.re) && isExact(base.re)) {
      try {
        const guess = real.floor(real.add(value.re, { n: 1n, d: 2n }));
        const size = guess.n < 0n ? -guess.n : guess.n;
        if (size < 4096n && real.same(real.power(base.re, guess.n), of.re))
          return { re: guess, im: null };
      } catch (error) {
        if (!(error instanceof TooCostly) || this.#work.left < 0) throw error;
      }
    }
    return value;
  }

  #divisor(a: bigint, b: bigint, name: string): bigint {
    let [x, y] = [a < 0n ? -a : a, b < 0n ? -b : b];
    this.#work.spend(1 + bitLength(x) + bitLength(y));
    const product = x * y;
    while (y !== 0n) [x, y] = [y, x % y];
    if (name === 'gcd') return x;
    return x === 0n ? 0n : product / x;
  }

  #factorial(n: bigint, step: bigint): Real {
    if (n < 0n) throw new Undefined();
    if (n > largestFactorial) throw new TooCostly();
    this.#work.spend(Number(n) + (Number(n) * Number(n)) / 2048);
    const product = (from: bigint, to: bigint): bigint => {
      if (to - from < 8n * step) {
        let result = 1n;
        for (let k = to; k >= from && k > 0n; k -= step) result *= k;
        return result;
      }
      const middle = to - ((to - from) / 2n / step) * step;
      return product(from, middle - step) * product(middle, to);
    };
    return whole(product(n % step === 0n ? step : 1n, n === 0n ? step - 1n : n));
  }

  #binomial(n: Value, k: Value): Real {
    const count = this.#integer(k);
    if (count < 0n) return zero;
    const upper = this.#real(n);
    const { real } = this;
    // C(n, k) = C(n, n - k): take the smaller of the two if n is whole.
    let times = count;
    if (isExact(upper) && upper.n % upper.d === 0n) {
      const size = upper.n / upper.d;
      if (size >= 0n && count > size) return zero;
      if (size >= 0n && size - count < count) times = size - count;
    }
    if (times > 1000n) throw new TooCostly();
    let result: Real = one;
    for (let j = 0n; j < times; j++)
      result = real.divide(real.multiply(result, real.subtract(upper, whole(j))), whole(j + 1n));
    return isExact(result) ? real.lowest(result) : result;
  }

  #function(name: string, x: Real): Real {
    const { real } = this;
    switch (name) {
      case 'sin':
        return real.circle(x).sin;
      case 'cos':
        return real.circle(x).cos;
      case 'tan': {
        const { sin, cos } = real.circle(x);
        return real.divide(sin, cos);
      }
      case 'cot': {
        const { sin, cos } = real.circle(x);
        return real.divide(cos, sin);
      }
      case 'sec':
        return real.divide(one, real.circle(x).cos);
      case 'csc':
        return real.divide(one, real.circle(x).sin);
      case 'arcsin':
        return real.arcsin(x);
      case 'arccos':
        return real.subtract(real.divide(real.pi(), two), real.arcsin(x));
      case 'arctan':
        return real.arctan(x);
      case 'arccot':
        return real.subtract(real.divide(real.pi(), two), real.arctan(x));
      case 'arcsec':
        return real.subtract(real.divide(real.pi(), two), real.arcsin(real.divide(one, x)));
      case 'arccsc':
        return real.arcsin(real.divide(one, x));
      default:
        return this.#hyperbolic(name, x);
    }
  }

  #hyperbolic(name: string, x: Real): Real {
    const { real } = this;
    const half = (a: Real): Real => real.divide(a, two);
    const square = real.multiply(x, x);
    switch (name) {
      case 'sinh':
      case 'csch': {
        const sinh = half(real.subtract(real.exp(x), real.exp(real.negate(x))));
        return name === 'sinh' ? sinh : real.divide(one, sinh);
      }
      case 'cosh':
      case 'sech': {
        const cosh = half(real.add(real.exp(x), real.exp(real.negate(x))));
        return name === 'cosh' ? cosh : real.divide(one, cosh);
      }
      case 'tanh':
        return real.divide(this.#hyperbolic('sinh', x), this.#hyperbolic('cosh', x));
      case 'coth':
        return real.divide(this.#hyperbolic('cosh', x), this.#hyperbolic('sinh', x));
      case 'arsinh':
        return real.log(real.add(x, real.root(real.add(square, one), 2)));
      case 'arcosh':
        if (real.sign(real.subtract(x, one)) < 0) throw new Undefined();
        return real.log(real.add(x, real.root(real.absolute(real.subtract(square, one)), 2)));
      case 'artanh':
        return half(real.log(real.divide(real.add(one, x), real.subtract(one, x))));
      default:
        throw new NoNumber(name);
    }
  }

  #complexFunction(name: string, z: Value): Value {
    const i: Value = { re: zero, im: one };
    const [forth, back] = [
      this.#exp(this.multiply(i, z)),
      this.#exp(this.#negate(this.multiply(i, z))),
    ];
    const cos = this.divide(this.add(forth, back), { re: two, im: null });
    const sin = this.divide(this.subtract(forth, back), { re: zero, im: two });
    if (name === 'cos') return cos;
    if (name === 'sin') return sin;
    if (name === 'tan') return this.divide(sin, cos);
    throw new NoNumber(name);
  }

  #determinant(rows: readonly (readonly Node[])[]): Value {
    const size = rows.length;
    if (rows.some(({ length }) => length !== size) || size > 8) throw new NoNumber('determinant');
    const m = rows.map((row) => row.map((entry) => this.of(entry)));
    let result: Value = { re: one, im: null };
    for (let k = 0; k < size; k++) {
      const at = m.findIndex((row, i) => i >= k && !this.isZero(row[k] ?? result));
      const pivotRow = m[at];
      const pivot = pivotRow?.[k];
      if (!pivotRow || !pivot) return { re: zero, im: null };
      if (at !== k) {
        m[at] = m[k] ?? pivotRow;
        m[k] = pivotRow;
        result = this.#negate(result);
      }
      result = this.multiply(result, pivot);
      for (let i = k + 1; i < size; i++) {
        const row = m[i] ?? [];
        const factor = this.divide(row[k] ?? pivot, pivot);
        m[i] = row.map((entry, j) =>
          j < k ? entry : this.subtract(entry, this.multiply(factor, pivotRow[j] ?? entry)),
        );
      }
    }
    return result;
  }

  /** The value of an unknown function: a value that no other expression is likely to have. */
  #unknown(name: string, args: readonly Value[]): Value {
    let seed = 7;
    for (const character of name) seed = (seed * 31 + character.charCodeAt(0)) % 1009;
    let mixed: Value = { re: zero, im: null };
    for (const [i, arg] of args.entries())
      mixed = this.add(mixed, this.multiply(arg, { re: whole(i * 17 + 1), im: null }));
    const shifted = this.add(this.multiply(mixed, mixed), { re: whole(seed + 2), im: null });
    return this.add(
      this.multiply(mixed, { re: { n: BigInt(seed), d: 11n }, im: null }),
      this.divide({ re: whole(seed + 5), im: null }, shifted),
    );
  }
}
