import { describe, expect, test } from 'vitest';
import { selectLinear } from '../../src/entries/lim.ts';
import { describeBound, thetaBound } from '../../src/lim/bound.ts';
import { rewardsInMemory } from '../../src/lim/pool-rewards.ts';
import { full, selectFull } from '../../src/selection/full.ts';
import { lim, selectLim } from '../../src/selection/lim.ts';
import { linear, linearScore } from '../../src/selection/linear.ts';
import { select, type SelectionPool } from '../../src/selection/method.ts';
import { rand, selectRandom } from '../../src/selection/rand.ts';

import { methodNames, methodOf } from '../../src/selection/methods.ts';

describe('selectLim', () => {
  test('keeps what is at the threshold, in the input order, and says why', async () => {
    const selection = await selectLim({ scores: [0.7, NaN, 0.6, 0.59] }, { threshold: 0.6 });
    expect(selection.indices).toEqual([0, 2]);
    expect(selection.rule).toBe('LIM score >= 0.6');
    expect(selection.reason(2)).toBe('LIM score 0.6 >= 0.6');
    expect(selection.reason(3)).toBe('LIM score 0.59 < 0.6');
    expect(selection.reason(1)).toContain('no LIM score');
  });

  test('lets float64 decide what lies within rounding of the threshold, and only that', async () => {
    const asked: number[][] = [];
    const selection = await selectLim(
      {
        scores: [0.600001, 0.599999, 0.61],
        exact: (prompts) => {
          asked.push([...prompts]);
          return Promise.resolve(Float64Array.of(0.5999999, 0.6));
        },
      },
      { threshold: 0.6 },
    );
    expect(asked).toEqual([[0, 1]]);
    expect(selection.indices).toEqual([1, 2]);
  });

  test('takes the highest by count, ties in the input order, and never one without a score', async () => {
    const scored = { scores: [0.5, NaN, 0.9, 0.5, 0.5] };
    expect((await selectLim(scored, { count: 3 })).indices).toEqual([0, 2, 3]);
    await expect(selectLim(scored, { count: 5 })).rejects.toThrow(
      'lim: 5 prompts asked for, 4 of 5 have a score',
    );
    expect((await selectLim(scored, { count: 0 })).indices).toEqual([]);
  });

  test('orders by float64 around the cut of a count', async () => {
    const selection = await selectLim(
      {
        scores: [0.50000001, 0.5, 0.2],
        exact: (prompts) => Promise.resolve(Float64Array.from(prompts, (p) => 0.5 + p / 1e6)),
      },
      { count: 1 },
    );
    expect(selection.indices).toEqual([1]);
  });
});

describe('selectRandom', () => {
  test('draws as many as asked, without repetition, the same for the same seed', () => {
    const { indices } = selectRandom(100, 30, 5);
    expect(new Set(indices).size).toBe(30);
    expect([...indices].sort((a, b) => a - b)).toEqual(indices);
    expect(selectRandom(100, 30, 5).indices).toEqual(indices);
    expect(selectRandom(100, 30, 6).indices).not.toEqual(indices);
  });

  test('draws every prompt equally often', () => {
    const counts = new Array<number>(10).fill(0);
    for (let seed = 0; seed < 3000; seed++) {
      for (const prompt of selectRandom(10, 3, seed).indices) counts[prompt]++;
    }
    // 900 expected, standard deviation 25.
    for (const count of counts) expect(Math.abs(count - 900)).toBeLessThan(125);
  });

  test('takes the whole pool, and refuses more', () => {
    expect(selectRandom(4, 4, 1).indices).toEqual([0, 1, 2, 3]);
    expect(() => selectRandom(4, 5, 1)).toThrow('rand: 5 prompts asked for, the pool has 4');
  });
});

describe('LINEAR, our definition', () => {
  test('is 1 on a rising line and -1 on a flat or falling one', () => {
    expect(linearScore([0, 0.25, 0.5, 0.75])).toBe(1);
    expect(linearScore([0.5, 0.5, 0.5])).toBe(-1);
    expect(linearScore([0.75, 0.5, 0.25])).toBe(-1);
    expect(linearScore([0, 0.05, 0.1])).toBe(-1); // rises by 0.1, not more
    expect(linearScore([0, 0.06, 0.12])).toBeCloseTo(1, 12);
  });

  test('is R squared by hand', () => {
    // Slope 0.25, explained (0.25)^2 * 5, total 0.375 about the mean 0.375.
    const curve = [0, 0.5, 0.25, 0.75];
    const mean = 0.375;
    const slope = (-1.5 * 0 - 0.5 * 0.5 + 0.5 * 0.25 + 1.5 * 0.75) / 5;
    const total = curve.reduce((sum, y) => sum + (y - mean) ** 2, 0);
    expect(linearScore(curve)).toBeCloseTo((slope * slope * 5) / total, 12);
  });

  test('leaves missing epochs out; one point is no line, none has no score', () => {
    expect(linearScore([0, NaN, 0.5, 0.75])).toBeCloseTo(1, 12);
    expect(linearScore([NaN, 0.4])).toBe(-1);
    expect(linearScore([NaN, NaN])).toBeNaN();
  });

  /** Three prompts that rise, by how straight, two that do not, and one that was never rolled out. */
  const mixed = {
    prompts: 6,
    epochs: 3,
    values: Float32Array.of(
      ...[0.5, 0.5, 0.5],
      ...[0, 0.5, 1],
      ...[0, 0.75, 1],
      ...[1, 0.5, 0],
      ...[NaN, NaN, NaN],
      ...[0, 1, 1],
    ),
  };

  test('by count keeps the straightest that rise, and says when there are fewer', async () => {
    const two = await selectLinear(mixed, { count: 2 });
    expect(two.indices).toEqual([1, 2]);
    expect(two.shortfall).toBeUndefined();
    const three = await selectLinear(mixed, { count: 3 });
    expect(three.indices).toEqual([1, 2, 5]);
    expect(three.shortfall).toBeUndefined();
    const five = await selectLinear(mixed, { count: 5 });
    expect(five.indices).toEqual([1, 2, 5]);
    expect(five.shortfall).toBe('no other has a line that rises by more than 0.1');
    expect(five.rule).toBe(
      "the 3 highest by LINEAR score (our definition), ties in the input's order; 5 were asked for, " +
        'but no other has a line that rises by more than 0.1',
    );
    expect(five.reason(0)).toContain('does not rise by more than 0.1');
    const none = await selectLinear({ ...mixed, prompts: 1 }, { count: 1 });
    expect([none.indices, none.shortfall === undefined]).toEqual([[], false]);
    await expect(selectLinear(mixed, { count: 6 })).rejects.toThrow(
      'linear: 6 prompts asked for, 5 of 6 have a score',
    );
  });

  test.each([-1, -5])('keeps none that its definition leaves out at %d', async (threshold) => {
    expect((await selectLinear(mixed, { threshold })).indices).toEqual([1, 2, 5]);
  });

  test('cuts by threshold', async () => {
    const matrix = {
      prompts: 2,
      epochs: 3,
      sums: Float64Array.of(0, 2, 4, 4, 0, 4),
      samples: new Uint32Array(6).fill(4),
    };
    expect((await selectLinear(matrix, { threshold: 0.7 })).indices).toEqual([0]);
  });
});

test('FULL is the whole pool', () => {
  expect(selectFull(3).indices).toEqual([0, 1, 2]);
});

describe('thetaBound', () => {
  test('the condition turns over at 0.387 for theta 0.6 on a flat curve', () => {
    for (const [level, rejects] of [
      [0.387, false],
      [0.388, true],
    ] as const) {
      const bound = thetaBound([1 - level, 1 - level], 0.6, 0);
      expect(bound.rejectsNeverSolved).toBe(rejects);
      expect(bound.curveLevel > bound.requiredLevel).toBe(rejects);
      expect(describeBound(bound)).toContain(rejects ? 'rejects' : 'KEEPS');
    }
  });

  test('takes the root mean square, not the mean, of an uneven curve', () => {
    // Curve (0.1, 0.66): mean 0.38, but sum m^2 / sum (1 - m)^2 = 0.4456 / 0.9256 > 0.4.
    const bound = thetaBound([0.9, 0.34], 0.6, 0);
    expect(bound.rejectsNeverSolved).toBe(true);
    expect(bound.neverSolvedScore).toBeCloseTo(1 - 0.4456 / 0.9256, 12);
  });

  test('has no score to give without a curve, and says that instead of a verdict', () => {
    const bound = thetaBound([], 0.6, 0);
    expect(bound.neverSolvedScore).toBeNaN();
    expect(describeBound(bound)).toBe(
      'theta 0.6 has nothing to decide: no prompt was rolled out, so there is no mean curve',
    );
  });

  test.each([
    // A flat curve of 0.75 gives never-solved prompts 1 - 0.75^2 / 0.25^2 = -8, one of 0.25 8 / 9.
    [0.75, 0.6, 'theta 0.6 rejects never-solved and always-solved prompts: '],
    [0.75, 0, 'theta 0 KEEPS always-solved prompts, which score 0: '],
    [0.75, -7.5, 'theta -7.5 KEEPS always-solved prompts, which score 0: '],
    [0.75, -8, 'theta -8 KEEPS never-solved and wrongly labelled prompts and always-solved '],
    [0.25, 0.6, 'theta 0.6 KEEPS never-solved and wrongly labelled prompts: '],
  ])('on a curve of %d says what theta %d keeps', (level, theta, said) => {
    expect(describeBound(thetaBound([1 - level, 1 - level], theta, 0))).toContain(said);
  });
});

describe('the registry of methods', () => {
  const pool: SelectionPool = { prompts: 4, seed: 5, source: 'this test' };
  /** A curve that learns, one that is solved, one that falls, and a straight one. */
  const matrix = {
    prompts: 4,
    epochs: 3,
    values: Float32Array.of(...[0, 0.75, 1], ...[1, 1, 1], ...[1, 0.5, 0], ...[0, 0.5, 1]),
  };

  test('has every method under its own name', () => {
    for (const name of methodNames) expect(methodOf(name).name).toBe(name);
  });

  test('chooses as each method does by itself', async () => {
    const whole: SelectionPool = {
      ...pool,
      scores: { scores: [1, 0, -1, 0.5] },
      rewards: rewardsInMemory(matrix),
    };
    expect((await select(full, pool, { count: 4 })).indices).toEqual([0, 1, 2, 3]);
    expect((await select(lim, whole, { threshold: 0.5 })).indices).toEqual([0, 3]);
    expect((await select(linear, whole, { count: 1 })).indices).toEqual([3]);
    const drawn = await select(rand, pool, { count: 2 });
    expect(drawn.indices).toEqual(selectRandom(4, 2, 5).indices);
  });

  test.each([
    [lim, 'lim needs the LIM scores, which this test lacks'],
    [linear, 'linear needs the rewards of each epoch, which this test lacks'],
  ] as const)('refuses $name where the pool lacks what it needs', async (method, message) => {
    const refused = select(method, pool, { count: 1 });
    await expect(refused).rejects.toMatchObject({ name: 'SelectionError', message });
  });

  test.each([
    ['counts', { shares: rewardsInMemory(matrix) }, 'the number of samples behind each share'],
    ['keys', {}, 'to know which keys are wrong'],
  ] as const)('refuses a method that needs %s', async (need, given, words) => {
    const method = { ...rand, needs: [need] };
    const refused = select(method, { ...pool, ...given }, { count: 1 });
    await expect(refused).rejects.toThrow(`rand needs ${words}, which this test lacks`);
    const all = { ...pool, shares: rewardsInMemory(matrix), counted: true, keys: [] };
    expect((await select(method, all, { count: 1 })).indices).toHaveLength(1);
  });

  test('draws no number of prompts from a threshold', async () => {
    await expect(select(rand, pool, { threshold: 0.6 })).rejects.toThrow(
      'rand has no scores for a threshold to cut: it needs a count',
    );
  });
});
