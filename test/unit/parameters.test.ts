import { describe, expect, test } from 'vitest';
import { blockOf, nextInput } from '../../src/model/block.ts';
import type { ModelConfig } from '../../src/model/config.ts';
import { hfName, peftName } from '../../src/model/hugging-face/names.ts';
import { criticFromActor, heldParameters } from '../../src/model/parameter-source.ts';
import {
  initialParameters,
  parameterLayout,
  parameterNames,
  type ParameterLayout,
} from '../../src/model/parameters.ts';

// Queries are 3 heads of 4, keys and values 1 head of 4: no two sizes are the same.
const config: ModelConfig = {
  architecture: 'llama',
  vocabSize: 11,
  hiddenSize: 8,
  intermediateSize: 20,
  layers: 2,
  heads: 3,
  kvHeads: 1,
  headDim: 4,
  ropeTheta: 10_000,
  rmsNormEps: 1e-5,
  tieEmbeddings: true,
  qkvBias: false,
  qkNorm: false,
  maxPositions: 64,
  bosTokenId: null,
  eosTokenIds: [],
  padTokenId: null,
};

const elements = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);
const stored = (layout: ParameterLayout, name: string) => {
  const found = layout.stored.find((one) => one.name === name);
  if (!found) throw new Error(`no ${name}`);
  return found;
};

describe('parameterLayout', () => {
  test('names every parameter as Hugging Face does, in file order', () => {
    const names = parameterNames(parameterLayout({ ...config, layers: 1 }, 'lm'));
    expect(names.map(({ name, shape }) => [name, ...shape])).toEqual([
      ['model.embed_tokens.weight', 11, 8],
      ['model.layers.0.input_layernorm.weight', 8],
      ['model.layers.0.self_attn.q_proj.weight', 12, 8],
      ['model.layers.0.self_attn.k_proj.weight', 4, 8],
      ['model.layers.0.self_attn.v_proj.weight', 4, 8],
      ['model.layers.0.self_attn.o_proj.weight', 8, 12],
      ['model.layers.0.post_attention_layernorm.weight', 8],
      ['model.layers.0.mlp.gate_proj.weight', 20, 8],
      ['model.layers.0.mlp.up_proj.weight', 20, 8],
      ['model.layers.0.mlp.down_proj.weight', 8, 20],
      ['model.norm.weight', 8],
    ]);
  });

  test('adds biases, head norms and an untied head where the config has them', () => {
    const full = { ...config, layers: 1, qkvBias: true, qkNorm: true, tieEmbeddings: false };
    const plain = new Set(parameterNames(parameterLayout(config, 'lm')).map(({ name }) => name));
    const added = parameterNames(parameterLayout(full, 'lm')).filter((one) => !plain.has(one.name));
    expect(added.map(({ name, shape }) => [name, ...shape])).toEqual([
      ['model.layers.0.self_attn.q_proj.bias', 12],
      ['model.layers.0.self_attn.k_proj.bias', 4],
      ['model.layers.0.self_attn.v_proj.bias', 4],
      ['model.layers.0.self_attn.q_norm.weight', 4],
      ['model.layers.0.self_attn.k_norm.weight', 4],
      ['lm_head.weight', 11, 8],
    ]);
  });

  test('gives the critic a scalar head and no language-model head, tied or not', () => {
    for (const tieEmbeddings of [true, false]) {
      const names = parameterNames(parameterLayout({ ...config, tieEmbeddings }, 'value'));
      expect(names.at(-1)).toMatchObject({ name: 'score.weight', shape: [1, 8] });
      expect(names.some(({ name }) => name === 'lm_head.weight')).toBe(false);
    }
  });

  test('stores query, key and value as one, and gate and up, parts in that order', () => {
    const layout = parameterLayout({ ...config, qkvBias: true }, 'lm');
    expect(stored(layout, 'layers.1.qkv')).toMatchObject({
      shape: [20, 8],
      parts: [
        { name: 'layers.1.q', firstRow: 0, rows: 12 },
        { name: 'layers.1.k', firstRow: 12, rows: 4 },
        { name: 'layers.1.v', firstRow: 16, rows: 4 },
      ],
    });
    expect(stored(layout, 'layers.1.qkv_bias')).toMatchObject({
      shape: [20],
      parts: [{ firstRow: 0 }, { firstRow: 12 }, { firstRow: 16 }],
    });
    expect(stored(layout, 'layers.1.gate_up')).toMatchObject({
      shape: [40, 8],
      parts: [
        { name: 'layers.1.gate', firstRow: 0, rows: 20 },
        { name: 'layers.1.up', firstRow: 20, rows: 20 },
      ],
    });
  });

  test('lets matrices decay, norms and biases not, and splits each page there', () => {
    const layout = parameterLayout({ ...config, qkvBias: true, qkNorm: true }, 'lm');
    for (const one of layout.stored) expect(one.decay, one.name).toBe(!/norm|bias/.test(one.name));
    expect(layout.pages).toHaveLength(1);
    const [page] = layout.pages;
    for (const { name, decay, first, shape } of layout.stored) {
      const end = first + elements(shape);
      expect(decay ? end <= page.decayEnd : first >= page.decayEnd, name).toBe(true);
    }
    const decaying = layout.stored.filter((one) => one.decay);
    // Each tensor is padded to 64 elements, so that it starts where it can be bound.
    const padded = decaying.map((one) => Math.ceil(elements(one.shape) / 64) * 64);
    expect(page.decayEnd).toBe(padded.reduce((a, b) => a + b));
  });

  test.each([Infinity, 1024, 320])('packs pages of at most %f without overlap', (limit) => {
    const layout = parameterLayout({ ...config, qkvBias: true, tieEmbeddings: false }, 'lm', limit);
    const ends = layout.pages.map(() => 0);
    const inOrder = [...layout.stored].sort((a, b) => a.page - b.page || a.first - b.first);
    for (const { name, page, first, shape } of inOrder) {
      expect(first % 64, name).toBe(0);
      expect(first, name).toBeGreaterThanOrEqual(ends[page]);
      ends[page] = first + elements(shape);
    }
    for (const [i, { size, decayEnd }] of layout.pages.entries()) {
      expect(size).toBeLessThanOrEqual(limit);
      expect(size).toBeGreaterThanOrEqual(ends[i]);
      expect(decayEnd).toBeLessThanOrEqual(size);
      expect(size % 64).toBe(0);
      for (const { name, decay, page, first } of layout.stored) {
        if (page === i) expect(first < decayEnd, name).toBe(decay);
      }
    }
    if (limit === 320) expect(layout.pages.length).toBeGreaterThan(8);
  });

  test('refuses a tensor that is larger than a page may be', () => {
    expect(() => parameterLayout(config, 'lm', 256)).toThrow(
      new RangeError(
        'layers.0.gate_up needs 1280 bytes in one binding, this device has 1024 (1280 bytes against 1024 bytes): an adapter with larger bindings helps, or a model with a smaller width',
      ),
    );
  });

  test('cuts a vocabulary that is larger than a page into whole rows, a multiple of 64', () => {
    const large = { ...config, vocabSize: 151_936, hiddenSize: 896 };
    const { stored, count } = parameterLayout(large, 'lm', 2 ** 25);
    const pieces = stored.filter(({ whole }) => whole === 'embed');
    expect(pieces.map(({ name, shape, parts }) => [name, shape, parts[0].fileRow])).toEqual([
      ['embed', [37_440, 896], 0],
      ['embed.1', [37_440, 896], 37_440],
      ['embed.2', [37_440, 896], 74_880],
      ['embed.3', [37_440, 896], 112_320],
      ['embed.4', [2176, 896], 149_760],
    ]);
    expect(count).toBe(parameterLayout(large, 'lm').count);
    const names = parameterNames(parameterLayout(large, 'lm', 2 ** 25));
    expect(names).toEqual(parameterNames(parameterLayout(large, 'lm')));
    const untied = parameterLayout({ ...large, tieEmbeddings: false }, 'lm', 2 ** 25, 'f16');
    expect(untied.stored.filter(({ whole }) => whole === 'lm_head')).toHaveLength(5);
  });

  test('counts what can be trained, without padding', () => {
    // Embedding 88; per layer 8 + 160 + 96 + 8 + 320 + 160; final norm 8.
    expect(parameterLayout(config, 'lm').count).toBe(88 + 2 * 752 + 8);
    expect(parameterLayout(config, 'value').count).toBe(88 + 2 * 752 + 8 + 8);
    expect(parameterLayout({ ...config, tieEmbeddings: false }, 'lm').count).toBe(1600 + 88);
  });
});

/** Mean and standard deviation. */
function moments(data: Float32Array): { mean: number; deviation: number } {
  const mean = data.reduce((sum, x) => sum + x, 0) / data.length;
  const square = data.reduce((sum, x) => sum + (x - mean) ** 2, 0) / data.length;
  return { mean, deviation: Math.sqrt(square) };
}

describe('peftName', () => {
  test('names factors, and parts that PEFT saves whole, as PEFT does', () => {
    const of = (...args: [string, ('A' | 'B')?]) => peftName('qwen2', ...args);
    const layer = 'base_model.model.model.layers.3';
    expect(of('layers.3.q', 'A')).toBe(`${layer}.self_attn.q_proj.lora_A.weight`);
    expect(of('layers.3.down', 'B')).toBe(`${layer}.mlp.down_proj.lora_B.weight`);
    expect(of('score')).toBe('base_model.model.score.weight');
    expect(() => of('layers.3.qkv', 'A')).toThrow("qwen2 has no parameter 'layers.3.qkv'");
  });
});

describe('hfName', () => {
  test.each(['layers.0.qkv', 'layers.0.toString', 'layer.0.q', 'toString', 'layers.x.q'])(
    'knows no parameter %s',
    (part) => {
      expect(() => hfName('llama', part)).toThrow(
        new RangeError(`llama has no parameter '${part}'`),
      );
    },
  );
});

describe('blockOf', () => {
  test.each([
    [false, false],
    [true, false],
    [false, true],
    [true, true],
  ])('uses each parameter once: biases %s, head norms %s', (qkvBias, qkNorm) => {
    const { ops, parameters } = blockOf({ ...config, qkvBias, qkNorm });
    const used = ops.flatMap((op) => {
      if (op.op === 'norm') return [op.weight];
      if (op.op === 'linear') return [op.weight, ...(op.bias === undefined ? [] : [op.bias])];
      return op.op === 'head-norm' ? [op.query, op.key] : [];
    });
    expect(used.sort()).toEqual(parameters.map(({ name }) => name).sort());
  });

  test.each([false, true])(
    'computes each value before it is read, head norms %s, and ends with the next input',
    (qkNorm) => {
      const { ops, values, input, finalNorm, gradients } = blockOf({ ...config, qkNorm });
      const known = new Set([input]);
      for (const op of ops) {
        const reads =
          op.op === 'rope'
            ? [op.on]
            : [op.from, ...(op.op === 'linear' && op.residual ? [op.residual] : [])];
        for (const read of reads) expect(known.has(read), read).toBe(true);
        if (op.op === 'norm') known.add(op.rstd);
        if (op.op === 'attention') known.add(op.lse);
        if (op.op !== 'rope') known.add(op.to);
      }
      expect(ops.at(-1)).toMatchObject({ to: nextInput });
      known.delete(nextInput);
      expect([...known].sort()).toEqual(Object.keys(values).sort());
      expect(known.has(finalNorm.over)).toBe(true);
      for (const { gradient, over } of Object.values(values)) {
        if (gradient !== undefined) expect(gradients).toContain(gradient);
        if (over !== undefined) expect(known.has(over), over).toBe(true);
      }
    },
  );
});

describe('initialParameters', () => {
  const large = { ...config, hiddenSize: 64, intermediateSize: 64, vocabSize: 100, qkvBias: true };
  const weights = initialParameters(large, 7);
  const get = (name: string): Float32Array => weights.get(name)!;

  test('starts norms at 1, biases at 0 and draws matrices, the last ones smaller', () => {
    expect([...weights.keys()]).toEqual(
      parameterNames(parameterLayout(large, 'lm')).map(({ name }) => name),
    );
    expect([...new Set(get('model.norm.weight'))]).toEqual([1]);
    expect([...new Set(get('model.layers.1.self_attn.k_proj.bias'))]).toEqual([0]);
    const layer = 'model.layers.1.';
    // 4096 or more draws: the deviation is good to 1.1 %, four of which are allowed; two layers
    // scale what goes into the residual stream by 1/2.
    for (const [name, deviation] of [
      ['model.embed_tokens.weight', 0.02],
      [`${layer}mlp.gate_proj.weight`, 0.02],
      [`${layer}mlp.down_proj.weight`, 0.01],
    ] as const) {
      const got = moments(get(name));
      expect(Math.abs(got.mean), name).toBeLessThan((4 * deviation) / 64);
      expect(Math.abs(got.deviation / deviation - 1), name).toBeLessThan(0.05);
    }
    expect(moments(get(`${layer}self_attn.o_proj.weight`)).deviation).toBeLessThan(0.012);
  });

  test('draws the same from the same seed, and each matrix on its own', () => {
    expect(initialParameters(large, 7)).toEqual(weights);
    const other = initialParameters(large, 8);
    expect(other.get('model.embed_tokens.weight')).not.toEqual(get('model.embed_tokens.weight'));
    const gate = get('model.layers.0.mlp.gate_proj.weight');
    expect(get('model.layers.0.mlp.up_proj.weight')).not.toEqual(gate);
    expect(get('model.layers.1.mlp.gate_proj.weight')).not.toEqual(gate);
  });
});

describe('criticFromActor', () => {
  test("keeps the actor's trunk and draws a small head", async () => {
    const untied = { ...config, hiddenSize: 2000, tieEmbeddings: false };
    const trunk = new Map([['model.norm.weight', Float32Array.of(1, 2)]]);
    const critic = criticFromActor(heldParameters(trunk), untied, 5);
    expect(await critic.read('model.norm.weight')).toBe(trunk.get('model.norm.weight'));
    const score = await critic.read('score.weight');
    expect(score).toHaveLength(2000);
    // 2000 draws: a deviation good to 1.6 %, four of which are allowed.
    expect(Math.abs(moments(score).deviation * 2001 - 1)).toBeLessThan(0.065);
  });

  test('starts every value at 0 when the head has no size', async () => {
    const critic = criticFromActor(heldParameters(new Map()), config, 5, 0);
    expect([...(await critic.read('score.weight'))].every((x) => x === 0)).toBe(true);
    await expect(critic.read('model.norm.weight')).rejects.toThrow(
      'parameter model.norm.weight is missing',
    );
  });
});
