import { describe, expect, test } from 'vitest';
import type { KlTerm } from '../../kernels/lib/kl-estimator.ts';
import { parallelLanes, serialLanes, type Lanes } from '../../kernels/lib/lanes.ts';
import { tokenRewards } from '../../kernels/token-rewards.ts';
import { tokenRewardsReference } from '../reference/token-rewards.ts';
import { expectClose, openTestGpu, run, seeded, tensorOf } from '../support/gpu.ts';
import fixture from '../support/ppo-fixture.json';

const gpu = await openTestGpu();

type Sequence = Parameters<typeof tokenRewardsReference>[0][number];
type Kl = KlTerm & { readonly coef: number; readonly clamp?: number };

async function compute(
  sequences: readonly Sequence[],
  kl: Kl,
  options: { rewardRange?: readonly [number, number]; lanes?: Lanes } = {},
) {
  let first = 0;
  const spans = sequences.flatMap(({ old }) => {
    first += old.length;
    return [first - old.length, old.length];
  });
  const count = sequences.length;
  const tensors = {
    sequences: tensorOf(gpu, 'sequences', spans, [count, 2], 'u32'),
    old_logprobs: tensorOf(
      gpu,
      'old',
      sequences.flatMap(({ old }) => old),
    ),
    ref_logprobs: tensorOf(
      gpu,
      'ref',
      sequences.flatMap(({ ref }) => ref),
    ),
    sequence_rewards: tensorOf(
      gpu,
      'R',
      sequences.map(({ reward }) => reward),
    ),
    token_rewards: tensorOf(gpu, 'rewards', new Float32Array(first).fill(NaN)),
    mean_kl: tensorOf(gpu, 'mean kl', new Float32Array(count).fill(NaN)),
  };
  await run(gpu, [tokenRewards(tensors, { sequenceCount: count, kl, ...options })]);
  return {
    rewards: await gpu.read(tensors.token_rewards, 'f32'),
    meanKl: await gpu.read(tensors.mean_kl, 'f32'),
  };
}

const sequencesOf = (lengths: readonly number[]): Sequence[] =>
  lengths.map((length, i) => ({
    old: Array.from(seeded(length, 2 * i), (x) => Math.fround(x - 2)),
    ref: Array.from(seeded(length, 2 * i + 1), (x) => Math.fround(x - 2)),
    reward: i % 2 === 0 ? 1 : -0.5,
  }));

describe.each([
  ['one lane', serialLanes],
  ['32 lanes', parallelLanes],
  ['4 lanes of 16 rows', { lanes: 4, rows: 16 } as const],
])('token-rewards with %s', (_, lanes) => {
  test.each(['k1', 'k2', 'k3'] as const)('matches the float64 reference with %s', async (name) => {
    for (const lengths of [
      [1],
      [5, 1, 33],
      Array.from({ length: 67 }, (_one, i) => (i * 7) % 19),
    ]) {
      const sequences = sequencesOf(lengths);
      for (const clamp of [undefined, 0.5]) {
        const kl = { estimator: name, coef: 0.01, ...(clamp === undefined ? {} : { clamp }) };
        const got = await compute(sequences, kl, { lanes });
        const want = tokenRewardsReference(sequences, kl);
        expectClose(got.rewards, want.rewards, { abs: 1e-6, rel: 1e-6 });
        expectClose(got.meanKl, want.meanKl, { abs: 2e-6, rel: 1e-5 });
      }
    }
  });

  test('matches the reference software', async () => {
    let first = 0;
    const sequences = fixture.lengths.map((length, i) => {
      first += length;
      const range = [first - length, first] as const;
      return {
        old: fixture.oldLogprobs.slice(...range),
        ref: fixture.refLogprobs.slice(...range),
        reward: fixture.sequenceRewards[i],
      };
    });
    const got = await compute(sequences, { estimator: 'k1', coef: 0.01 }, { lanes });
    expectClose(got.rewards, fixture.tokenRewards, { abs: 1e-6 });
    expectClose(got.meanKl, fixture.meanKl, { abs: 1e-6 });
    for (const [estimator, want] of [
      ['k1', fixture.klK1],
      ['k3', fixture.klK3],
    ] as const) {
      const none = sequences.map((sequence) => ({ ...sequence, reward: 0 }));
      const { rewards } = await compute(none, { estimator, coef: 1 }, { lanes });
      expectClose(
        rewards,
        want.map((kl) => -kl),
        { abs: 2e-6, rel: 1e-6 },
      );
    }
  });
});

describe('token-rewards', () => {
  test('puts the sequence reward on the last action only', async () => {
    const sequences = [
      { old: [-1, -2], ref: [-1.5, -1], reward: 1 },
      { old: [-3], ref: [-3], reward: -0.5 },
    ];
    const got = await compute(sequences, { estimator: 'k1', coef: 0.1 });
    // KL 0.5 and -1, then 0.
    expectClose(got.rewards, [-0.05, 1.1, -0.5], { abs: 1e-6 });
    expectClose(got.meanKl, [-0.25, 0], { abs: 1e-6 });
  });

  test('clamps the sequence reward to [-10, 10], or to the range given', async () => {
    const sequences = [25, -25].map((reward) => ({ old: [0], ref: [0], reward }));
    const kl = { estimator: 'k1', coef: 0.1 } as const;
    expectClose((await compute(sequences, kl)).rewards, [10, -10], { abs: 0 });
    const narrow = await compute(sequences, kl, { rewardRange: [-1, 2] });
    expectClose(narrow.rewards, [2, -1], { abs: 0 });
  });

  test('hands a NaN on, from log-probs and from the sequence reward', async () => {
    const kl = { estimator: 'k3', coef: 0.1, clamp: 10 } as const;
    const good = { old: [-1, -1], ref: [-1, -1], reward: 1 };
    const got = await compute(
      [
        { ...good, old: [NaN, -1] },
        { ...good, reward: NaN },
      ],
      kl,
    );
    expect([...got.rewards].map((x) => x + 0)).toEqual([NaN, 1, 0, NaN]);
    expect([...got.meanKl]).toEqual([NaN, 0]);
  });

  test('leaves a sequence without actions a mean KL of zero', async () => {
    const got = await compute(
      [
        { old: [], ref: [], reward: 5 },
        { old: [-1], ref: [-2], reward: 0 },
      ],
      { estimator: 'k1', coef: 1 },
    );
    expectClose(got.rewards, [-1], { abs: 0 });
    expectClose(got.meanKl, [0, 1], { abs: 0 });
  });

  test('refuses arrays that disagree', () => {
    const one = tensorOf(gpu, 'one', [0]);
    const two = tensorOf(gpu, 'two', [0, 0]);
    const tensors = {
      sequences: tensorOf(gpu, 'sequences', [0, 2], [1, 2], 'u32'),
      old_logprobs: two,
      ref_logprobs: two,
      sequence_rewards: one,
      token_rewards: two,
      mean_kl: one,
    };
    const hyper = { sequenceCount: 1, kl: { estimator: 'k1', coef: 0.01 } } as const;
    expect(() => tokenRewards(tensors, hyper)).not.toThrow();
    expect(() => tokenRewards({ ...tensors, ref_logprobs: one }, hyper)).toThrow(
      "token-rewards: ref_logprobs must be (2), got (1) from 'one'",
    );
    expect(() => tokenRewards({ ...tensors, mean_kl: two }, hyper)).toThrow(
      "token-rewards: mean_kl must be (1), got (2) from 'two'",
    );
    expect(() => tokenRewards(tensors, { ...hyper, sequenceCount: 2 })).toThrow('past the 1 held');
  });
});
