import { describe, expect, test } from 'vitest';
import { configFrom } from '../../src/config.ts';
import type { Sampler } from '../../src/rollout/batched-decoder.ts';
import type { GenerateRequest, Generation } from '../../src/rollout/decoder.ts';
import type { Verifier } from '../../src/scheduler/evaluator.ts';
import { Pool } from '../../src/scheduler/pool.ts';
import { baseAnswers, probe, probeWarning } from '../../src/scheduler/probe.ts';
import type { Task } from '../../src/tasks/task.ts';
import { packVerdicts } from '../../src/tasks/verification.ts';

const configOf = (lim: object = {}) =>
  configFrom('quick', { rollout: { prompts: 32, samples: 8 }, lim }, 'test');

/** A task of some prompts, each with a token that is its place. */
const taskOf = (prompts: number): Task => ({
  name: 'test',
  vocabularySize: 1000,
  stopIds: [1],
  maxPromptTokens: 1,
  maxResponseTokens: 1,
  poolPrompts: prompts,
  text: {
    vocabularySize: 1000,
    alphabet: undefined,
    encode: () => Promise.reject(new Error('known')),
    decode: (rows) => Promise.resolve(rows.map((row) => String(row[0]))),
    close: () => Promise.resolve(),
  },
  pool: () =>
    Array.from({ length: prompts }, (_, i) => ({
      text: `prompt ${i}`,
      key: '',
      tokens: Uint32Array.of(i),
    })),
  tiers: () => [],
  corpus: undefined,
  describeInjected: () => [],
});

/** Judges response i of a prompt as right where `isRight` says so. */
async function probed(
  isRight: (prompt: number, sample: number) => boolean,
  prompts: number,
  config = configOf(),
) {
  const requests: GenerateRequest[] = [];
  const decoder: Sampler = {
    capacity: { rows: 256, prompts: 32, promptRows: 32, promptLength: 1, newTokens: 1 },
    generate(request) {
      requests.push(request);
      const rows = request.prompts.length * request.samplesPerPrompt;
      const response = (row: number) =>
        Uint32Array.of(request.prompts[Math.floor(row / request.samplesPerPrompt)][0]);
      return Promise.resolve({
        rows,
        response,
        stopped: new Uint8Array(rows).fill(1),
      } as unknown as Generation);
    },
  };
  const verify: Verifier = ({ responses }) => {
    const verdicts = responses.map((text, i) => {
      const correct = isRight(Number(text), i % 8);
      return { reward: correct ? 1 : -0.5, correct, formatted: true, extracted: null };
    });
    return Promise.resolve({ ...packVerdicts(verdicts), extracted: [], failures: [] });
  };
  const task = taskOf(prompts);
  const pool = await Pool.open(task, 3);
  const tools = { config, task, pool, decoder, verify };
  const found = await probe(tools);
  const asked = requests.splice(0, requests.length, ...requests);
  const answers = await baseAnswers(tools);
  return { found, answers, requests: asked, askedAll: requests.slice(asked.length), config };
}

describe('a probe of the base', () => {
  test('samples 64 prompts of the pool as FULL samples', async () => {
    const { found, requests, config } = await probed((_, sample) => sample < 2, 500);
    expect(found).toMatchObject({ prompts: 64, samples: 8, accuracy: 0.25, reward: -0.125 });
    expect(found).toMatchObject({ neverSolved: 0, alwaysSolved: 0 });
    expect(requests.map((request) => request.prompts.length)).toEqual([32, 32]);
    const { temperature, topP } = config.rollout;
    for (const request of requests)
      expect(request).toMatchObject({ temperature, topP, stopIds: [1] });
    const ids = requests.flatMap(({ promptIds }) => promptIds ?? []);
    expect(new Set(ids).size).toBe(64);
    expect(Math.max(...ids)).toBeGreaterThan(64);
  });

  test('of the whole pool counts the right and the well-formed answers of each prompt', async () => {
    const { answers, requests, askedAll } = await probed(
      (prompt, sample) => sample < prompt % 4,
      70,
    );
    expect(answers.samples).toBe(8);
    expect(answers.right).toEqual(Array.from({ length: 70 }, (_, prompt) => prompt % 4));
    expect(answers.formatted).toEqual(new Array(70).fill(8));
    expect(askedAll.flatMap(({ promptIds }) => promptIds ?? [])).toEqual([...Array(70).keys()]);
    // Its samples are other ones than those of the probe.
    expect(new Set([...requests, ...askedAll].map(({ seed }) => seed)).size).toBe(2);
  });

  test('takes all prompts of a smaller pool', async () => {
    const { found } = await probed((prompt) => prompt < 10, 40);
    expect(found).toMatchObject({ prompts: 40, neverSolved: 0.75, alwaysSolved: 0.25 });
  });

  test('warns where theta cannot reject never-solved prompts: below a level of 0.387', async () => {
    // sqrt(0.4) / (1 + sqrt(0.4)) = 0.3874...
    const low = await probed((prompt, sample) => (prompt * 8 + sample) % 8 < 3, 64);
    expect(low.found.accuracy).toBe(0.375);
    expect(low.found.theta?.requiredLevel).toBeCloseTo(Math.sqrt(0.4) / (1 + Math.sqrt(0.4)), 12);
    expect(low.found.theta?.level).toBeCloseTo(0.375, 12);
    expect(probeWarning(low.config, low.found)).toMatch(
      /^the base solves 37\.5 % of a probe of 64 prompts × 8, and 0 % of the prompts never: theta 0\.6 .* stays above 0\.387 \(it would begin at 0\.375\)/,
    );
    const high = await probed((prompt, sample) => (prompt * 8 + sample) % 5 < 2, 64);
    expect(high.found.accuracy).toBeGreaterThan(0.39);
    expect(probeWarning(high.config, high.found)).toBeUndefined();
  });

  test('measures the mean reward where LIM does, and nothing where LIM counts', async () => {
    const byReward = configOf({ signal: 'reward' });
    const { found } = await probed((_, sample) => sample < 3, 64, byReward);
    // (m + 0.5)^2 / (1 - m)^2 with m = 3/8 - 5/16.
    expect(found.theta?.level).toBeCloseTo(0.375, 6);
    expect(found.theta?.rejectsNeverSolved).toBe(false);
    const byCount = configOf({ count: 10 });
    const counted = await probed(() => false, 64, byCount);
    expect(counted.found).not.toHaveProperty('theta');
    expect(probeWarning(byCount, counted.found)).toBeUndefined();
  });
});
