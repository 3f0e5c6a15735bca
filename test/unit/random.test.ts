import { describe, expect, test } from 'vitest';
import { philox } from '../../kernels/lib/philox.ts';
import { purposes, RandomStream, type RandomPurpose } from '../../src/random.ts';

const words = (stream: RandomStream, count = 12): number[] =>
  Array.from({ length: count }, () => stream.next());

describe('RandomStream', () => {
  test('reads Philox blocks in order, keyed by seed and purpose, counted by its indices', () => {
    const stream = new RandomStream(9, 'test', 5, 6);
    const key = [9, purposes.test] as const;
    expect(words(stream, 8)).toEqual([...philox([0, 5, 6, 0], key), ...philox([1, 5, 6, 0], key)]);
  });

  test('repeats for the same seed, purpose and indices, and differs for any other', () => {
    const base = words(new RandomStream(1, 'pool', 2, 3));
    expect(words(new RandomStream(1, 'pool', 2, 3))).toEqual(base);
    const others = [
      new RandomStream(2, 'pool', 2, 3),
      new RandomStream(1, 'corpus', 2, 3),
      new RandomStream(1, 'pool', 3, 3),
      new RandomStream(1, 'pool', 2, 4),
      new RandomStream(1, 'pool', 3, 2),
      new RandomStream(1, 'pool'),
    ];
    const seen = new Set(base);
    for (const other of others) {
      for (const word of words(other)) {
        expect(seen.has(word)).toBe(false);
        seen.add(word);
      }
    }
  });

  test('has a number of its own for each purpose', () => {
    const numbers = Object.values(purposes);
    expect(new Set(numbers).size).toBe(numbers.length);
    const first = (Object.keys(purposes) as RandomPurpose[]).map((purpose) =>
      new RandomStream(0, purpose).next(),
    );
    expect(new Set(first).size).toBe(numbers.length);
  });

  test('draws floats in [0, 1), evenly', () => {
    const stream = new RandomStream(4, 'test');
    const counts = new Array<number>(16).fill(0);
    for (let i = 0; i < 160_000; i++) counts[Math.floor(stream.float() * 16)]++;
    // A number outside [0, 1) would have made an entry past the sixteen, or none.
    expect(counts).toHaveLength(16);
    expect(counts.reduce((sum, count) => sum + count, 0)).toBe(160_000);
    expect(
      chiSquare(
        counts,
        counts.map(() => 10_000),
      ),
    ).toBeLessThan(37.7);
  });

  // 99.9 % points of chi-square with 2, 6 and 15 degrees of freedom; the seed is fixed.
  test.each([
    [3, 13.8],
    [7, 22.5],
    [16, 37.7],
  ])('draws below %i evenly', (count, most) => {
    const stream = new RandomStream(count, 'test');
    const counts = new Array<number>(count).fill(0);
    for (let i = 0; i < 100_000; i++) counts[stream.below(count)]++;
    expect(
      chiSquare(
        counts,
        counts.map(() => 100_000 / count),
      ),
    ).toBeLessThan(most);
  });

  test('draws below a number near 2^32 without the bias of a remainder', () => {
    // Below 3 * 2^30 a plain remainder would put half of all draws in the first third.
    const stream = new RandomStream(2, 'test');
    const counts = [0, 0, 0];
    for (let i = 0; i < 30_000; i++) counts[Math.floor(stream.below(3 * 2 ** 30) / 2 ** 30)]++;
    expect(chiSquare(counts, [10_000, 10_000, 10_000])).toBeLessThan(13.8);
    expect(new RandomStream(2, 'test').below(2 ** 32)).toBe(new RandomStream(2, 'test').next());
    expect(stream.below(1)).toBe(0);
  });

  test.each([0, -1, 1.5, 2 ** 32 + 1, NaN, Infinity])('refuses to draw below %f', (count) => {
    expect(() => new RandomStream(1, 'test').below(count)).toThrow(RangeError);
  });

  test('draws normals of mean 0, variance 1 and the tails they should have', () => {
    const stream = new RandomStream(6, 'test');
    const draws = Array.from({ length: 100_000 }, () => stream.normal());
    const mean = (f: (x: number) => number) =>
      draws.reduce((sum, x) => sum + f(x), 0) / draws.length;
    // Standard errors 0.0032, 0.0045, 0.0122 (third moment), 0.031 (fourth); four of each.
    expect(Math.abs(mean((x) => x))).toBeLessThan(0.013);
    expect(Math.abs(mean((x) => x * x) - 1)).toBeLessThan(0.018);
    expect(Math.abs(mean((x) => x ** 3))).toBeLessThan(0.049);
    expect(Math.abs(mean((x) => x ** 4) - 3)).toBeLessThan(0.124);
    expect(draws.every(Number.isFinite)).toBe(true);
  });

  test('shuffles in place, every order as likely as the others', () => {
    const stream = new RandomStream(8, 'test');
    const counts = new Map<string, number>();
    for (let i = 0; i < 24_000; i++) {
      const order = stream.shuffle(['a', 'b', 'c', 'd']).join('');
      counts.set(order, (counts.get(order) ?? 0) + 1);
    }
    expect(counts.size).toBe(24);
    // 99.9 % point with 23 degrees of freedom.
    expect(chiSquare([...counts.values()], new Array<number>(24).fill(1000))).toBeLessThan(49.7);
    const items = [1, 2, 3];
    expect(stream.shuffle(items)).toBe(items);
    expect(stream.shuffle([])).toEqual([]);
  });
});

function chiSquare(counts: readonly number[], wanted: readonly number[]): number {
  return counts.reduce((sum, count, i) => sum + (count - wanted[i]) ** 2 / wanted[i], 0);
}
