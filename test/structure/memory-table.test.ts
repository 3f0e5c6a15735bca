import { describe, expect, test } from 'vitest';
import { shapeOf } from '../../src/cli/fit.ts';
import { parseHfConfig } from '../../src/model/hugging-face/config.ts';
import { estimateBuffers } from '../../src/scheduler/estimate.ts';

/** The largest binding and buffer of common desktop adapters. */
const desktop = { maxBufferSize: 2 ** 32, maxStorageBufferBindingSize: 2 ** 31 - 4 };

/** Shapes of released models, as their config.json gives them. */
const models = {
  'SmolLM2-135M': ['llama', 576, 30, 9, 3, 64, 49_152, 1536],
  'SmolLM2-360M': ['llama', 960, 32, 15, 5, 64, 49_152, 2560],
  'Qwen2.5-0.5B': ['qwen2', 896, 24, 14, 2, 64, 151_936, 4864],
  'Qwen3-0.6B': ['qwen3', 1024, 28, 16, 8, 128, 151_936, 3072],
  'Llama-3.2-1B': ['llama', 2048, 16, 32, 8, 64, 128_256, 8192],
  'Qwen2.5-1.5B': ['qwen2', 1536, 28, 12, 2, 128, 151_936, 8960],
} as const;

/** A model with windows and heads of 256. */
const gemma = {
  model_type: 'gemma3_text',
  hidden_size: 640,
  num_hidden_layers: 18,
  num_attention_heads: 4,
  num_key_value_heads: 1,
  head_dim: 256,
  vocab_size: 262_144,
  intermediate_size: 2048,
  max_position_embeddings: 32_768,
  sliding_window: 512,
  sliding_window_pattern: 6,
  rope_theta: 1_000_000,
  rope_local_base_freq: 10_000,
  query_pre_attn_scalar: 256,
  rms_norm_eps: 1e-6,
  hidden_activation: 'gelu_pytorch_tanh',
};

type Name = keyof typeof models | 'Gemma-3-270m';

function modelOf(name: Name) {
  if (name === 'Gemma-3-270m') return parseHfConfig(gemma, name);
  const [model_type, hidden, layers, heads, keys, head_dim, vocabulary, inner] = models[name];
  const json = {
    model_type,
    hidden_size: hidden,
    num_hidden_layers: layers,
    num_attention_heads: heads,
    num_key_value_heads: keys,
    head_dim,
    vocab_size: vocabulary,
    intermediate_size: inner,
    tie_word_embeddings: true,
    max_position_embeddings: 8192,
  };
  return parseHfConfig(json, name);
}

interface Line {
  readonly model: Name;
  readonly tokens: readonly [prompt: number, response: number];
  readonly method: 'grpo' | 'ppo';
  readonly base: 'f16' | 'int4';
}

/** GiB of a training with so many responses decoded together. */
function gibibytes({ model, tokens, method, base }: Line, rowsTogether: number): number {
  const [promptTokens, responseTokens] = tokens;
  const question = { promptTokens, responseTokens, method, base };
  const shape = shapeOf(modelOf(model), { ...question, train: 'lora', rank: 16, cache: 'f16' });
  const choices = { rowsTogether, microRows: 4096, gradientCheckpointing: true };
  return estimateBuffers({ ...shape, ...choices }, desktop).total / 2 ** 30;
}

const short = [512, 1024] as const;
const long = [1024, 3072] as const;

/**
 * GiB with 8 responses together, worked out by hand for LoRA of rank 16 on all matrices, keys and
 * values in f16: base, adapters with moments and gradients, the larger of update and rollout, and 0.15.
 */
const worked = [
  ['SmolLM2-135M', short, { grpo: [0.97, 0.81], ppo: [1.04, 0.88] }],
  ['Gemma-3-270m', short, { grpo: [1.24, 0.97], ppo: [1.29, 1.03] }],
  ['SmolLM2-360M', short, { grpo: [1.79, 1.35], ppo: [1.92, 1.48] }],
  ['Qwen2.5-0.5B', short, { grpo: [2.06, 1.49], ppo: [2.19, 1.63] }],
  ['Qwen3-0.6B', short, { grpo: [2.43, 1.74], ppo: [2.58, 1.89] }],
  ['Llama-3.2-1B', short, { grpo: [4.07, 2.61], ppo: [4.24, 2.78] }],
  ['Qwen2.5-1.5B', short, { grpo: [4.9, 3.03], ppo: [5.17, 3.3] }],
  ['SmolLM2-135M', long, { grpo: [1.06, 0.9], ppo: [1.13, 0.97] }],
  ['Gemma-3-270m', long, { grpo: [1.24, 0.97], ppo: [1.29, 1.03] }],
  ['SmolLM2-360M', long, { grpo: [1.99, 1.55], ppo: [2.12, 1.68] }],
  ['Qwen2.5-0.5B', long, { grpo: [2.06, 1.49], ppo: [2.19, 1.63] }],
  ['Qwen3-0.6B', long, { grpo: [4.23, 3.54], ppo: [4.38, 3.69] }],
  ['Llama-3.2-1B', long, { grpo: [4.07, 2.61], ppo: [4.24, 2.78] }],
  ['Qwen2.5-1.5B', long, { grpo: [4.9, 3.03], ppo: [5.17, 3.3] }],
] as const;

const lines = worked.flatMap(([model, tokens, wanted]) =>
  (['grpo', 'ppo'] as const).flatMap((method) =>
    (['f16', 'int4'] as const).map((base, i) => {
      return [model, method, base, tokens[1], { tokens, want: wanted[method][i] ?? NaN }] as const;
    }),
  ),
);

describe('what training takes', () => {
  test.each(lines)(
    '%s, %s, base in %s, responses of %i',
    (model, method, base, _, { tokens, want }) => {
      const found = gibibytes({ model, tokens, method, base }, 8);
      expect(found).toBeLessThan(want + 0.15);
      expect(found).toBeGreaterThan(want - 0.2);
    },
  );

  // A card's memory less half a GiB, which the system takes.
  test.each([
    ['Qwen2.5-0.5B', 'f16', 128, 4],
    ['Qwen2.5-0.5B', 'int4', 128, 4],
    ['Llama-3.2-1B', 'int4', 64, 4],
    ['Qwen2.5-1.5B', 'int4', 32, 4],
    ['Qwen2.5-1.5B', 'f16', 128, 8],
    ['Qwen3-0.6B', 'int4', 16, 4],
  ] as const)(
    '%s in %s decodes %i responses together on a card of %i GiB',
    (model, base, rows, card) => {
      const found = gibibytes({ model, tokens: short, method: 'grpo', base }, rows);
      expect(found).toBeLessThan(card - 0.5);
    },
  );
});
