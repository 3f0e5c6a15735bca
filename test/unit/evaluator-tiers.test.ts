import { expect, test } from 'vitest';
import type { Sampler } from '../../src/rollout/batched-decoder.ts';
import type { GenerateRequest, Generation } from '../../src/rollout/decoder.ts';
import { Evaluator } from '../../src/scheduler/evaluator.ts';
import { arithmeticVariants, arithmeticVerifier } from '../../src/tasks/arithmetic-config.ts';
import { ArithmeticTask } from '../../src/tasks/arithmetic-task.ts';
import {
  packVerdicts,
  type VerifyReply,
  type VerifyRequest,
} from '../../src/tasks/verification.ts';

const task = new ArithmeticTask({
  ...arithmeticVariants.E,
  maxOperators: 8,
  trainedOperators: 6,
  outOfDistribution: { prompts: 8, minOperators: 7, maxOperators: 8 },
});

/** Solves prompts of the lengths that `knows` takes, and answers nothing else. */
const sampler = (knows: (operators: number) => boolean): Sampler => ({
  capacity: { rows: 64, prompts: 64, promptRows: 1152, promptLength: 18, newTokens: 20 },
  generate: ({ prompts, samplesPerPrompt }: GenerateRequest) => {
    const responses = prompts.flatMap((tokens) => {
      const prompt = task.tokenizer.decode(tokens);
      const operators = prompt.match(/[-+*]/g)!.length;
      const response = task.tokenizer.encode(knows(operators) ? task.solve(prompt) : ';');
      return Array.from({ length: samplesPerPrompt }, () => response);
    });
    return Promise.resolve({
      rows: responses.length,
      stopped: new Uint8Array(responses.length).fill(1),
      response: (row: number) => responses[row],
    } as unknown as Generation);
  },
});

const verify = ({ keys, promptOf, responses }: VerifyRequest): Promise<VerifyReply> => {
  const verdicts = responses.map((response, row) =>
    arithmeticVerifier.verify('', keys[promptOf[row]], response),
  );
  const extracted = verdicts.map((verdict) => verdict.extracted);
  return Promise.resolve({ ...packVerdicts(verdicts), extracted, failures: [] });
};

const settings = { prompts: 8, samples: 2, temperature: 0.4, topP: 0.95 };

test('a tier out of distribution is evaluated beside the mean of the others', async () => {
  const evaluator = new Evaluator(task, settings, verify);
  // T1 has 1 to 3 operators, T2 3 to 4, T3 4 to 5.
  const found = await evaluator.evaluate(
    sampler((operators) => operators <= 3),
    1,
  );
  const threes = task
    .tiers()[1]
    .prompts.slice(0, 8)
    .filter(({ text }) => {
      return text.match(/[-+*]/g)!.length === 3;
    });
  const tiers = { T1: 1, T2: threes.length / 8, T3: 0 };
  const expected = { mean: (1 + tiers.T2) / 3, tiers, outOfDistribution: { OOD: 0 } };
  expect(tiers.T2).toBeGreaterThan(0);
  expect(found).toMatchObject({ ...expected, sampled: expected });

  const long = await evaluator.evaluate(
    sampler((operators) => operators >= 7),
    1,
  );
  expect(long).toMatchObject({
    mean: 0,
    tiers: { T1: 0, T2: 0, T3: 0 },
    outOfDistribution: { OOD: 1 },
    sampled: { mean: 0, outOfDistribution: { OOD: 1 } },
  });
});

test('without such a tier nothing is said of one', async () => {
  const plain = new ArithmeticTask({ ...arithmeticVariants.E, maxOperators: 8 });
  const found = await new Evaluator(plain, settings, verify).evaluate(
    sampler(() => true),
    1,
  );
  expect(found.mean).toBe(1);
  expect(found).not.toHaveProperty('outOfDistribution');
  expect(found.sampled).not.toHaveProperty('outOfDistribution');
});
