import { describe, expect, test } from 'vitest';
import { configFrom } from '../../src/config.ts';
import {
  accuracyOf,
  combine,
  differenceOf,
  studentInterval,
  tierPrompts,
  wilsonInterval,
  type Estimate,
  type Reading,
} from '../../src/interval.ts';

const reading = (...tiers: number[]): Reading => ({
  mean: tiers.reduce((sum, value) => sum + value, 0) / tiers.length,
  tiers: Object.fromEntries(tiers.map((value, i) => [`T${i + 1}`, value])),
});
const sizes = new Map([
  ['T1', 100],
  ['T2', 100],
]);

describe('intervals', () => {
  test("Student's interval of 0.6, 0.7, 0.8 is 0.7 and 4.3027 standard errors", () => {
    const { mean, low, high, over } = studentInterval([0.6, 0.7, 0.8]);
    expect(mean).toBeCloseTo(0.7, 12);
    // The sample's standard deviation is 0.1.
    expect(high - mean).toBeCloseTo((4.30265273 * 0.1) / Math.sqrt(3), 9);
    expect(mean - low).toBeCloseTo(high - mean, 12);
    expect(over).toBe('seeds');
  });

  test("Wilson's interval of 50 in 100 is 0.4038 to 0.5962", () => {
    const { low, high } = wilsonInterval(0.5, 100);
    expect(low).toBeCloseTo(0.40383, 5);
    expect(high).toBeCloseTo(0.59617, 5);
  });

  test("Wilson's interval keeps a width at 0 and at 1", () => {
    // z^2 / (n + z^2) with z = 1.96.
    expect(wilsonInterval(0, 10)).toMatchObject({ low: 0 });
    expect(wilsonInterval(0, 10).high).toBeCloseTo(0.27753, 5);
    expect(wilsonInterval(1, 10).low).toBeCloseTo(1 - 0.27753, 5);
    expect(wilsonInterval(1, 10).high).toBeCloseTo(1, 12);
  });

  test('a sum squares and adds distances, and a negative weight turns them round', () => {
    const estimate = (mean: number, low: number, high: number): Estimate => ({
      mean,
      low,
      high,
      over: 'prompts',
    });
    const got = combine([
      { estimate: estimate(0.5, 0.2, 0.6), weight: 1 },
      { estimate: estimate(0.3, 0.26, 0.7), weight: -1 },
    ]);
    // Below: 0.3 of the first and 0.4 of the second; above: 0.1 and 0.04.
    expect(got.low).toBeCloseTo(0.2 - 0.5, 12);
    expect(got.high).toBeCloseTo(0.2 + Math.hypot(0.1, 0.04), 12);
  });

  test('accuracy of one seed is over prompts, tier by tier', () => {
    const got = accuracyOf([reading(0.5, 0.5)], sizes);
    // Two equal tiers: each contributes half of 0.09617.
    expect(got?.over).toBe('prompts');
    expect(got?.low).toBeCloseTo(0.5 - 0.09617 / Math.SQRT2, 5);
    expect(got?.high).toBeCloseTo(0.5 + 0.09617 / Math.SQRT2, 5);
  });

  test('two seeds stay over prompts, three are over seeds', () => {
    const seeds = [reading(0.5, 0.7), reading(0.6, 0.8), reading(0.7, 0.9)];
    expect(accuracyOf(seeds.slice(0, 2), sizes)?.over).toBe('prompts');
    const three = accuracyOf(seeds, sizes);
    expect(three).toMatchObject({ over: 'seeds' });
    expect(three?.mean).toBeCloseTo(0.7, 12);
    expect(three?.low).toBeCloseTo(0.7 - 0.24842, 4);
  });

  test('no interval leaves the range of an accuracy', () => {
    const seeds = [reading(0.01, 0.01), reading(0.3, 0.3), reading(0.02, 0.02)];
    expect(accuracyOf(seeds, sizes)?.low).toBe(0);
  });

  test('nothing read gives nothing, an unknown tier no interval', () => {
    expect(accuracyOf([], sizes)).toBeUndefined();
    const got = accuracyOf([reading(0.2, 0.4, 0.6)], sizes);
    expect(got).toMatchObject({ low: got?.mean, high: got?.mean });
  });

  test('a difference over seeds is paired: a common shift does not widen it', () => {
    const one = new Map([1, 2, 3].map((seed) => [seed, reading(0.2 * seed + 0.1)]));
    const other = new Map([1, 2, 3].map((seed) => [seed, reading(0.2 * seed)]));
    const got = differenceOf(one, other, sizes);
    expect(got?.mean).toBeCloseTo(0.1, 12);
    expect(got?.high).toBeCloseTo(0.1, 9);
  });

  test('a difference counts only seeds that both have', () => {
    const one = new Map([
      [1, reading(0.5, 0.5)],
      [2, reading(0.9, 0.9)],
    ]);
    const got = differenceOf(one, new Map([[1, reading(0.4, 0.4)]]), sizes);
    expect(got?.mean).toBeCloseTo(0.1, 12);
    expect(differenceOf(one, new Map(), sizes)).toBeUndefined();
  });

  test('tiers are counted as far as they are evaluated', () => {
    expect([
      ...tierPrompts(configFrom('standard', { evaluation: { prompts: 250 } }, 'test')),
    ]).toEqual([
      ['T1', 250],
      ['T2', 200],
      ['T3', 200],
    ]);
  });
});
