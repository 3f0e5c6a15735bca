import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { costText } from '../../src/cli/run-cost.ts';
import { configFrom } from '../../src/config.ts';
import { parseHfConfig } from '../../src/model/hugging-face/config.ts';
import { pretrainedPresets } from '../../src/presets.ts';
import { costOf } from '../../src/scheduler/cost.ts';
import type { TaskShape } from '../../src/tasks/task.ts';

const qwen = parseHfConfig(
  {
    model_type: 'qwen2',
    vocab_size: 151_936,
    hidden_size: 896,
    intermediate_size: 4864,
    num_hidden_layers: 24,
    num_attention_heads: 14,
    num_key_value_heads: 2,
    tie_word_embeddings: true,
  },
  'test',
);
const given = { task: { prompts: 'p.jsonl' }, model: { kind: 'folder', path: 'm' } };
const pool = { poolPrompts: 256, maxResponseTokens: 384 };

describe('the cost of a run on a given model', () => {
  test('counts the responses of FULL and of arms on an eighth of the pool', () => {
    const evening = configFrom('maths-evening', given, 'test');
    // 16 rollouts an epoch in FULL, 2 in each arm; 16 prompts × 8 responses of 384 tokens.
    const updates = 6 * 16 + 2 * 6 * 2;
    const { updates: found, responseTokens } = costOf(evening, pool, qwen, 1);
    expect([found, responseTokens]).toEqual([updates, updates * 16 * 8 * 384]);
    expect(costOf(evening, pool, qwen, 3).updates).toBe(3 * updates);
  });

  // Passes per response token. Sampling, old policy and reference take one each; an update one
  // forward, one for gradients of inputs, one for gradients of weights.
  test.each([
    ['LoRA and GRPO', {}, 5],
    ['layers computed once more', { gradientCheckpointing: true }, 6],
    ['no reference', { ppo: { klCoef: 0 } }, 4],
    ['all parameters', { adapter: null }, 6],
    ['a critic', { ppo: { estimator: 'gae' } }, 8],
    [
      'a critic and layers once more',
      { ppo: { estimator: 'gae' }, gradientCheckpointing: true },
      10,
    ],
  ])('counts 2 operations per parameter and pass: %s', (_, more, passes) => {
    const config = configFrom('maths-evening', { ...given, ...more }, 'test');
    const { responseTokens, operations } = costOf(config, pool, qwen, 1);
    const parameters = 494_032_768; // transformers' num_parameters() of Qwen2.5-0.5B
    expect(operations).toBe(responseTokens * parameters * 2 * passes);
  });

  test('is a sentence with times', () => {
    const config = configFrom('maths-evening', given, 'test');
    const task = { ...pool, stopIds: [] } as unknown as TaskShape;
    expect(costText(config, { task, model: qwen }, 1)).toBe(
      'cost: 120 updates with at most 5.9 million response tokens, 2.9e16 operations: ' +
        '1 h 37 min at 5 Tflop/s, 24 min 17 s at 20 Tflop/s ' +
        '(predicted from the arithmetic alone; decoding is bound by memory and takes longer)',
    );
    const few = { ...task, poolPrompts: 16, maxResponseTokens: 8 };
    expect(costText(config, { task: few, model: qwen }, 1)).toMatch(/18 thousand .* operations$/);
    expect(costText(config, { task }, 1)).toBeUndefined();
  });
});

describe('the example on mathematics', () => {
  const folder = join(import.meta.dirname, '../../examples/maths');
  const example: unknown = JSON.parse(readFileSync(join(folder, 'maths.json'), 'utf8'));

  test.each(Object.keys(pretrainedPresets).filter((name) => name.startsWith('maths-')))(
    'is a config of %s, in LoRA and in full',
    (preset) => {
      const config = configFrom(preset, example, 'maths.json');
      expect(config.preset).toBe(preset);
      expect(config.experiment.methods).toEqual(['full', 'lim', 'rand']);
      expect(config.experiment.readouts.at(-1)).toBe(config.experiment.epochs);
      expect(config).toMatchObject({
        weightStorage: 'f16',
        adapter: { rank: 16 },
        task: { name: 'dataset', verifier: 'math', maxPromptTokens: 512 },
      });
      const full = configFrom(preset, { ...(example as object), adapter: null }, 'maths.json');
      expect(full.ppo.actor.learningRate).toBe(5e-7);
      expect(full.weightStorage).toBeUndefined();
    },
  );

  test('gives a run that overrides the epochs the read-outs that it reaches', () => {
    const { experiment } = configFrom(
      'maths-evening',
      { ...(example as object), experiment: { epochs: 2 } },
      'maths.json',
    );
    expect(experiment).toMatchObject({ armLength: 2, readouts: [1, 2], tableReadout: 2 });
  });
});
