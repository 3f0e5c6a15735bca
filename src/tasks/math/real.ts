import { TooCostly, type Work } from './work.ts';

/** A fraction of whole numbers, not always reduced; `d` is positive. */
export interface Exact {
  readonly n: bigint;
  readonly d: bigint;
}

/** `m * 2 ** e`, off by at most `2 ** r`. */
export interface Ball {
  readonly m: bigint;
  readonly e: number;
  readonly r: number;
}

export type Real = Exact | Ball;

/** Thrown if an expression has no value: 1/0, the logarithm of 0, the tangent of a right angle. */
export class Undefined extends Error {}

/** Bits of a ball by default: 154 digits. */
const mostBits = 512;
/** Extra bits for summing series. */
const guard = 96;
/**
 * Limit on the bits of exact numbers. Larger ones are not computed, so they are not known to be
 * equal.
 */
const largestExact = 1 << 17;
/** Larger fractions are reduced at once; smaller fractions are reduced when they are compared. */
const reducedFrom = 1n << 192n;
const largestReduced = 4096;
/** Limit on exponents of e and on angles; nothing is computed beyond it. */
const largestArgument = 1 << 24;

export const isExact = (x: Real): x is Exact => 'n' in x;

export const whole = (n: bigint | number): Exact => ({ n: BigInt(n), d: 1n });
export const zero = whole(0);
export const one = whole(1);
export const two = whole(2);

const absolute = (n: bigint): bigint => (n < 0n ? -n : n);

export function bitLength(n: bigint): number {
  if (n === 0n) return 0;
  const digits = absolute(n).toString(16);
  return (digits.length - 1) * 4 + (32 - Math.clz32(parseInt(digits.charAt(0), 16)));
}

const shift = (m: bigint, by: number): bigint => (by >= 0 ? m << BigInt(by) : m >> BigInt(-by));

/** log2(2^a + 2^b), rounded up. */
function join(a: number, b: number): number {
  if (a === -Infinity) return b;
  if (b === -Infinity) return a;
  const [high, low] = a > b ? [a, b] : [b, a];
  return high - low > 60 ? high + 1e-12 : high + Math.log2(1 + 2 ** (low - high)) + 1e-12;
}

function greatestDivisor(a: bigint, b: bigint): bigint {
  let [x, y] = [absolute(a), absolute(b)];
  while (y !== 0n) [x, y] = [y, x % y];
  return x;
}

/** The largest whole number whose `k`-th power is at most `n`. */
export function wholeRoot(n: bigint, k: number): bigint {
  if (n < 2n) return n;
  let x = 1n << BigInt(Math.ceil(bitLength(n) / k));
  const power = BigInt(k);
  for (;;) {
    const next = ((power - 1n) * x + n / x ** (power - 1n)) / power;
    if (next >= x) return x;
    x = next;
  }
}

/**
 * Arithmetic on exact fractions where possible, otherwise on numbers of limited bits with a bound
 * on their error.
 */
export class Arithmetic {
  readonly #work: Work;
  readonly #precision: number;
  /** Cost of an operation relative to the default precision. */
  readonly #dear: number;
  #span = 0;

  constructor(work: Work, precision = mostBits) {
    this.#work = work;
    this.#precision = precision;
    this.#dear = Math.max(1, (precision / mostBits) ** 1.5);
  }

  /**
   * The largest number of bits that any number had, or by which its exponent differed from 0. A
   * difference between two numbers may be as small.
   */
  get span(): number {
    return this.#span;
  }

  #met(bits: number): void {
    if (bits > this.#span) this.#span = bits;
  }

  get #fixedBits(): number {
    return this.#precision + guard;
  }

  /** Spends the work of a series, which grows with the bits to find. */
  #series(operations: number): void {
    const dear = this.#precision > mostBits ? this.#dear : this.#precision / mostBits;
    this.#work.spend(operations * dear);
  }

  #sized(bits: number): void {
    if (bits > largestExact) throw new TooCostly();
    this.#met(bits);
    this.#work.spend(1 + (bits >> 6) + ((bits >> 9) * (bits >> 9)) / 8);
  }

  fraction(n: bigint, d: bigint): Exact {
    if (d === 0n) throw new Undefined();
    const [upper, lower] = d < 0n ? [-n, -d] : [n, d];
    if (lower === 1n) return { n: upper, d: lower };
    if (upper === 0n) return zero;
    if (lower < reducedFrom && absolute(upper) < reducedFrom) return { n: upper, d: lower };
    return this.#reduce(upper, lower);
  }

  #reduce(n: bigint, d: bigint): Exact {
    const bits = Math.max(bitLength(n), bitLength(d));
    if (bits > largestReduced) return { n, d };
    this.#work.spend(4 + bits / 8 + (bits * bits) / 65536);
    const divisor = greatestDivisor(n, d);
    return { n: n / divisor, d: d / divisor };
  }

  /** Reduces a fraction to lowest terms, unless it is too large. */
  lowest(x: Exact): Exact {
    return x.d === 1n ? x : this.#reduce(x.n, x.d);
  }

  ball(x: Real): Ball {
    if (!isExact(x)) return x;
    if (x.n === 0n) return { m: 0n, e: 0, r: -Infinity };
    if (x.d === 1n && absolute(x.n) < 1n << BigInt(this.#precision))
      return { m: x.n, e: 0, r: -Infinity };
    const [upper, lower] = [bitLength(x.n), bitLength(x.d)];
    const up = this.#precision + lower - upper;
    this.#met(Math.max(upper, lower));
    this.#work.spend(1 + lower / 64);
    if (this.#precision + lower > largestExact) throw new TooCostly();
    return up >= 0
      ? { m: (x.n << BigInt(up)) / x.d, e: -up, r: -up }
      : { m: x.n / (x.d << BigInt(-up)), e: -up, r: -up };
  }

  #rounded(m: bigint, e: number, r: number): Ball {
    const length = bitLength(m);
    const over = length - this.#precision;
    if (e + length - 2 >= r) this.#met(Math.abs(e + length));
    if (over <= 32) return { m, e, r };
    return { m: m >> BigInt(over), e: e + over, r: join(r, e + over) };
  }

  negate(x: Real): Real {
    return isExact(x) ? { n: -x.n, d: x.d } : { m: -x.m, e: x.e, r: x.r };
  }

  add(a: Real, b: Real): Real {
    if (isExact(a) && isExact(b)) {
      if (a.n === 0n) return b;
      if (b.n === 0n) return a;
      if (a.d === b.d) {
        this.#sized(Math.max(bitLength(a.n), bitLength(b.n)));
        return this.fraction(a.n + b.n, a.d);
      }
      this.#sized(bitLength(a.n) + bitLength(b.n) + bitLength(a.d) + bitLength(b.d));
      return this.fraction(a.n * b.d + b.n * a.d, a.d * b.d);
    }
    this.#work.spend(4 * this.#dear);
    const [x, y] = [this.ball(a), this.ball(b)];
    const r = join(x.r, y.r);
    if (x.m === 0n) return { ...y, r };
    if (y.m === 0n) return { ...x, r };
    const [high, low] = x.e + bitLength(x.m) >= y.e + bitLength(y.m) ? [x, y] : [y, x];
    if (high.e - low.e > 3 * this.#precision)
      return { m: high.m, e: high.e, r: join(r, low.e + bitLength(low.m)) };
    const e = Math.min(high.e, low.e);
    return this.#rounded(shift(high.m, high.e - e) + shift(low.m, low.e - e), e, r);
  }

  subtract(a: Real, b: Real): Real {
    return this.add(a, this.negate(b));
  }

  multiply(a: Real, b: Real): Real {
    if (isExact(a) && isExact(b)) {
      this.#sized(Math.max(bitLength(a.n) + bitLength(b.n), bitLength(a.d) + bitLength(b.d)));
      return this.fraction(a.n * b.n, a.d * b.d);
    }
    if ((isExact(a) && a.n === 0n) || (isExact(b) && b.n === 0n)) return zero;
    this.#work.spend(6 * this.#dear);
    const [x, y] = [this.ball(a), this.ball(b)];
    const r = join(join(x.e + bitLength(x.m) + y.r, y.e + bitLength(y.m) + x.r), x.r + y.r);
    return this.#rounded(x.m * y.m, x.e + y.e, r);
  }

  divide(a: Real, b: Real): Real {
    if (isExact(a) && isExact(b)) {
      this.#sized(Math.max(bitLength(a.n) + bitLength(b.d), bitLength(a.d) + bitLength(b.n)));
      return this.fraction(a.n * b.d, a.d * b.n);
    }
    if (this.mayBeZero(b)) throw new Undefined();
    if (isExact(a) && a.n === 0n) return zero;
    this.#work.spend(8 * this.#dear);
    const [x, y] = [this.ball(a), this.ball(b)];
    const up = Math.max(0, this.#precision + 2 + bitLength(y.m) - bitLength(x.m));
    const m = (x.m << BigInt(up)) / y.m;
    const e = x.e - up - y.e;
    const lowest = y.e + bitLength(y.m) - 1;
    const r = join(x.r, e + bitLength(m) + y.r) + 1 - lowest;
    return this.#rounded(m, e, join(r, e));
  }

  /** Whether 0 lies within the error of a number. For an exact number: whether it is 0. */
  mayBeZero(x: Real): boolean {
    if (isExact(x)) return x.n === 0n;
    return x.m === 0n || x.e + bitLength(x.m) - 2 < x.r;
  }

  /** -1, 0 or 1. The sign of a ball that may be 0 is 0. */
  sign(x: Real): number {
    if (this.mayBeZero(x)) return 0;
    return (isExact(x) ? x.n : x.m) < 0n ? -1 : 1;
  }

  /** log2 of the absolute value, rounded up; -Infinity for 0. */
  size(x: Real): number {
    if (isExact(x)) return x.n === 0n ? -Infinity : bitLength(x.n) - bitLength(x.d) + 1;
    return x.m === 0n ? -Infinity : x.e + bitLength(x.m);
  }

  /** Whether two numbers are equal to 154 digits, or exactly if both are exact. */
  same(a: Real, b: Real): boolean {
    if (isExact(a) && isExact(b)) {
      if (a.d === b.d) return a.n === b.n;
      this.#sized(bitLength(a.n) + bitLength(b.d));
      return a.n * b.d === b.n * a.d;
    }
    const difference = this.subtract(a, b);
    if (isExact(difference)) return difference.n === 0n;
    const scale = Math.max(0, this.size(a), this.size(b));
    return this.mayBeZero(difference) && difference.r < scale - 0.4 * this.#precision;
  }

  /** Whether `|a - b| <= share * max(|a|, |b|)`. */
  near(a: Real, b: Real, share: Exact): boolean {
    const difference = this.absolute(this.subtract(a, b));
    const [x, y] = [this.absolute(a), this.absolute(b)];
    const larger = this.sign(this.subtract(x, y)) < 0 ? y : x;
    return this.sign(this.subtract(this.multiply(larger, share), difference)) >= 0;
  }

  absolute(x: Real): Real {
    return (isExact(x) ? x.n : x.m) < 0n ? this.negate(x) : x;
  }

  /** `x ** k` for a whole k. */
  power(x: Real, k: bigint): Real {
    if (k < 0n) return this.divide(one, this.power(x, -k));
    if (isExact(x)) {
      if (x.n === 0n) return k === 0n ? one : zero;
      const size = Math.max(bitLength(x.n), bitLength(x.d));
      if (size === 1) return { n: x.n ** (k % 2n), d: 1n };
      if (k > BigInt(largestExact)) throw new TooCostly();
      this.#sized(size * Number(k));
      return this.fraction(x.n ** k, x.d ** k);
    }
    if (k > 1n << 40n) throw new TooCostly();
    let [result, square]: [Real, Real] = [one, x];
    for (let left = k; left > 0n; left >>= 1n) {
      if (left & 1n) result = this.multiply(result, square);
      if (left > 1n) square = this.multiply(square, square);
    }
    return result;
  }

  /** The k-th root of a number that is not negative. */
  root(x: Real, k: number): Real {
    if (isExact(x)) {
      if (x.n === 0n) return zero;
      const { n, d } = this.lowest(x);
      this.#met(Math.max(bitLength(n), bitLength(d)));
      if (Math.max(bitLength(n), bitLength(d)) <= largestReduced) {
        this.#work.spend(40 + Math.max(bitLength(n), bitLength(d)) / 4);
        const [upper, lower] = [wholeRoot(n, k), wholeRoot(d, k)];
        if (upper ** BigInt(k) === n && lower ** BigInt(k) === d) return { n: upper, d: lower };
      }
    }
    if (k !== 2) return this.exp(this.divide(this.log(x), whole(k)));
    const { m, e, r } = this.ball(x);
    // The root of a number that may be 0 is 0 with the root of its error.
    if (this.mayBeZero(x)) return { m: 0n, e: 0, r: (r + 1) / 2 };
    this.#work.spend(40 * this.#dear);
    let up = Math.max(0, 2 * this.#precision + 4 - bitLength(m));
    if ((e - up) % 2 !== 0) up++;
    const root = wholeRoot(m << BigInt(up), 2);
    const exponent = (e - up) / 2;
    const lowest = exponent + bitLength(root) - 1;
    return this.#rounded(root, exponent, join(r - lowest, exponent));
  }

  #fixed(x: Ball, bits: number): bigint {
    return shift(x.m, x.e + bits);
  }

  /** e to the power of x. @throws TooCostly if |x| exceeds about 2^24. */
  exp(x: Real): Real {
    if (isExact(x) && x.n === 0n) return one;
    const ball = this.ball(x);
    if (ball.e + bitLength(ball.m) > Math.log2(largestArgument)) throw new TooCostly();
    this.#series(100);
    const bits = this.#fixedBits;
    const fixed = this.#fixed(ball, bits);
    const unit = logOfTwo(bits);
    const turns = Number(fixed / unit);
    const halvings = 10;
    const rest = (fixed - BigInt(turns) * unit) >> BigInt(halvings);
    let [sum, term] = [1n << BigInt(bits), 1n << BigInt(bits)];
    for (let i = 1n; term !== 0n; i++) {
      term = ((term * rest) >> BigInt(bits)) / i;
      if (term === -1n) break;
      sum += term;
    }
    for (let i = 0; i < halvings; i++) sum = (sum * sum) >> BigInt(bits);
    const e = turns - bits;
    const size = e + bitLength(sum);
    return this.#rounded(sum, e, size + join(ball.r + 1, -this.#precision - 8));
  }

  /** The natural logarithm of a positive number. */
  log(x: Real): Real {
    if (isExact(x) && x.n === x.d) return zero;
    if (this.sign(x) <= 0) throw new Undefined();
    const ball = this.ball(x);
    this.#series(40);
    const bits = this.#fixedBits;
    const length = bitLength(ball.m);
    const turns = ball.e + length;
    // y in [1/2, 1)
    const y = shift(ball.m, bits - length);
    let guess =
      BigInt(Math.round(Math.log(Number(y >> BigInt(bits - 53)) / 2 ** 53) * 2 ** 52)) <<
      BigInt(bits - 52);
    for (let known = 48; known < bits; known *= 3) {
      const power = this.#fixed(this.ball(this.exp({ m: guess, e: -bits, r: -Infinity })), bits);
      guess += (2n * (y - power) * (1n << BigInt(bits))) / (y + power);
    }
    const sum = guess + BigInt(turns) * logOfTwo(bits);
    const relative = ball.r - (turns - 1) + 1;
    return this.#rounded(sum, -bits, join(relative, -this.#precision + 4));
  }

  /** Sine and cosine of an angle. */
  circle(x: Real): { sin: Real; cos: Real } {
    if (isExact(x) && x.n === 0n) return { sin: zero, cos: one };
    const ball = this.ball(x);
    if (ball.e + bitLength(ball.m) > Math.log2(largestArgument)) throw new TooCostly();
    this.#series(100);
    const bits = this.#fixedBits;
    const quarter = piOf(bits) >> 1n;
    const fixed = this.#fixed(ball, bits);
    const turns = (2n * fixed + quarter) / (2n * quarter) - (2n * fixed + quarter < 0n ? 1n : 0n);
    const rest = fixed - turns * quarter;
    // The series gives sine and cosine of a small angle; the angle is then doubled as often as it
    // was halved.
    const halvings = 8;
    const small = rest >> BigInt(halvings);
    const square = (small * small) >> BigInt(bits);
    const series = (first: bigint, from: bigint): bigint => {
      let [sum, term] = [first, first];
      for (let i = from; term !== 0n && term !== -1n; i += 2n) {
        term = -((term * square) >> BigInt(bits)) / (i * (i + 1n));
        sum += term;
      }
      return sum;
    };
    let [y, x0] = [series(small, 2n), series(1n << BigInt(bits), 1n)];
    for (let i = 0; i < halvings; i++)
      [y, x0] = [(2n * y * x0) >> BigInt(bits), (x0 * x0 - y * y) >> BigInt(bits)];
    const r = join(ball.r, -this.#precision);
    const [s, c] = [this.#rounded(y, -bits, r), this.#rounded(x0, -bits, r)];
    switch (Number(((turns % 4n) + 4n) % 4n)) {
      case 0:
        return { sin: s, cos: c };
      case 1:
        return { sin: c, cos: this.negate(s) };
      case 2:
        return { sin: this.negate(s), cos: this.negate(c) };
      default:
        return { sin: this.negate(c), cos: s };
    }
  }

  pi(): Real {
    return this.#rounded(piOf(this.#fixedBits), -this.#fixedBits, -this.#precision);
  }

  arctan(x: Real): Real {
    if (isExact(x) && x.n === 0n) return zero;
    if (this.sign(x) < 0) return this.negate(this.arctan(this.negate(x)));
    // Beyond 1, use the other acute angle of the triangle: its slope is below 1.
    if (this.sign(this.subtract(x, one)) > 0)
      return this.subtract(this.divide(this.pi(), two), this.arctan(this.divide(one, x)));
    const ball = this.ball(x);
    let y: Real = {
      m: BigInt(Math.round(Math.atan(numberOf(ball)) * 2 ** 52)),
      e: -52,
      r: -Infinity,
    };
    for (let known = 48; known < this.#precision; known *= 5) {
      const { sin, cos } = this.circle(y);
      const slope = this.divide(
        this.subtract(this.multiply(x, cos), sin),
        this.add(cos, this.multiply(x, sin)),
      );
      const cube = this.multiply(this.multiply(slope, slope), slope);
      const sum = this.ball(this.add(y, this.subtract(slope, this.divide(cube, whole(3)))));
      y = { m: sum.m, e: sum.e, r: -Infinity };
    }
    return { ...this.ball(y), r: join(ball.r, -this.#precision + 8) };
  }

  arcsin(x: Real): Real {
    const rest = this.subtract(one, this.multiply(x, x));
    const side = this.sign(rest);
    if (side < 0) throw new Undefined();
    if (side === 0) {
      const right = this.divide(this.pi(), two);
      return this.sign(x) < 0 ? this.negate(right) : right;
    }
    return this.arctan(this.divide(x, this.root(rest, 2)));
  }

  /**
   * The largest whole number not above x; the nearest one if x is equal to it within its error.
   * @throws TooCostly if x is too large for its bits.
   */
  floor(x: Real): Exact {
    if (isExact(x)) {
      const quotient = x.n / x.d;
      return whole(x.n < 0n && quotient * x.d !== x.n ? quotient - 1n : quotient);
    }
    if (x.e + bitLength(x.m) > this.#precision) throw new TooCostly();
    const lower = shift(x.m, x.e);
    const nearest = shift(x.m + shift(1n, -x.e - 1), x.e);
    const gap = this.subtract(x, whole(nearest));
    if (!isExact(gap) && this.mayBeZero(gap)) return whole(nearest);
    return whole(lower);
  }
}

/** Converts to a double, for first guesses and for printing only. */
export function numberOf(x: Real): number {
  if (!isExact(x)) {
    const over = Math.max(0, bitLength(x.m) - 60);
    return Number(x.m >> BigInt(over)) * 2 ** (x.e + over);
  }
  const up = 64 + bitLength(x.d) - bitLength(x.n);
  return Number(up >= 0 ? (x.n << BigInt(up)) / x.d : x.n / (x.d << BigInt(-up))) * 2 ** -up;
}

const constants = new Map<string, bigint>();

function constant(name: string, bits: number, compute: (bits: number) => bigint): bigint {
  const key = `${name} ${bits}`;
  const known = constants.get(key);
  if (known !== undefined) return known;
  const value = compute(bits + 32) >> 32n;
  constants.set(key, value);
  return value;
}

/** The sum over k of x^-(2k+1)/(2k+1), to so many bits; with alternating signs if `alternating`. */
function inverseSeries(x: bigint, bits: number, alternating: boolean): bigint {
  let term = (1n << BigInt(bits)) / x;
  let sum = 0n;
  for (let k = 1n, sign = 1n; term !== 0n; k += 2n) {
    sum += (sign * term) / k;
    term /= x * x;
    if (alternating) sign = -sign;
  }
  return sum;
}

const logOfTwo = (bits: number): bigint =>
  constant('log 2', bits, (b) => 2n * inverseSeries(3n, b, false));

const piOf = (bits: number): bigint =>
  constant(
    'pi',
    bits,
    (b) => 4n * (4n * inverseSeries(5n, b, true) - inverseSeries(239n, b, true)),
  );
