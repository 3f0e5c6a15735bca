import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { trapezoidWeights } from '../../src/statistics/area.ts';
import { binomialQuantile } from '../../src/statistics/binomial.ts';
import {
  crossedBootstrap,
  crossedMeans,
  percentiles,
} from '../../src/statistics/crossed-bootstrap.ts';
import { holm } from '../../src/statistics/holm.ts';
import {
  equivalence,
  interquartileMean,
  meanInterval,
  probabilityOfImprovement,
} from '../../src/statistics/paired.ts';
import { drawnPatterns, leastP, signFlip } from '../../src/statistics/sign-flip.ts';
import {
  detectableDifference,
  pairedPower,
  studentCumulative,
  studentQuantile,
} from '../../src/statistics/student.ts';

interface Numbers {
  student: { share: number; degrees: number; point: number }[];
  power: { pairs: number; effect: number; alpha: number; power: number }[];
  holm: { ps: number[]; adjusted: number[] }[];
  paired: {
    differences: number[];
    one: number[];
    other: number[];
    signFlip?: number;
    interval90: [number, number];
    interval95: [number, number];
    equivalence: number;
    interquartileMean: number;
    improvement: number;
  }[];
  crossed: { tiers: number[][][]; interval: [number, number]; deviation: number }[];
  area: { places: number[]; heights: number[]; mean: number }[];
  binomial: { n: number; p: number; us: number[]; quantiles: number[] }[];
}

const scipy = JSON.parse(
  readFileSync(new URL('../scipy/numbers.json', import.meta.url), 'utf8'),
) as Numbers;

describe("statistics agree with SciPy's", () => {
  test.each(scipy.student)('t: point $share, $degrees degrees', ({ share, degrees, point }) => {
    expect(studentQuantile(share, degrees) / point).toBeCloseTo(1, 9);
    expect(studentCumulative(point, degrees)).toBeCloseTo(share, 11);
  });

  test.each(scipy.power)('power of $pairs pairs at $effect', ({ pairs, effect, alpha, power }) => {
    // The error function of simple-statistics is good to 1.2e-7; the integral has 1,000 steps.
    expect(pairedPower(pairs, effect, alpha)).toBeCloseTo(power, 5);
  });

  test.each(scipy.holm)('Holm of $ps', ({ ps, adjusted }) => {
    expect(holm(ps)).toEqual(adjusted.map((p) => expect.closeTo(p, 12) as number));
  });

  test.each(scipy.paired)('paired tests of $differences', (want) => {
    const { differences } = want;
    const [at90, at95] = [meanInterval(differences, 0.9), meanInterval(differences)];
    for (const [got, expected] of [
      [[at90!.low, at90!.high], want.interval90],
      [[at95!.low, at95!.high], want.interval95],
    ] as const) {
      expect(got[0]).toBeCloseTo(expected[0], 10);
      expect(got[1]).toBeCloseTo(expected[1], 10);
    }
    expect(equivalence(differences, 0.02)!.p).toBeCloseTo(want.equivalence, 10);
    expect(interquartileMean(differences)).toBeCloseTo(want.interquartileMean, 12);
    expect(probabilityOfImprovement(want.one, want.other)).toBeCloseTo(want.improvement, 12);
    if (want.signFlip !== undefined) {
      expect(signFlip(differences)).toEqual({
        p: expect.closeTo(want.signFlip, 12) as number,
        exact: true,
      });
    }
  });

  test.each(scipy.crossed)('crossed bootstrap', ({ tiers, interval, deviation }) => {
    const { low, high } = crossedBootstrap(tiers, { draws: 4000 });
    // The ends of 4,000 draws have a standard error of about 0.04 deviations.
    expect(Math.abs(low - interval[0])).toBeLessThan(0.16 * deviation);
    expect(Math.abs(high - interval[1])).toBeLessThan(0.16 * deviation);
  });
});

describe('an area', () => {
  test('is the trapezoid rule of SciPy over the length', () => {
    for (const { places, heights, mean } of scipy.area) {
      const weights = trapezoidWeights(places);
      const found = weights.reduce((sum, weight, i) => sum + weight * heights[i], 0);
      expect(found).toBeCloseTo(mean, 12);
      expect(weights.reduce((sum, weight) => sum + weight, 0)).toBeCloseTo(1, 12);
    }
  });

  test('of a line is its height in the middle', () => {
    // Steps of 1 and 3: ends weigh 1/8 and 3/8, the point between 4/8.
    expect(trapezoidWeights([0, 1, 4])).toEqual([0.125, 0.5, 0.375]);
  });

  test.each([[[]], [[3]], [[1, 1]], [[2, 1]], [[0, NaN]]])('over %j is refused', (places) => {
    expect(() => trapezoidWeights(places)).toThrow(RangeError);
  });
});

test.each(scipy.binomial)('binomial quantiles of $n at $p', ({ n, p, us, quantiles }) => {
  expect(us.map((u) => binomialQuantile(u, n, p))).toEqual(quantiles);
});

describe('the sign-flip test', () => {
  test('of three equal differences counts two of eight patterns', () => {
    // +++ and --- have the largest sum; the other six have a third of it.
    expect(signFlip([0.1, 0.1, 0.1])).toEqual({ p: 0.25, exact: true });
  });

  test('counts sums that are equal up to rounding', () => {
    // 0.1 + 0.2 is not 0.3: |0.1 + 0.2 - 0.3| and 0 are one sum, so every pattern is as far.
    expect(signFlip([0.1, 0.2, -0.3]).p).toBe(1);
  });

  test('of differences that are all 0 is 1', () => {
    expect(signFlip([0, 0, 0, 0]).p).toBe(1);
  });

  test('of five seeds cannot go below 1/16', () => {
    expect(leastP(5)).toBe(0.0625);
    expect(signFlip([1, 2, 3, 4, 5]).p).toBe(0.0625);
  });

  test('of twenty differences is still exact, of more it is drawn by its seed', () => {
    const of = (n: number) => Array.from({ length: n }, (_, i) => Math.sin(i * i) + 0.3);
    const [twenty, more] = [signFlip(of(20)), signFlip(of(21), 1)];
    expect(twenty.exact).toBe(true);
    expect(more.exact).toBe(false);
    expect(signFlip(of(21), 1)).toEqual(more);
    expect(signFlip(of(21), 2)).not.toEqual(more);
    // The exact p of 21 values by hand: the last sign stays, all other 2^20 patterns are counted.
    const values = of(21);
    const observed = Math.abs(values.reduce((sum, one) => sum + one, 0));
    let sum = values.reduce((total, one) => total + one, 0);
    let far = Number(Math.abs(sum) >= observed - 1e-9);
    const signs = values.map(() => 1);
    for (let pattern = 1; pattern < 2 ** 20; pattern++) {
      const flip = 31 - Math.clz32(pattern & -pattern);
      sum -= 2 * signs[flip] * values[flip];
      signs[flip] *= -1;
      if (Math.abs(sum) >= observed - 1e-9) far++;
    }
    const exact = far / 2 ** 20;
    const error = Math.sqrt((exact * (1 - exact)) / drawnPatterns);
    expect(Math.abs(more.p - exact)).toBeLessThan(5 * error);
    expect(leastP(21)).toBe(1 / 100_001);
  });

  test('refuses nothing, and what is not finite', () => {
    expect(() => signFlip([])).toThrow(RangeError);
    expect(() => signFlip([1, NaN])).toThrow(RangeError);
  });
});

describe('equivalence', () => {
  test('needs the whole interval inside of the margin', () => {
    const tight = [0.001, -0.002, 0.003, 0, -0.001];
    expect(equivalence(tight, 0.02)).toMatchObject({ level: true });
    const wide = tight.map((one) => one * 20);
    expect(equivalence(wide, 0.02)).toMatchObject({ level: false });
    // p and interval say the same.
    expect(equivalence(tight, 0.02)!.p).toBeLessThan(0.05);
    expect(equivalence(wide, 0.02)!.p).toBeGreaterThan(0.05);
  });

  test('of equal differences depends on the margin alone', () => {
    expect(equivalence([0.01, 0.01], 0.02)).toMatchObject({ p: 0, level: true });
    expect(equivalence([0.03, 0.03], 0.02)).toMatchObject({ p: 1, level: false });
    expect(equivalence([0.01], 0.02)).toBeUndefined();
  });
});

describe('power', () => {
  test('of the detectable difference is what was asked for', () => {
    const found = detectableDifference(10, 0.04);
    expect(pairedPower(10, found / 0.04, 0.05)).toBeCloseTo(0.8, 6);
    // Ten pairs find 1.00 standard deviations: Cohen's tables.
    expect(found / 0.04).toBeCloseTo(1, 2);
  });

  test('without spread finds everything', () => {
    expect(detectableDifference(5, 0)).toBe(0);
  });
});

describe('the crossed bootstrap', () => {
  test('of a constant has no width', () => {
    const { low, high } = crossedBootstrap([[[0.5, 0.5]], [[0.25, 0.25, 0.25]]], { draws: 50 });
    // Tiers count alike, whatever their sizes.
    expect([low, high]).toEqual([0.375, 0.375]);
  });

  test('of tables that are drawn together is that of their difference', () => {
    const [{ tiers }] = scipy.crossed;
    const other = tiers.map((tier) => tier.map((row) => row.map((value, i) => value * (i % 3))));
    const difference = tiers.map((tier, t) =>
      tier.map((row, s) => row.map((value, i) => value - other[t][s][i])),
    );
    const [one, two] = crossedMeans([tiers, other], { draws: 300 });
    const shared = percentiles(one.map((mean, i) => mean - two[i]));
    const alone = crossedBootstrap(difference, { draws: 300 });
    expect(shared.low).toBeCloseTo(alone.low, 12);
    expect(shared.high).toBeCloseTo(alone.high, 12);
  });

  test('refuses tables of other prompts', () => {
    expect(() => crossedMeans([[[[1, 0]]], [[[1, 0, 1]]]], { draws: 5 })).toThrow(RangeError);
  });

  test('is drawn by its seed', () => {
    const tiers = [[[1, 0, 1], [0, 0, 1]]]; // prettier-ignore
    const of = (seed: number) => crossedBootstrap(tiers, { draws: 11, seed });
    expect(of(1)).toEqual(of(1));
    expect(of(1)).not.toEqual(of(2));
  });

  test.each([[[]], [[[]]], [[[[1, 2], [1]]]], [[[[1]], [[1], [1]]]]])(
    'refuses %j',
    (tiers: number[][][]) => {
      expect(() => crossedBootstrap(tiers, { draws: 5 })).toThrow(RangeError);
    },
  );
});
