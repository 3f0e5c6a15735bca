import { describe, expect, test } from 'vitest';
import { rewardToGo } from '../../kernels/reward-to-go.ts';
import gaeFixture from '../fixtures/gae.json';
import { rewardToGoReference } from '../reference/reward-to-go.ts';
import { expectClose, openTestGpu, run, seeded, tensorOf } from '../support/gpu.ts';

const gpu = await openTestGpu();

async function compute(episodes: readonly (readonly number[])[], gamma: number) {
  let first = 0;
  const spans = episodes.flatMap((rewards) => {
    first += rewards.length;
    return [first - rewards.length, rewards.length];
  });
  const tensors = {
    sequences: tensorOf(gpu, 'sequences', spans, [episodes.length, 2], 'u32'),
    token_rewards: tensorOf(gpu, 'rewards', episodes.flat()),
    advantages: tensorOf(gpu, 'advantages', new Float32Array(first).fill(NaN)),
  };
  await run(gpu, [rewardToGo(tensors, { sequenceCount: episodes.length, gamma })]);
  return gpu.read(tensors.advantages, 'f32');
}

describe('reward-to-go', () => {
  test.each([
    ['one action', [1]],
    ['ragged episodes', [7, 1, 33, 2]],
    ['more than a workgroup', Array.from({ length: 67 }, (_, i) => 1 + ((i * 5) % 11))],
    ['long episodes', [512, 511]],
  ])('matches the float64 reference on %s', async (_, lengths) => {
    const episodes = lengths.map((length, i) => [...seeded(length, i)]);
    for (const gamma of [1, 0.9]) {
      const want = episodes.flatMap((rewards) => rewardToGoReference(rewards, gamma));
      // 512 roundings of partial sums up to 30: 4e-8 * 30 * sqrt(512).
      expectClose(await compute(episodes, gamma), want, { abs: 5e-5 });
    }
  });

  test('works by hand: 1, 2, 4 at a discount of a half', async () => {
    expectClose(await compute([[1, 2, 4], [8]], 0.5), [3, 4, 4, 8], { abs: 0 });
  });

  test('matches the reference software', async () => {
    for (const { gamma, rewards, cumulative_returns: want } of gaeFixture.cases) {
      expectClose(await compute(rewards, gamma), want.flat(), { abs: 1e-5 });
    }
  });

  test('refuses arrays that disagree', () => {
    const one = tensorOf(gpu, 'one', [0]);
    const two = tensorOf(gpu, 'two', [0, 0]);
    const sequences = tensorOf(gpu, 'sequences', [0, 1], [1, 2], 'u32');
    const hyper = { sequenceCount: 1, gamma: 1 };
    expect(() => rewardToGo({ sequences, token_rewards: one, advantages: two }, hyper)).toThrow(
      "reward-to-go: advantages must be (1), got (2) from 'two'",
    );
  });
});
