import { describe, expect, test } from 'vitest';
import { configFrom } from '../../src/config.ts';
import { bitsOfHex, bitsToHex } from '../../src/formats/prompt-bits.ts';
import type { EventOf } from '../../src/results.ts';
import type { Sampler } from '../../src/rollout/batched-decoder.ts';
import type { Generation } from '../../src/rollout/decoder.ts';
import { lineOf, parseEvent } from '../../src/run-folder/events.ts';
import { Evaluator } from '../../src/scheduler/evaluator.ts';
import type { Task, Tier, TierSampling } from '../../src/tasks/task.ts';
import { packVerdicts } from '../../src/tasks/verification.ts';

const tierOf = (name: string, prompts: number, sampling?: TierSampling): Tier => ({
  name,
  description: name,
  prompts: Array.from({ length: prompts }, (_, i) => ({
    text: `${name} ${i}`,
    key: '',
    tokens: Uint32Array.of(i),
  })),
  ...(sampling ? { sampling } : {}),
});

const taskOf = (tiers: readonly Tier[]): Task => ({
  name: 'test',
  vocabularySize: 1000,
  stopIds: [1],
  maxPromptTokens: 1,
  maxResponseTokens: 1,
  poolPrompts: 1,
  text: {
    vocabularySize: 1000,
    alphabet: undefined,
    encode: () => Promise.reject(new Error('known')),
    decode: (rows) => Promise.resolve(rows.map((row) => String(row[0]))),
    close: () => Promise.resolve(),
  },
  pool: () => [],
  tiers: () => tiers,
  corpus: undefined,
  describeInjected: () => [],
});

/** Answers at most four rows at a time; sample s of prompt p is right where `isRight` says so. */
function evaluated(
  tiers: readonly Tier[],
  isRight: (tier: string, prompt: number, sample: number) => boolean,
  evaluation: object = {},
) {
  const config = configFrom('quick', { evaluation }, 'test');
  const decoder: Sampler = {
    capacity: { rows: 4, prompts: 4, promptRows: 4, promptLength: 1, newTokens: 1 },
    generate({ prompts, samplesPerPrompt }) {
      const rows = prompts.length * samplesPerPrompt;
      const response = (row: number) =>
        Uint32Array.of(prompts[Math.floor(row / samplesPerPrompt)][0]);
      const stopped = new Uint8Array(rows).fill(1);
      return Promise.resolve({ rows, response, stopped } as unknown as Generation);
    },
  };
  const evaluator = new Evaluator(taskOf(tiers), config.evaluation, (request) => {
    const samples = request.promptOf.length / request.prompts.length;
    const verdicts = request.responses.map((response, row) => {
      const correct = isRight(request.tier ?? '', Number(response), row % samples);
      return { reward: correct ? 1 : -1, correct, formatted: true, extracted: null };
    });
    const extracted = verdicts.map(() => null);
    return Promise.resolve({ ...packVerdicts(verdicts), extracted, failures: [] });
  });
  return evaluator.evaluate(decoder, 7);
}

describe('the bits of an evaluation', () => {
  test('say of each prompt whether its greedy answer was right, whatever the batches', async () => {
    // 10 prompts in batches of 4, 4 and 2: right are 0, 4 and 9.
    const found = await evaluated([tierOf('T1', 10)], (_, prompt) => [0, 4, 9].includes(prompt), {
      samples: 0,
    });
    expect(found).toEqual({ mean: 0.3, tiers: { T1: 0.3 }, correct: { T1: '884' } });
    expect([...bitsOfHex('884', 10, 'T1')]).toEqual([1, 0, 0, 0, 1, 0, 0, 0, 0, 1]);
  });

  test('are of greedy answers, not of samples', async () => {
    const found = await evaluated([tierOf('T1', 2)], (_, prompt, sample) => prompt + sample === 0, {
      samples: 2,
    });
    expect(found).toEqual({
      mean: 0.5,
      tiers: { T1: 0.5 },
      correct: { T1: '8' },
      sampled: { mean: 0.25, tiers: { T1: 0.25 } },
    });
  });

  test('are counts for a tier of several samples a prompt', async () => {
    const tiers = [
      tierOf('one', 3, { samples: 1, temperature: 0.5, topP: 1 }),
      tierOf('many', 3, { samples: 2, temperature: 0.5, topP: 1 }),
    ];
    const found = await evaluated(tiers, (_, prompt, sample) => sample < prompt);
    expect(found).toMatchObject({
      tiers: { one: 2 / 3, many: 0.5 },
      correct: { one: '6' },
      counts: { many: [0, 1, 2] },
    });
    expect(found.correct).not.toHaveProperty('many');
  });

  test('stay in the log of events', () => {
    const event: EventOf<'evaluation'> = {
      type: 'evaluation',
      method: 'full',
      ...{ seed: 1, update: 2, samples: 16, mean: 0.75, tiers: { a: 0.5, b: 1 } },
      correct: { a: '8' },
      counts: { b: [2, 2] },
    };
    const line = lineOf(event, 2) ?? '';
    expect(parseEvent(line, 'line 1')).toEqual({ after: 2, ...event });
    expect(() => parseEvent(line.replace('"8"', '"G"'), 'line 1')).toThrow(/correct\.a: must be/);
    expect(() => parseEvent(line.replace('[2,2]', '[2,-1]'), 'line 1')).toThrow(/counts\.b/);
  });

  test.each([0, 1, 4, 5, 299])('come back from their hex digits: %i prompts', (count) => {
    const bits = Uint8Array.from({ length: count }, (_, i) => Number((i * 7) % 5 < 2));
    expect(bitsOfHex(bitsToHex(bits), count, 'x')).toEqual(bits);
  });

  test.each([
    ['88', 10, /need 3 hex digits/],
    ['8848', 10, /need 3 hex digits/],
    ['88G', 10, /need 3 hex digits/],
    ['885', 10, /a bit is set after the 10 prompts/],
  ])('%s is refused as the bits of %i prompts', (hex, count, why) => {
    expect(() => bitsOfHex(hex, count, 'T1')).toThrow(why);
  });
});
