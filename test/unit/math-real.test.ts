import { describe, expect, test } from 'vitest';
import {
  Arithmetic,
  numberOf,
  one,
  type Real,
  two,
  Undefined,
  whole,
} from '../../src/tasks/math/real.ts';
import { TooCostly, Work } from '../../src/tasks/math/work.ts';

const real = new Arithmetic(new Work(1e9));
const fraction = (n: number, d: number): Real => ({ n: BigInt(n), d: BigInt(d) });

describe('Arithmetic', () => {
  test.each([
    [1, 1],
    [-7, 2],
    [22, 7],
    [-100, 3],
    [1, 1000],
    [2001, 10],
  ])('agrees with doubles at %i/%i', (n, d) => {
    const [x, value] = [fraction(n, d), n / d];
    const { sin, cos } = real.circle(x);
    const pairs: [number, number][] = [
      [numberOf(real.exp(x)), Math.exp(value)],
      [numberOf(sin), Math.sin(value)],
      [numberOf(cos), Math.cos(value)],
      [numberOf(real.arctan(x)), Math.atan(value)],
      [numberOf(real.floor(x)), Math.floor(value)],
    ];
    if (n > 0)
      pairs.push(
        [numberOf(real.log(x)), Math.log(value)],
        [numberOf(real.root(x, 3)), Math.cbrt(value)],
      );
    for (const [got, want] of pairs)
      expect(Math.abs(got - want)).toBeLessThanOrEqual(1e-12 * Math.max(1, Math.abs(want)));
  });

  test('knows identities to all its digits', () => {
    const root = real.root(two, 2);
    expect(real.same(real.multiply(root, root), two)).toBe(true);
    expect(real.same(real.multiply(whole(4), real.arctan(one)), real.pi())).toBe(true);
    expect(real.same(real.exp(real.log(whole(3))), whole(3))).toBe(true);
    const { sin, cos } = real.circle(fraction(5, 7));
    expect(real.same(real.add(real.multiply(sin, sin), real.multiply(cos, cos)), one)).toBe(true);
    expect(real.same(real.root(fraction(8, 27), 3), fraction(2, 3))).toBe(true);
  });

  test('tells numbers apart that agree in a hundred digits', () => {
    const root = real.root(two, 2);
    const tiny = real.divide(one, real.power(whole(10), 100n));
    expect(real.same(root, real.add(root, tiny))).toBe(false);
    expect(real.same(tiny, whole(0))).toBe(false);
  });

  test('takes decimals by their share, near 0 too', () => {
    const share = { n: 1n, d: 1_000_000n };
    expect(real.near(fraction(1, 3), fraction(333_333_300, 1_000_000_000), share)).toBe(true);
    expect(real.near(fraction(1, 1_000_000_000), fraction(1, 1_000_001_000), share)).toBe(true);
    expect(real.near(fraction(1, 1_000_000_000), fraction(1, 999_990_000), share)).toBe(false);
    expect(real.near(fraction(1, 1_000_000_000), whole(0), share)).toBe(false);
  });

  test('has no value for what has none', () => {
    expect(() => real.divide(one, whole(0))).toThrow(Undefined);
    expect(() => real.log(whole(-1))).toThrow(Undefined);
    expect(() => real.arcsin(two)).toThrow(Undefined);
  });

  test('refuses numbers beyond its size, and work beyond what it was given', () => {
    expect(() => real.power(whole(9), 10n ** 9n)).toThrow(TooCostly);
    expect(() => real.exp(whole(10 ** 9))).toThrow(TooCostly);
    const short = new Arithmetic(new Work(1000));
    expect(() => {
      for (let i = 0; i < 1000; i++) short.circle(whole(i));
    }).toThrow(TooCostly);
  });
});
