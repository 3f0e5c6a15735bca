import { describe, expect, test } from 'vitest';
import { rewardsInMemory } from '../../src/lim/pool-rewards.ts';
import type { RewardMatrix } from '../../src/lim/matrix.ts';
import { RandomStream } from '../../src/random.ts';
import { drawn } from '../../src/selection/draw.ts';
import {
  isStatic,
  type PromptKey,
  select,
  type Selection,
  type SelectionPool,
} from '../../src/selection/method.ts';
import {
  inTableOrder,
  type MethodName,
  methodNames,
  methodOf,
  passShare,
  readsRewards,
} from '../../src/selection/methods.ts';
import type { Cut } from '../../src/selection/cut.ts';

/** Right answers of 4, in three data epochs, and what the keys are. */
const rows: readonly (readonly [right: readonly number[], origin: string, wrongKey: boolean])[] = [
  [[4, 4, 4], 'easy', false],
  [[3, 4, 4], 'easy', false],
  [[0, 2, 4], 'learnable', false],
  [[1, 2, 3], 'learnable', false],
  [[2, 2, 2], 'learnable', false],
  [[0, 0, 0], 'learnable', true],
  [[0, 0, 1], 'hard', false],
  [[0, 0, 0], 'hard', true],
];
const matrix: RewardMatrix = {
  prompts: rows.length,
  epochs: 3,
  sums: Float64Array.from(rows.flatMap(([right]) => right)),
  samples: new Uint32Array(3 * rows.length).fill(4),
};
const rewards = rewardsInMemory(matrix);
const keys = rows.map(([, origin, wrongKey]): PromptKey => ({ origin, wrongKey }));
// The mean curve is 10, 14, 18 of 32; each score by hand from it.
const curve = [10 / 32, 14 / 32, 18 / 32];
const limScore = (
  right: readonly number[],
  means: readonly number[],
  noise: (share: number) => number,
): number => {
  let [distance, scale] = [0, 0];
  for (const [k, mean] of means.entries()) {
    const share = right[k] / 4;
    distance += (share - mean) ** 2 - noise(share);
    scale += (1 - mean) ** 2;
  }
  return 1 - distance / scale;
};
const none = (): number => 0;
const binomial = (share: number): number => (share * (1 - share)) / 3;
const scores = Float64Array.from(rows, ([right]) => limScore(right, curve, none));
const pool: SelectionPool = {
  prompts: rows.length,
  seed: 5,
  scores: { scores },
  rewards,
  shares: rewards,
  counted: true,
  keys,
  limKept: [2, 3, 4],
  answers: {
    samples: 10,
    // 10 of 10, 4 of 8, 2 of 10, 1 of 10, 8 of 10, none well formed, 3 of 6, 9 of 10.
    right: [10, 4, 2, 1, 8, 0, 3, 9],
    formatted: [10, 8, 10, 10, 10, 0, 6, 10],
  },
  source: 'this test',
};
const choose = (
  name: MethodName,
  cut: Cut,
  over: Partial<SelectionPool> = {},
): Promise<Selection> => {
  const method = methodOf(name);
  if (!isStatic(method)) throw new Error(`${name} is not static`);
  return select(method, { ...pool, ...over }, cut);
};
const chosen = async (name: MethodName, count: number): Promise<readonly number[]> =>
  (await choose(name, { count })).indices;
/** The places of the highest of some numbers, ascending. */
const highest = (values: readonly number[], count: number): number[] =>
  [...values.keys()]
    .sort((a, b) => values[b] - values[a] || a - b)
    .slice(0, count)
    .sort((a, b) => a - b);

describe('a method that reads the matrix, by hand', () => {
  test('LIM debiased takes the binomial variance off the squared distances', async () => {
    const want = rows.map(([right]) => limScore(right, curve, binomial));
    const found = await choose('lim-debiased', { threshold: 0.6 });
    expect([...found.scores!]).toEqual(want.map((score) => expect.closeTo(score, 12) as number));
    expect(found.indices).toEqual([...want.keys()].filter((p) => want[p] >= 0.6));
    // (1, 2, 3) of 4 is 1/16 from the curve in each epoch, and its noise is more than that.
    expect(want[3]).toBeGreaterThan(1);
    expect(await chosen('lim-debiased', 2)).toEqual(highest(want, 2));
  });

  test.each([
    ['lim-early-1', 1],
    ['lim-early-2', 2],
    ['lim-early-3', 3],
  ] as const)('%s knows %d data epochs, and the mean curve of these', async (name, epochs) => {
    const want = rows.map(([right]) => limScore(right, curve.slice(0, epochs), none));
    const found = await choose(name, { count: 3 });
    expect([...found.scores!]).toEqual(want.map((score) => expect.closeTo(score, 12) as number));
    expect(found.indices).toEqual(highest(want, 3));
  });

  test('LIM early of all epochs is LIM', async () => {
    expect(await chosen('lim-early-3', 4)).toEqual(await chosen('lim', 4));
  });

  test('HVAR takes the curves that moved most', async () => {
    // Variances over epochs of (0, 2, 4) / 4 and (1, 2, 3) / 4: 1/6 and 1/24; of (0, 0, 1) / 4 and
    // (3, 4, 4) / 4: 1/72.
    const found = await choose('hvar', { count: 3 });
    expect(found.indices).toEqual([1, 2, 3]);
    expect(found.scores![2]).toBeCloseTo(1 / 6, 12);
    expect(found.scores![6]).toBeCloseTo(1 / 72, 12);
  });

  test('GVAR takes the mean of p (1 - p)', async () => {
    // (2, 2, 2): 1/4. (1, 2, 3): (3/16 + 1/4 + 3/16) / 3. (0, 2, 4): 1/12. The others 1/16 or 0.
    const found = await choose('gvar', { count: 3 });
    expect(found.indices).toEqual([2, 3, 4]);
    expect(found.scores![3]).toBeCloseTo(10 / 48, 12);
  });

  test('NEAR takes the mean accuracy nearest that of the pool', async () => {
    // Means in twelfths 12, 11, 6, 6, 6, 0, 1, 0: the pool's is 42 / 96.
    const found = await choose('near', { count: 4 });
    expect(found.indices).toEqual([2, 3, 4, 6]);
    expect(found.scores![2]).toBeCloseTo(-(0.5 - 42 / 96), 12);
  });

  test('NEAR, HVAR and GVAR give a prompt without an epoch no score', async () => {
    const samples = matrix.samples.slice();
    samples.fill(0, 0, 3);
    const shares = rewardsInMemory({ ...matrix, samples });
    for (const name of ['near', 'hvar', 'gvar'] as const) {
      const found = await choose(name, { count: 7 }, { shares });
      expect(found.indices).toEqual([1, 2, 3, 4, 5, 6, 7]);
      expect(found.reason(0)).toContain('not rolled out');
    }
  });

  test('ANTI takes the lowest LIM scores', async () => {
    expect(await chosen('anti', 3)).toEqual(
      highest(
        [...scores].map((score) => -score),
        3,
      ),
    );
    await expect(choose('anti', { threshold: 0.6 })).rejects.toThrow('anti has no scores');
  });
});

describe('a method that draws', () => {
  test('CLEAN draws among right keys alone, ORACLE among learnable ones', async () => {
    const right = [0, 1, 2, 3, 4, 6];
    expect(await chosen('clean', 4)).toEqual(
      drawn(right, 4, new RandomStream(5, 'randomSelection', 8)),
    );
    expect(await chosen('oracle', 2)).toEqual(
      drawn([2, 3, 4], 2, new RandomStream(5, 'randomSelection', 10)),
    );
  });

  test.each([
    ['clean', 7, 6, 'the pool has only 6 prompts with a right key'],
    ['oracle', 5, 3, 'the pool has only 3 learnable prompts with a right key'],
  ] as const)('%s says where it falls short', async (name, asked, kept, shortfall) => {
    const found = await choose(name, { count: asked });
    expect([found.indices.length, found.shortfall]).toEqual([kept, shortfall]);
    expect(found.rule).toContain(`${asked} were asked for`);
  });

  test('STRAT matches the strata and keys that LIM keeps, with other prompts too', async () => {
    const limKept = [0, 2, 5, 7];
    const seen = new Set<string>();
    for (let seed = 0; seed < 60; seed++) {
      const { indices } = await choose('strat', { count: 4 }, { limKept, seed });
      const kinds = indices.map((p) => `${rows[p][1]} ${rows[p][2]}`);
      expect(kinds.sort()).toEqual([
        'easy false',
        'hard true',
        'learnable false',
        'learnable true',
      ]);
      seen.add(indices.join());
    }
    // 2 x 3 subsets have these numbers.
    expect(seen.size).toBe(6);
    const found = await choose('strat', { count: 4 }, { limKept });
    expect(await choose('strat', { count: 4 }, { limKept })).toMatchObject({
      indices: found.indices,
    });
  });

  test('STRAT matches the keys alone where there are no strata', async () => {
    const limKept = [5, 7];
    const keysAlone = keys.map(({ wrongKey }) => ({ wrongKey }));
    const { indices } = await choose('strat', { count: 2 }, { keys: keysAlone, limKept });
    expect(indices).toEqual([5, 7]);
  });

  test('draws every subset equally often', () => {
    const counts = new Map<string, number>();
    for (let seed = 0; seed < 3000; seed++) {
      const key = drawn([1, 4, 6, 9], 2, new RandomStream(seed, 'test')).join();
      counts.set(key, (counts.get(key) ?? 0) + 1);
    }
    // Six subsets: 500 expected, standard deviation 20.
    expect(counts.size).toBe(6);
    for (const count of counts.values()) expect(Math.abs(count - 500)).toBeLessThan(100);
  });
});

test('PASS takes the well-formed pass rates nearest one half, within the band', async () => {
  const found = await choose('pass', { count: 3 });
  // 4 of 8, 3 of 6, then 2 of 10 before 8 of 10.
  expect(found.indices).toEqual([1, 2, 6]);
  expect((await choose('pass', { count: 4 })).shortfall).toBeUndefined();
  const all = await choose('pass', { count: 6 });
  expect(all.indices).toEqual([1, 2, 4, 6]);
  expect(all.shortfall).toBe('no other has a pass rate from 0.2 to 0.8');
  expect(all.reason(3)).toContain('its pass rate is not from 0.2 to 0.8');
  expect(all.reason(5)).toContain('not rolled out');
});

test('a subset file gives its prompts, whatever the cut', async () => {
  const listed = (name: string) => (name === 'file:a.json' ? [6, 1] : []);
  const found = await choose('file:a.json', { count: 5 }, { listed });
  expect([found.method, found.indices]).toEqual(['file:a.json', [1, 6]]);
});

describe('what a method needs', () => {
  test.each([
    ['lim-debiased', 'counted', 'the number of samples behind each share'],
    ['lim-debiased', 'shares', 'the share of right answers in each epoch'],
    ['lim-early-2', 'rewards', 'the rewards of each epoch'],
    ['hvar', 'shares', 'the share of right answers in each epoch'],
    ['clean', 'keys', 'to know which keys are wrong'],
    ['strat', 'keys', 'to know which keys are wrong'],
    ['oracle', 'keys', 'to know which keys are wrong'],
    ['anti', 'keys', 'to know which keys are wrong'],
    ['pass', 'answers', 'answers of the base before training'],
    ['file:a.json', 'listed', 'the prompts that a file lists'],
  ] as const)('%s is refused without %s', async (name, part, words) => {
    await expect(choose(name, { count: 1 }, { [part]: undefined })).rejects.toMatchObject({
      name: 'SelectionError',
      message: `${name} needs ${words}, which this test lacks`,
    });
  });

  test('ORACLE is refused without strata', async () => {
    const keysAlone = keys.map(({ wrongKey }) => ({ wrongKey }));
    await expect(choose('oracle', { count: 1 }, { keys: keysAlone })).rejects.toThrow(
      'oracle needs to know how hard each prompt is by design',
    );
  });
});

describe('the registry', () => {
  test('has the codes of its methods, none twice', () => {
    const codes = Object.fromEntries(methodNames.map((name) => [name, methodOf(name).code]));
    expect(codes).toMatchObject({
      ...{ full: 0, lim: 1, linear: 2, rand: 3, 'lim-debiased': 4, 'lim-early-1': 5 },
      ...{ 'lim-early-2': 6, 'lim-early-3': 7, clean: 8, strat: 9, oracle: 10, anti: 11 },
      ...{ hvar: 12, gvar: 13, near: 14, pass: 15 },
    });
    expect(new Set(Object.values(codes)).size).toBe(methodNames.length);
    expect(methodOf('file:x').code).toBe(16);
    expect(Object.values(codes)).not.toContain(16);
  });

  test('charges a selection by the responses that it takes', () => {
    const shares = (names: readonly MethodName[]) => names.map((name) => passShare(name, 6));
    expect(shares(['full', 'rand', 'clean', 'strat', 'oracle', 'file:x'])).toEqual([
      0, 0, 0, 0, 0, 0,
    ]);
    expect(shares(['lim', 'lim-debiased', 'anti', 'linear', 'hvar', 'gvar', 'near'])).toEqual([
      1, 1, 1, 1, 1, 1, 1,
    ]);
    expect(shares(['lim-early-1', 'lim-early-2', 'lim-early-3', 'pass'])).toEqual([
      1 / 6,
      2 / 6,
      3 / 6,
      1 / 6,
    ]);
    expect(methodNames.filter(readsRewards)).toEqual(
      methodNames.filter((name) => passShare(name, 6) > 0 && name !== 'pass'),
    );
  });

  test('orders methods as it lists them, subset files last as given', () => {
    expect(inTableOrder(['file:b', 'rand', 'file:a', 'full', 'rand'])).toEqual([
      ...['full', 'rand', 'file:b', 'file:a'],
    ]);
  });
});
