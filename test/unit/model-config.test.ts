import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { ConfigError } from '../../src/config-error.ts';
import { parseHfConfig, toHfConfig } from '../../src/model/hugging-face/config.ts';

const fixture = (name: string) =>
  JSON.parse(readFileSync(`test/fixtures/models/${name}/config.json`, 'utf8')) as Record<
    string,
    unknown
  >;

const gemma = (file = 'config.json') =>
  JSON.parse(readFileSync(`test/fixtures/gemma3/gemma3-text/${file}`, 'utf8')) as Record<
    string,
    unknown
  >;

const llama = {
  model_type: 'llama',
  vocab_size: 512,
  hidden_size: 64,
  intermediate_size: 172,
  num_hidden_layers: 5,
  num_attention_heads: 8,
};
const parse = (changes: Record<string, unknown>) =>
  parseHfConfig({ ...llama, ...changes }, 'm/config.json');

describe('parseHfConfig', () => {
  test('reads the current layout', () => {
    expect(parseHfConfig(fixture('qwen3-qknorm'), 'x')).toEqual({
      architecture: 'qwen3',
      vocabSize: 320,
      hiddenSize: 64,
      intermediateSize: 96,
      layers: 2,
      heads: 4,
      kvHeads: 2,
      headDim: 24,
      ropeTheta: 1e6,
      rmsNormEps: 1e-6,
      tieEmbeddings: true,
      qkvBias: false,
      qkNorm: true,
      maxPositions: 512,
      bosTokenId: null,
      eosTokenIds: [317],
      padTokenId: 318,
    });
    expect(parseHfConfig(fixture('qwen2-bf16'), 'x')).toMatchObject({ qkvBias: true, headDim: 16 });
    expect(parseHfConfig(fixture('llama-untied'), 'x')).toMatchObject({
      tieEmbeddings: false,
      rmsNormEps: 1e-5,
      ropeTheta: 1e4,
    });
  });

  test('reads the layout before 2026', () => {
    const config = parse({
      rope_theta: 5e5,
      rope_scaling: null,
      torch_dtype: 'bfloat16',
      bos_token_id: 1,
      eos_token_id: [2, 3],
    });
    expect(config).toMatchObject({
      ropeTheta: 5e5,
      bosTokenId: 1,
      eosTokenIds: [2, 3],
      headDim: 8,
    });
  });

  test("takes transformers' defaults for what is absent", () => {
    expect(parse({})).toMatchObject({
      ropeTheta: 1e4,
      rmsNormEps: 1e-6,
      kvHeads: 8,
      tieEmbeddings: false,
    });
    expect(parse({ model_type: 'qwen3' }).headDim).toBe(128);
  });

  test.each([-1, -100, 512, 32_000])('takes %i for no padding or first token', (id) => {
    expect(parse({ pad_token_id: id, bos_token_id: id })).toMatchObject({
      padTokenId: null,
      bosTokenId: null,
    });
    expect(parse({ pad_token_id: 511 }).padTokenId).toBe(511);
  });

  test('knows both names of its activation', () => {
    expect(parse({ hidden_act: 'swish' })).toEqual(parse({ hidden_act: 'silu' }));
  });

  test('reads a scaled rotary embedding in every spelling', () => {
    const linear = { type: 'linear', factor: 2.5 };
    expect(parse({ rope_scaling: linear }).rope).toEqual(linear);
    expect(parse({ rope_scaling: { rope_type: 'linear', factor: 2.5 } }).rope).toEqual(linear);
    expect(
      parse({ rope_parameters: { rope_type: 'linear', factor: 2.5, rope_theta: 5e5 } }),
    ).toMatchObject({ rope: linear, ropeTheta: 5e5 });
    for (const rope_scaling of [{ type: 'linear', factor: 1 }, { rope_type: 'default' }, null]) {
      expect(parse({ rope_scaling })).toEqual(parse({}));
    }
    // A scaling that somebody adds to a config of today.
    const current = { rope_parameters: { rope_type: 'default', rope_theta: 5e5 } };
    expect(parse({ ...current, rope_scaling: linear })).toMatchObject({
      rope: linear,
      ropeTheta: 5e5,
    });
    expect(
      parse({ rope_scaling: { type: 'yarn', factor: 4 }, max_position_embeddings: 100 }).rope,
    ).toMatchObject({ originalPositions: 100, betaFast: 32, betaSlow: 1, truncate: true });
    expect(
      parse({
        rope_scaling: { type: 'yarn', factor: 4, original_max_position_embeddings: 32 },
        original_max_position_embeddings: 64,
      }).rope,
    ).toMatchObject({ originalPositions: 64 });
  });

  test.each([
    { rope_type: 'linear', factor: 3 },
    { rope_type: 'dynamic', factor: 2 },
    { rope_type: 'llama3', factor: 8, original_max_position_embeddings: 64 },
    { rope_type: 'yarn', factor: 4, mscale: 1, mscale_all_dim: 0.5, truncate: false },
  ])('writes back a rotary embedding of %j', (rope_scaling) => {
    const config = parse({ rope_scaling, rope_theta: 5e5 });
    const written = toHfConfig(config);
    expect(config.rope).toMatchObject({ type: rope_scaling.rope_type });
    expect(parseHfConfig(written, 'x')).toEqual(config);
    expect(parseHfConfig({ ...written, rope_parameters: undefined }, 'x')).toEqual(config);
    expect(parseHfConfig({ ...written, rope_scaling: undefined }, 'x')).toEqual(config);
  });

  test('lets a window pass that no layer uses', () => {
    const qwen = { model_type: 'qwen2', sliding_window: 4096, max_window_layers: 5 };
    expect(parse({ ...qwen, use_sliding_window: false }).layers).toBe(5);
    expect(parse({ ...qwen, use_sliding_window: true }).layers).toBe(5);
  });

  test.each<[Record<string, unknown>, RegExp]>([
    [
      { model_type: undefined },
      /^m\/config.json: model_type is missing; known are llama, qwen2, qwen3, gemma3_text$/,
    ],
    [{ model_type: 'gpt2' }, /model_type "gpt2" is not implemented/],
    [{ model_type: 'constructor' }, /not implemented/],
    [{ vocab_size: undefined }, /vocab_size is missing/],
    [{ vocab_size: 0 }, /vocab_size must be a whole number/],
    [{ vocab_size: '512' }, /vocab_size must be/],
    [{ hidden_size: 2 ** 40 }, /hidden_size must be/],
    [{ num_hidden_layers: 2.5 }, /num_hidden_layers must be/],
    [{ num_attention_heads: 7 }, /head_dim must be a whole number/],
    [{ num_attention_heads: 64 }, /head_dim must be even/],
    [{ num_key_value_heads: 3 }, /num_key_value_heads must divide num_attention_heads 8, is 3/],
    [{ hidden_act: 'gelu' }, /hidden_act "gelu" is not implemented; known are "silu"/],
    [{ hidden_act: 'gelu_pytorch_tanh' }, /hidden_act "gelu_pytorch_tanh" is not implemented/],
    [{ num_hidden_layers: 1025 }, /num_hidden_layers must be a whole number from 1 to 1024/],
    [{ num_hidden_layers: 1_000_000 }, /num_hidden_layers must be a whole number from 1 to 1024/],
    [{ pad_token_id: 'none' }, /pad_token_id must hold token ids/],
    [{ attention_bias: true }, /attention_bias true is not implemented for llama/],
    [{ model_type: 'qwen3', attention_bias: true }, /attention_bias/],
    [{ mlp_bias: true }, /mlp_bias/],
    [{ attention_dropout: 0.1 }, /attention_dropout/],
    [{ quantization_config: {} }, /quantization_config/],
    [{ rope_scaling: { type: 'linear' } }, /rope_scaling: factor is missing/],
    [{ rope_scaling: { factor: 2 } }, /rope_scaling: rope_type is missing, which says what factor/],
    [{ rope_theta: NaN }, /rope_theta must be a number above 0, is NaN/],
    [{ rope_scaling: { type: 'linear', factor: 0.5 } }, /rope_scaling: factor must be a number of/],
    [{ rope_scaling: { type: 'linear', factor: '2' } }, /factor must be a number of at least 1/],
    [{ rope_scaling: { type: 'longrope', factor: 2 } }, /rope_type "longrope" is not implemented/],
    [
      {
        rope_parameters: { rope_type: 'linear', rope_theta: 1e4, factor: 2 },
        rope_scaling: { type: 'linear', factor: 4 },
      },
      /rope_scaling contradicts rope_parameters/,
    ],
    [
      {
        rope_scaling: { rope_type: 'llama3', factor: 8, low_freq_factor: 4, high_freq_factor: 4 },
      },
      /high_freq_factor must be above low_freq_factor 4/,
    ],
    [{ rope_scaling: { type: 'yarn', factor: 2, attention_factor: -1 } }, /attention_factor must/],
    [{ rope_scaling: { rope_theta: 1e5 }, rope_theta: 1e4 }, /10000 contradicts 100000/],
    [{ rope_parameters: { full_attention: { rope_theta: 1 } } }, /per layer type/],
    [{ rope_parameters: { rope_theta: 1e4, partial_rotary_factor: 0.5 } }, /partial_rotary_factor/],
    [
      { rope_parameters: { rope_theta: 1e4 }, rope_theta: 1e6 },
      /rope_theta 1000000 contradicts 10000/,
    ],
    [{ rope_theta: -1 }, /rope_theta must be a number above 0/],
    [{ rms_norm_eps: 'small' }, /rms_norm_eps/],
    [{ tie_word_embeddings: 1 }, /tie_word_embeddings must be true or false/],
    [{ eos_token_id: 512 }, /eos_token_id must hold token ids below vocab_size 512/],
    [{ eos_token_id: [2, -1] }, /eos_token_id/],
    [{ layer_types: ['full_attention', 'sliding_attention'] }, /layer_types "sliding_attention"/],
    [
      { model_type: 'qwen2', use_sliding_window: true, sliding_window: 8, max_window_layers: 4 },
      /use_sliding_window true/,
    ],
  ])('refuses %j', (changes, message) => {
    expect(() => parse(changes)).toThrow(ConfigError);
    expect(() => parse(changes)).toThrow(message);
  });

  test.each([[null], [[]], ['{}'], [3]])('refuses %j for a file', (json) => {
    expect(() => parseHfConfig(json, 'm')).toThrow(/^m: the file must be an object$/);
  });

  test('reads Gemma 3 in the current spelling and in that of its publication', () => {
    const config = parseHfConfig(gemma(), 'x');
    expect(config).toEqual({
      architecture: 'gemma3_text',
      vocabSize: 320,
      hiddenSize: 48,
      intermediateSize: 80,
      layers: 4,
      heads: 4,
      kvHeads: 1,
      headDim: 32,
      ropeTheta: 1e6,
      queryScalar: 20,
      sliding: { layers: [true, true, false, true], window: 6, ropeTheta: 1e4 },
      rmsNormEps: 1e-6,
      tieEmbeddings: true,
      qkvBias: false,
      qkNorm: true,
      gate: 'gelu-tanh',
      unitOffset: true,
      outputNorms: true,
      scaledEmbedding: true,
      maxPositions: 256,
      bosTokenId: 2,
      eosTokenIds: [1],
      padTokenId: 0,
    });
    expect(parseHfConfig(gemma('config.legacy.json'), 'x')).toEqual(config);
  });

  test("takes transformers' defaults for what a config of Gemma 3 leaves out", () => {
    const { model_type, vocab_size, hidden_size, intermediate_size } = gemma();
    const sizes = { vocab_size, hidden_size, intermediate_size };
    const bare = { model_type, ...sizes, num_hidden_layers: 13, num_attention_heads: 4 };
    const config = parseHfConfig(bare, 'x');
    expect(config).toMatchObject({
      kvHeads: 4,
      headDim: 256,
      queryScalar: 256,
      ropeTheta: 1e6,
      maxPositions: 131_072,
      tieEmbeddings: true,
      sliding: { window: 4096, ropeTheta: 1e4 },
    });
    const full = config.sliding?.layers.flatMap((slides, layer) => (slides ? [] : [layer]));
    expect(full).toEqual([5, 11]);
  });

  test('scales the rotary embedding of full layers by the former spelling, of either by the current', () => {
    const scaling = { rope_type: 'linear', factor: 8 };
    const linear = { type: 'linear', factor: 8 };
    const former = parseHfConfig({ ...gemma('config.legacy.json'), rope_scaling: scaling }, 'x');
    expect(former.rope).toEqual(linear);
    expect(former.sliding).not.toHaveProperty('rope');
    const rope_parameters = { sliding_attention: scaling };
    const current = parseHfConfig({ ...gemma(), rope_parameters }, 'x');
    expect(current.sliding).toMatchObject({ rope: linear, ropeTheta: 1e4 });
    expect(current).not.toHaveProperty('rope');
  });

  test('knows no window where no layer of Gemma 3 slides', () => {
    const layer_types = Array<string>(4).fill('full_attention');
    const config = parseHfConfig({ ...gemma(), layer_types, sliding_window: null }, 'x');
    expect(config).not.toHaveProperty('sliding');
    expect(parseHfConfig(toHfConfig(config), 'x')).toEqual(config);
  });

  test.each<[Record<string, unknown>, RegExp]>([
    [{ attn_logit_softcapping: 50 }, /attn_logit_softcapping is not implemented/],
    [{ final_logit_softcapping: 30 }, /final_logit_softcapping is not implemented/],
    [{ attention_bias: true }, /attention_bias true is not implemented for gemma3_text/],
    [{ vision_config: {} }, /vision_config is not implemented/],
    [{ model_type: 'gemma3' }, /model_type "gemma3" is not implemented/],
    [{ use_bidirectional_attention: true }, /use_bidirectional_attention true is not implemented/],
    [{ hidden_activation: 'silu' }, /hidden_activation "silu" is not implemented; known is "gelu_/],
    [{ layer_types: ['full_attention'] }, /layer_types must have 4 entries, one a layer, has 1/],
    [{ layer_types: [1, 2, 3, 4] }, /layer_types 1 is not implemented/],
    [{ layer_types: 'full_attention' }, /layer_types must be a list, is "full_attention"/],
    [{ sliding_window: 0 }, /sliding_window must be a whole number from 1 to/],
    [{ sliding_window: null }, /sliding_window is null, but layer 0 slides/],
    [{ layer_types: null, sliding_window_pattern: 0 }, /sliding_window_pattern must be a whole/],
    [{ query_pre_attn_scalar: 0 }, /query_pre_attn_scalar must be a number above 0, is 0/],
    [{ rope_local_base_freq: 5 }, /rope_local_base_freq 5 contradicts 10000 of sliding_attention/],
    [
      { rope_parameters: { rope_theta: 1e6 } },
      /rope_parameters: rope_theta must stand below full_/,
    ],
    [{ num_attention_heads: 5 }, /num_attention_heads must divide hidden_size 48, is 5/],
  ])('refuses %j of Gemma 3', (changes, message) => {
    const read = () => parseHfConfig({ ...gemma(), ...changes }, 'm/config.json');
    expect(read).toThrow(ConfigError);
    expect(read).toThrow(message);
  });

  test('reads own fields only', () => {
    const json = JSON.parse('{"__proto__": {"model_type": "llama"}}') as unknown;
    expect(() => parseHfConfig(json, 'm')).toThrow(/model_type is missing/);
  });
});

describe('toHfConfig', () => {
  test.each(['llama-untied', 'qwen2-tied', 'qwen3-qknorm'])(
    'writes back what it read of %s',
    (name) => {
      const config = parseHfConfig(fixture(name), name);
      const written = toHfConfig(config, 'bfloat16');
      expect(parseHfConfig(written, name)).toEqual(config);
      expect(written).toMatchObject({
        torch_dtype: 'bfloat16',
        dtype: 'bfloat16',
        rope_theta: config.ropeTheta,
      });
      expect(parseHfConfig({ ...written, rope_parameters: undefined }, name)).toEqual(config);
      expect(parseHfConfig({ ...written, rope_theta: undefined }, name)).toEqual(config);
      const original = fixture(name);
      for (const key of Object.keys(written)) {
        if (['dtype', 'torch_dtype', 'rope_theta', 'head_dim'].includes(key)) continue;
        expect([key, written[key]]).toEqual([key, original[key]]);
      }
    },
  );

  test('writes Gemma 3 in both of its spellings', () => {
    const config = parseHfConfig(gemma(), 'x');
    const written = toHfConfig(config);
    expect(parseHfConfig(written, 'x')).toEqual(config);
    expect(parseHfConfig({ ...written, rope_parameters: undefined }, 'x')).toEqual(config);
    const { rope_theta, rope_local_base_freq, ...current } = written;
    expect([rope_theta, rope_local_base_freq]).toEqual([1e6, 1e4]);
    expect(parseHfConfig(current, 'x')).toEqual(config);
    const original = gemma();
    for (const key of Object.keys(current)) {
      if (key === 'torch_dtype') continue;
      expect([key, written[key]]).toEqual([key, original[key]]);
    }
  });

  test('refuses an architecture that lacks what the model has', () => {
    const refused = (change: object, message: string) => {
      expect(() => toHfConfig({ ...parse({}), ...change })).toThrow(ConfigError);
      expect(() => toHfConfig({ ...parse({}), ...change })).toThrow(message);
    };
    refused({ qkNorm: true }, 'llama: has qkNorm false, the model has true');
    refused({ gate: 'gelu-tanh' }, 'llama: has gate silu, the model has gelu-tanh');
    refused({ unitOffset: true }, 'llama: has unitOffset false, the model has true');
    refused({ queryScalar: 4 }, 'llama: has no queryScalar, the model has');
    const { sliding } = parseHfConfig(gemma(), 'x');
    refused({ sliding }, 'llama: has no sliding, the model has');
    refused({ architecture: 'gemma3_text', qkNorm: true }, 'has gate gelu-tanh, the model has');
  });
});
