import { describe, expect, test } from 'vitest';
import { gae } from '../../kernels/gae.ts';
import { Variable } from '../../kernels/lib/variable.ts';
import gaeFixture from '../fixtures/gae.json';
import { gaeReference } from '../reference/gae.ts';
import { expectClose, openTestGpu, run, seeded, tensorOf } from '../support/gpu.ts';

const gpu = await openTestGpu();

interface Episode {
  readonly rewards: readonly number[];
  readonly values: readonly number[];
}

async function compute(episodes: readonly Episode[], gamma: number, gaeLambda: number) {
  let first = 0;
  const spans = episodes.flatMap(({ rewards }) => {
    first += rewards.length;
    return [first - rewards.length, rewards.length];
  });
  const tensors = {
    sequences: tensorOf(gpu, 'sequences', spans, [episodes.length, 2], 'u32'),
    rewards: tensorOf(
      gpu,
      'rewards',
      episodes.flatMap(({ rewards }) => rewards),
    ),
    values: tensorOf(
      gpu,
      'values',
      episodes.flatMap(({ values }) => values),
    ),
    advantages: tensorOf(gpu, 'advantages', new Float32Array(first).fill(NaN)),
    returns: tensorOf(gpu, 'returns', new Float32Array(first).fill(NaN)),
  };
  await run(gpu, [gae(tensors, { sequenceCount: episodes.length, gamma, gaeLambda })]);
  return {
    advantages: await gpu.read(tensors.advantages, 'f32'),
    returns: await gpu.read(tensors.returns, 'f32'),
  };
}

const episodesOf = (lengths: readonly number[]): Episode[] =>
  lengths.map((length, i) => ({
    rewards: [...seeded(length, 2 * i)],
    values: [...seeded(length, 2 * i + 1)],
  }));

// Sums of up to 512 numbers of size 1.
const tolerance = { abs: 1e-5, rel: 1e-5 };

describe('gae', () => {
  test.each([
    ['one action', [1]],
    ['ragged episodes', [7, 1, 33, 2]],
    ['more than a workgroup', Array.from({ length: 67 }, (_, i) => 1 + ((i * 5) % 11))],
    ['long episodes', [512, 511]],
  ])('matches the float64 reference on %s', async (_, lengths) => {
    const episodes = episodesOf(lengths);
    for (const [gamma, lambda] of [
      [1, 0.95],
      [0.9, 0],
      [0.99, 1],
    ] as const) {
      const got = await compute(episodes, gamma, lambda);
      const want = episodes.map((one) => gaeReference(one.rewards, one.values, gamma, lambda));
      expectClose(
        got.advantages,
        want.flatMap((one) => one.advantages),
        tolerance,
      );
      expectClose(
        got.returns,
        want.flatMap((one) => one.returns),
        tolerance,
      );
    }
  });

  test('works by hand, and carries nothing from one episode to the one before', async () => {
    // Last delta 1 - 0.5; the one before 0 + 0.5 - 0.25 plus half of it; the second episode alone.
    const got = await compute(
      [
        { rewards: [0, 1], values: [0.25, 0.5] },
        { rewards: [9], values: [4] },
      ],
      1,
      0.5,
    );
    expectClose(got.advantages, [0.5, 0.5, 5], { abs: 0 });
    expectClose(got.returns, [0.75, 1, 9], { abs: 0 });
  });

  test('matches the reference software', async () => {
    expect(gaeFixture.cases.length).toBeGreaterThan(0);
    for (const { gamma, lambda, rewards, values, advantages, returns } of gaeFixture.cases) {
      const episodes = rewards.map((episode, i) => ({ rewards: episode, values: values[i] }));
      const got = await compute(episodes, gamma, lambda);
      expectClose(got.advantages, advantages.flat(), { abs: 1e-5 });
      expectClose(got.returns, returns.flat(), { abs: 1e-5 });
    }
  });

  test('leaves sequences past the count alone', async () => {
    const one = tensorOf(gpu, 'one', [1, 1]);
    const tensors = {
      sequences: tensorOf(gpu, 'sequences', [0, 1, 1, 1], [2, 2], 'u32'),
      rewards: one,
      values: one,
      advantages: tensorOf(gpu, 'advantages', [7, 7]),
      returns: tensorOf(gpu, 'returns', [7, 7]),
    };
    const sequenceCount = new Variable('sequences', 0, 2);
    sequenceCount.value = 1;
    await run(gpu, [gae(tensors, { sequenceCount, gamma: 1, gaeLambda: 1 })]);
    expectClose(await gpu.read(tensors.advantages, 'f32'), [0, 7], { abs: 0 });
    expectClose(await gpu.read(tensors.returns, 'f32'), [1, 7], { abs: 0 });
  });

  test('refuses arrays that disagree', () => {
    const one = tensorOf(gpu, 'one', [0]);
    const two = tensorOf(gpu, 'two', [0, 0]);
    const sequences = tensorOf(gpu, 'sequences', [0, 1], [1, 2], 'u32');
    const tensors = { sequences, rewards: one, values: one, advantages: one, returns: one };
    const hyper = { sequenceCount: 1, gamma: 1, gaeLambda: 1 };
    expect(() => gae({ ...tensors, values: two }, hyper)).toThrow(
      "gae: values must be (1), got (2) from 'two'",
    );
    expect(() => gae(tensors, { ...hyper, sequenceCount: 2 })).toThrow(
      'gae: sequenceCount may reach 2, past the 1 held',
    );
    expect(() => gae({ ...tensors, sequences: two }, hyper)).toThrow('sequences must have rank 2');
  });
});
