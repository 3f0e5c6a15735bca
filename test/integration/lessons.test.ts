import { afterAll, describe, expect, test } from 'vitest';
import { configFrom } from '../../src/config.ts';
import {
  exactClip,
  exactCredit,
  exactDistribution,
  exactDraws,
  exactScores,
} from '../../src/lessons/exact.ts';
import { taskJudge, mathsJudge } from '../../src/lessons/judges.ts';
import { LessonKernels } from '../../src/lessons/kernels.ts';
import { gaeReference } from '../reference/gae.ts';
import { limScoreReference } from '../reference/lim-score.ts';
import { policyLossReference } from '../reference/policy-loss.ts';
import { samplingDistributionReference } from '../reference/sampling-distribution.ts';
import { expectClose, seeded } from '../support/gpu.ts';

let opened: Promise<LessonKernels> | undefined;

/** One device for the file, as the page has one for all lessons. */
const kernels = (): Promise<LessonKernels> => (opened ??= LessonKernels.open());
afterAll(async () => (await opened)?.close());

const numbers = (count: number, seed: number, scale = 1): number[] => [
  ...seeded(count, seed, scale),
];

describe('what a lesson computes, by kernel and in float64', () => {
  test.each([
    [1, 0.99, 0.95],
    [9, 1, 0.95],
    [9, 0.5, 0],
    [14, 0.9, 1],
  ])('is the credit of the definition, of %i tokens', async (tokens, gamma, gaeLambda) => {
    const given = {
      rewards: numbers(tokens, 1),
      values: numbers(tokens, 2),
      gamma,
      gaeLambda,
    };
    const { advantages } = gaeReference(given.rewards, given.values, gamma, gaeLambda);
    const { advantages: deltas } = gaeReference(given.rewards, given.values, gamma, 0);
    for (const [got, abs] of [
      [exactCredit(given), 1e-12],
      [await (await kernels()).credit(given), 1e-5],
    ] as const) {
      expectClose(got.advantages, advantages, { abs, rel: abs });
      expectClose(got.deltas, deltas, { abs, rel: abs });
    }
  });

  test('is the gain of the clipped loss, and which tokens the clip holds', async () => {
    const given = {
      ratios: [1, 1.3, 1.3, 0.7, 0.7, 1.2, 0.5, 2],
      advantages: [1, 1, -1, 1, -1, 0.5, 0, 3],
      clip: 0.2,
    };
    const wanted = given.ratios.map((ratio, i) =>
      policyLossReference(Math.log(ratio), 0, 0, given.advantages[i], {
        clipLow: 0.2,
        clipHigh: 0.2,
      }),
    );
    for (const got of [exactClip(given), await (await kernels()).clip(given)]) {
      expectClose(
        got.gains,
        wanted.map(({ loss }) => -loss),
        { abs: 2e-6, rel: 1e-5 },
      );
      // At exactly 1 + clip rounding decides.
      const clear = (_: unknown, i: number): boolean => i !== 5;
      expect(got.held.filter(clear)).toEqual(wanted.map(({ decided }) => decided).filter(clear));
    }
  });

  test.each([
    [1, 1],
    [1.2, 0.9],
    [0.3, 1],
    [0, 0.5],
    [2, 0.05],
  ])('is the distribution at temperature %f and top-p %f', async (temperature, topP) => {
    const given = { logits: numbers(20, 5, 2), temperature, topP };
    const want = samplingDistributionReference(given.logits, {
      ...{ temperature, topP },
      ...{ topK: 0, minP: 0 },
    });
    expectClose(exactDistribution(given), want, { abs: 1e-12 });
    const got = await (await kernels()).distribution(given);
    expectClose(got, want, { abs: 1e-6 });
    expect(got.map((p) => p > 0)).toEqual([...want].map((p) => p > 0));
  });

  test('are the same draws, which another roll does not repeat', async () => {
    const given = { logits: numbers(20, 6, 1.5), temperature: 1.2, topP: 0.95 };
    const probabilities = exactDistribution(given);
    const rolls = await Promise.all(
      [1, 2].map(async (number) => (await kernels()).draws({ ...given, number, samples: 32 })),
    );
    expect(rolls).toEqual(
      [1, 2].map((number) => exactDraws(probabilities, { number, samples: 32 })),
    );
    expect(rolls[0]).not.toEqual(rolls[1]);
  });

  test('are the scores of the definition, with none where there is none', async () => {
    const mean = [0.43, 0.55, 0.64, 0.7, 0.74];
    const sums = Float32Array.from({ length: 30 }, (_, i) => (7 * i) % 9);
    const given = { mean, samples: 8, sums };
    const want = limScoreReference(sums, new Uint32Array(30).fill(8), mean);
    expectClose(exactScores(given), want, { abs: 1e-12 });
    expectClose(await (await kernels()).scores(given), want, { abs: 1e-5, rel: 1e-5 });
    const solved = {
      mean: [1, 1, 1, 1],
      samples: 8,
      sums: Float32Array.of(8, 8, 8, 8, 8, 8, 8, 7),
    };
    expect(exactScores(solved)).toEqual([0, NaN]);
    expect(await (await kernels()).scores(solved)).toEqual([0, NaN]);
  });
});

describe('the verifiers of the lesson about pay', () => {
  const { task } = configFrom('quick', undefined, 'test');

  test.each([
    ['4,6#6;', '6', 1],
    ['4,6#6;', '5', -0.5],
    ['1,6#6;', '6', 1],
    ['4,5#5;', '6', -0.5],
    ['4,6?6;', '6', -1],
    ['4,6#6', '6', -1],
    ['', '6', -1],
  ])('pay for %s with the key %s what a run pays', async (response, key, reward) => {
    const judge = await taskJudge(task);
    expect((await judge('7-3*4_________=', key, response)).reward).toBe(reward);
  });

  test.each([
    ['so it is \\boxed{\\frac{1}{2}}', '0.5', 1],
    ['so it is \\boxed{2}', '0.5', -0.5],
    ['so it is 0.5', '0.5', -1],
  ])('pay for %s with the key %s by the rules of mathematics', async (response, key, reward) => {
    const judge = await mathsJudge(task);
    expect((await judge('', key, response)).reward).toBe(reward);
  });
});
