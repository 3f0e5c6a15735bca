import { describe, expect, test } from 'vitest';
import { type FitQuestion, shapeOf } from '../../src/cli/fit.ts';
import { budgetOfCard } from '../../src/cli/memory-budget.ts';
import { parseHfConfig } from '../../src/model/hugging-face/config.ts';
import { estimateBuffers } from '../../src/scheduler/estimate.ts';
import { MemoryPlanner } from '../../src/scheduler/plan-memory.ts';

const GIB = 2 ** 30;
const desktop = { maxBufferSize: 2 ** 32, maxStorageBufferBindingSize: 2 ** 31 - 4 };

/** Shapes of released models. */
const models = {
  'SmolLM2-135M': {
    model_type: 'llama',
    vocab_size: 49_152,
    hidden_size: 576,
    intermediate_size: 1536,
    num_hidden_layers: 30,
    num_attention_heads: 9,
    num_key_value_heads: 3,
  },
  'SmolLM2-360M': {
    model_type: 'llama',
    vocab_size: 49_152,
    hidden_size: 960,
    intermediate_size: 2560,
    num_hidden_layers: 32,
    num_attention_heads: 15,
    num_key_value_heads: 5,
  },
  'Qwen2.5-0.5B': {
    model_type: 'qwen2',
    vocab_size: 151_936,
    hidden_size: 896,
    intermediate_size: 4864,
    num_hidden_layers: 24,
    num_attention_heads: 14,
    num_key_value_heads: 2,
  },
  'Qwen3-0.6B': {
    model_type: 'qwen3',
    vocab_size: 151_936,
    hidden_size: 1024,
    intermediate_size: 3072,
    num_hidden_layers: 28,
    num_attention_heads: 16,
    num_key_value_heads: 8,
    head_dim: 128,
  },
};
const modelOf = (name: keyof typeof models) =>
  parseHfConfig(
    { ...models[name], tie_word_embeddings: true, max_position_embeddings: 8192 },
    name,
  );

const question: FitQuestion = {
  promptTokens: 512,
  responseTokens: 1024,
  method: 'grpo',
  train: 'lora',
  rank: 16,
  base: 'f16',
  cache: 'f16',
};
const long = { promptTokens: 1024, responseTokens: 3072 };

/** Least rows that decode together with cards of 4, 8, 16 and 24 GiB; 0: need not fit. */
const table: readonly (readonly [
  keyof typeof models,
  FitQuestion['method'],
  readonly number[],
  readonly number[],
])[] = [
  ['SmolLM2-135M', 'grpo', [64, 256, 256, 256], [32, 64, 128, 256]],
  ['SmolLM2-135M', 'ppo', [64, 256, 256, 256], [32, 64, 128, 256]],
  ['SmolLM2-360M', 'grpo', [32, 128, 256, 256], [16, 32, 64, 128]],
  ['SmolLM2-360M', 'ppo', [32, 128, 256, 256], [16, 32, 64, 128]],
  ['Qwen2.5-0.5B', 'grpo', [128, 256, 256, 256], [32, 128, 256, 256]],
  ['Qwen2.5-0.5B', 'ppo', [128, 256, 256, 256], [32, 128, 256, 256]],
  ['Qwen3-0.6B', 'grpo', [16, 32, 64, 128], [0, 16, 32, 64]],
  ['Qwen3-0.6B', 'ppo', [8, 32, 64, 128], [0, 16, 32, 32]],
];

const cards = [4, 8, 16, 24];

describe('what fits a card', () => {
  test.each(table)('%s with LoRA and %s', (name, method, short, longer) => {
    for (const [lengths, wanted] of [
      [{}, short],
      [long, longer],
    ] as const) {
      const shape = shapeOf(modelOf(name), { ...question, method, ...lengths });
      const choices = { microRows: 4096, gradientCheckpointing: true };
      for (const rowsTogether of new Set(wanted.filter((rows) => rows > 0))) {
        const { total } = estimateBuffers({ ...shape, ...choices, rowsTogether }, desktop);
        const card = cards[wanted.indexOf(rowsTogether)] * GIB;
        expect(total, `${rowsTogether} rows`).toBeLessThanOrEqual(card - GIB / 2);
      }
    }
  });

  test('is what a plan finds, or more', () => {
    const planner = new MemoryPlanner(shapeOf(modelOf('Qwen2.5-0.5B'), question), desktop);
    for (const [i, rows] of [128, 256, 256, 256].entries()) {
      const plan = planner.plan(budgetOfCard(cards[i] * GIB));
      expect(plan.fits).toBe(true);
      expect(plan.choices.rowsTogether).toBeGreaterThanOrEqual(rows);
      expect(plan.choices.microRows).toBe(4096);
      expect(plan.total).toBeLessThanOrEqual((cards[i] - 0.5) * GIB);
    }
  });
});
