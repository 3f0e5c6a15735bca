import { describe, expect, test } from 'vitest';
import { firstColumns, isStill, stillnessOf } from '../../src/lim/stillness.ts';
import { RandomStream } from '../../src/random.ts';
import { methodCode, methodOf, onlineOf } from '../../src/selection/methods.ts';
import type {
  JudgedGroup,
  OnlinePolicy,
  OnlineTraining,
  OnlineUpdate,
} from '../../src/selection/online.ts';
import { narrowingSettings } from '../../src/selection/online-lim.ts';
import type { OnlineSettings } from '../../src/selection/online-settings.ts';

type OnlineName = 'dapo' | 'lilo' | 'greso' | 'retire' | 'speed' | 'online-lim';

function trainingOf(
  name: OnlineName,
  pool: number,
  settings: OnlineSettings = {},
  samples = 4,
): OnlineTraining {
  return {
    seed: 7,
    code: methodCode(name),
    pool,
    samples,
    settings,
    turnsOf: (prompts, iteration) => ({
      epoch: Math.floor((iteration * 2) / prompts),
      first: iteration * 2,
      count: 2,
    }),
  };
}

function begin(
  name: OnlineName,
  pool: number,
  settings: OnlineSettings = {},
  samples = 4,
): OnlinePolicy {
  const method = onlineOf(name);
  if (!method) throw new Error(`${name} is not online`);
  return method.policy(trainingOf(name, pool, settings, samples));
}

const first = { iteration: 0, round: 0, turns: 0, sampled: new Set<number>() };

const group = (prompt: number, right: number, samples = 4): JudgedGroup => ({
  prompt,
  right,
  samples,
  trained: true,
});

const update = (groups: readonly JudgedGroup[], turns = groups.length): OnlineUpdate => ({
  turns,
  groups,
});

/** The order of a data epoch, drawn as its key says. */
const orderOf = (name: OnlineName, pool: number, epoch: number): number[] =>
  new RandomStream(7, 'onlineOrder', methodCode(name), epoch).shuffle(
    Array.from({ length: pool }, (_, i) => i),
  );

const sorted = (prompts: readonly number[]): number[] => [...prompts].sort((a, b) => a - b);

describe('every online method', () => {
  test.each(['dapo', 'lilo', 'greso', 'retire', 'speed', 'online-lim'] as const)(
    '%s chooses the same after the same history, however often it was asked',
    (name) => {
      const history = [
        update([group(0, 0), group(1, 2), group(2, 4)], 3),
        update([group(3, 1), group(4, 4), group(0, 0)], 3),
      ];
      const [one, other] = [begin(name, 6), begin(name, 6)];
      for (const [iteration, past] of history.entries()) {
        one.choose({ ...first, iteration, wanted: 3 });
        one.learn(past);
        other.learn(past);
      }
      const place = { ...first, iteration: 2, wanted: 2 };
      expect(one.choose(place)).toEqual(other.choose(place));
      expect(one.choose(place)).toEqual(one.choose(place));
    },
  );

  test('has a code that no other method has, and costs no samples before it trains', () => {
    const codes = (['online-lim', 'dapo', 'lilo', 'greso', 'retire', 'speed'] as const).map(
      methodCode,
    );
    expect(codes).toEqual([20, 21, 22, 23, 24, 25]);
    expect(methodOf('dapo').samples({ prompts: 10, epochs: 2, samples: 4 })).toBe(0);
  });
});

describe('dapo', () => {
  test('keeps groups that are neither all right nor all wrong', () => {
    const policy = begin('dapo', 6);
    expect([0, 1, 3, 4].map((right) => policy.keeps(right, 4))).toEqual([false, true, true, false]);
    expect(policy.rounds).toBe(10);
    expect(begin('dapo', 6, { dapo: { rounds: 3 } }).rounds).toBe(3);
  });

  test('goes on in its order, round after round and iteration after iteration', () => {
    const policy = begin('dapo', 6);
    const order = orderOf('dapo', 6, 0);
    expect(policy.choose({ ...first, wanted: 3 })).toEqual({
      prompts: order.slice(0, 3),
      turns: 3,
    });
    const refill = { ...first, round: 1, wanted: 1, turns: 3, sampled: new Set(order.slice(0, 3)) };
    expect(policy.choose(refill)).toEqual({ prompts: order.slice(3, 4), turns: 1 });
    policy.learn(update(order.slice(0, 4).map((prompt) => group(prompt, 2))));
    expect(policy.choose({ ...first, iteration: 1, wanted: 2 }).prompts).toEqual(order.slice(4));
  });

  test('samples no prompt twice in an iteration, and ends where all were sampled', () => {
    const policy = begin('dapo', 3);
    const all = new Set([0, 1, 2]);
    expect(policy.choose({ ...first, round: 1, wanted: 2, turns: 3, sampled: all })).toEqual({
      prompts: [],
      turns: 6,
    });
    const next = policy.choose({ ...first, wanted: 5 });
    expect(sorted(next.prompts)).toEqual([0, 1, 2]);
  });
});

describe('lilo', () => {
  test('draws by p(1 - p) of its running estimates', () => {
    const policy = begin('lilo', 4);
    // Prompt 0: 1/6 twice halved and added, prompt 1: always solved, prompt 2: half, prompt 3: new.
    policy.learn(update([group(0, 0), group(1, 4), group(2, 2)]));
    policy.learn(update([group(0, 1), group(1, 4), group(2, 2)]));
    // Counts 0.5 * 4 + 4 = 6; right 0.5 * 0 + 1, 0.5 * 4 + 4, 0.5 * 2 + 2.
    const p = [2 / 8, 7 / 8, 4 / 8, 1 / 2];
    const weights = p.map((one) => one * (1 - one));
    const draws = Array.from(
      { length: 4000 },
      (_, iteration) => policy.choose({ ...first, iteration, wanted: 1 }).prompts[0],
    );
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    for (const [prompt, weight] of weights.entries()) {
      const share = draws.filter((one) => one === prompt).length / draws.length;
      // Four standard deviations of a share over 4,000 draws are below 0.032.
      expect(Math.abs(share - weight / total)).toBeLessThan(0.032);
    }
  });

  test('draws without replacement', () => {
    const policy = begin('lilo', 5);
    expect(sorted(policy.choose({ ...first, wanted: 5 }).prompts)).toEqual([0, 1, 2, 3, 4]);
  });
});

describe('greso', () => {
  test('skips a prompt after groups without variance, with 1 - p^z', () => {
    // A step of 0 leaves p = 0.5: after two such groups one turn in four takes the prompt.
    const policy = begin('greso', 2, { greso: { step: 0, explore: 0.5 } });
    for (let i = 0; i < 2; i++) policy.learn(update([group(0, 4), group(1, 2)]));
    let taken = 0;
    for (let turn = 0; turn < 4000; turn += 2) {
      const { prompts } = policy.choose({
        ...first,
        wanted: 1,
        turns: turn,
        sampled: new Set([1]),
      });
      if (prompts.length === 0) continue;
      // The walk looks at two data epochs at most: 1 - (3/4)^2 of walks take it.
      taken++;
    }
    // Four standard deviations over 2,000 walks are 0.045.
    expect(Math.abs(taken / 2000 - 7 / 16)).toBeLessThan(0.045);
  });

  test('always takes a prompt whose last group varied', () => {
    const policy = begin('greso', 1, { greso: { exploreLeast: 0, explore: 0, step: 0 } });
    policy.learn(update([group(0, 0)]));
    expect(policy.choose({ ...first, wanted: 1 }).prompts).toEqual([]);
    policy.learn(update([group(0, 3)]));
    expect(policy.choose({ ...first, wanted: 1 }).prompts).toEqual([0]);
  });

  test('explores less where more groups than wanted are all right, and more where fewer are', () => {
    const greso = { explore: 0, exploreLeast: 0, exploreMost: 1, step: 1, easyShare: 0.6 };
    const policy = begin('greso', 2, { greso });
    // The first data epoch moves nothing.
    policy.learn(update([group(0, 4), group(1, 2)], 2));
    expect(policy.choose({ ...first, wanted: 2 }).prompts).toEqual([1]);
    // Half the groups are easy, below 0.6: p of easy prompts rises to 1.
    policy.learn(update([group(0, 4), group(1, 2)]));
    expect(sorted(policy.choose({ ...first, wanted: 2 }).prompts)).toEqual([0, 1]);
    // All are: p falls to 0, and both are skipped.
    policy.learn(update([group(0, 4), group(1, 4)]));
    expect(policy.choose({ ...first, wanted: 2 }).prompts).toEqual([]);
  });
});

describe('retire', () => {
  test('leaves a prompt out once its running accuracy reaches 0.9', () => {
    const policy = begin('retire', 3, {}, 10);
    policy.learn(update([group(0, 8, 10), group(1, 9, 10), group(2, 10, 10)]));
    expect(policy.choose({ ...first, wanted: 3 }).prompts).toEqual([0]);
    // 8 + 10 of 20 are 0.9.
    policy.learn(update([group(0, 10, 10)]));
    expect(policy.choose({ ...first, wanted: 3 }).prompts).toEqual([]);
  });

  test('takes its accuracy from the config', () => {
    const policy = begin('retire', 1, { retire: { accuracy: 1 } }, 10);
    policy.learn(update([group(0, 9, 10)]));
    expect(policy.choose({ ...first, wanted: 1 }).prompts).toEqual([0]);
  });
});

describe('speed', () => {
  test('screens by a third of a group, and passes what is neither solved nor hopeless', () => {
    expect(begin('speed', 4, {}, 24).screening?.samples).toBe(8);
    const { screening } = begin('speed', 4, {}, 8);
    expect(screening?.samples).toBe(3);
    expect([0, 1, 2, 3].map((right) => screening?.passes(right, 3))).toEqual([
      ...[false, true, true, false],
    ]);
    expect(begin('speed', 4, {}, 2).screening?.samples).toBe(1);
  });

  test('leaves out the ends of its band', () => {
    const { screening } = begin('speed', 4, { speed: { low: 0.25, high: 0.75 } }, 12);
    expect([1, 2, 3].map((right) => screening?.passes(right, 4))).toEqual([false, true, false]);
  });
});

describe('online-lim', () => {
  test('goes over the pool as FULL does, then over what it was narrowed to', () => {
    const policy = begin('online-lim', 4);
    const order = orderOf('online-lim', 4, 0);
    expect(policy.choose({ ...first, wanted: 2 }).prompts).toEqual(order.slice(0, 2));
    policy.learn(update([group(0, 1)], 0));
    expect(policy.choose({ ...first, iteration: 1, wanted: 2 }).prompts).toEqual(order.slice(2));
    policy.learn({ ...update([group(1, 1)], 0), narrowed: [1, 3] });
    const narrowed = policy.choose({ ...first, iteration: 2, wanted: 2 }).prompts;
    expect(sorted(narrowed)).toEqual([1, 3]);
    expect(narrowingSettings({ resamples: 3 })).toEqual({ leastEpochs: 2, resamples: 3 });
  });
});

describe('the stillness of a ranking', () => {
  /** Two data epochs of 100 samples, so that resampling hardly moves the ranking. */
  const matrix = (rows: readonly (readonly [number, number])[], samples = 100) => ({
    prompts: rows.length,
    epochs: 2,
    sums: Float64Array.from(rows.flat()),
    samples: new Uint32Array(2 * rows.length).fill(samples),
  });
  const options = { count: 1, resamples: 8, rule: 'corrected', seed: 3 } as const;

  test('is 1 - Jaccard index of the highest prompts with and without the last epoch', () => {
    // Mean curve 0.5, 0.5. First epoch: prompt 0 is on it; both: prompt 1 is the nearest.
    const rows = [
      [50, 0],
      [40, 60],
      [60, 90],
    ] as const;
    const { change, noise } = stillnessOf(matrix(rows), options);
    expect(change).toBe(1);
    expect(noise).toBeLessThan(0.5);
    expect(isStill({ change, noise })).toBe(false);
    // Of the two highest one stays: 1 - 1 / 3.
    expect(stillnessOf(matrix(rows), { ...options, count: 2 }).change).toBeCloseTo(2 / 3, 12);
  });

  test('finds a ranking still that did not change, and noise where samples are few', () => {
    const same = stillnessOf(
      matrix([
        [50, 50],
        [0, 0],
        [100, 100],
      ]),
      options,
    );
    expect(same).toEqual({ change: 0, noise: 0 });
    expect(isStill(same)).toBe(true);
    const few = stillnessOf(
      matrix(
        Array.from({ length: 40 }, (_, i) => [i % 3, (i + 1) % 3] as const),
        2,
      ),
      { ...options, count: 10 },
    );
    expect(few.noise).toBeGreaterThan(0.3);
  });

  test('looks at the data epochs that are complete', () => {
    const rows = firstColumns(
      {
        prompts: 2,
        epochs: 3,
        sums: Float64Array.of(1, 2, 9, 3, 4, 9),
        samples: Uint32Array.of(4, 4, 9, 4, 4, 9),
      },
      2,
    );
    expect([...rows.sums]).toEqual([1, 2, 3, 4]);
    expect([...rows.samples]).toEqual([4, 4, 4, 4]);
  });
});
