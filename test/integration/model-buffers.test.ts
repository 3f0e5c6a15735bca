import { describe, expect, test } from 'vitest';
import { rowsOf, type Tensor } from '../../kernels/lib/tensor.ts';
import { ConfigError } from '../../src/config-error.ts';
import type { MemoryPurpose } from '../../src/gpu/memory.ts';
import type { ModelConfig } from '../../src/model/config.ts';
import { hfName } from '../../src/model/hugging-face/names.ts';
import { packedSizes, packGroups, PackedBatch } from '../../src/model/packed-batch.ts';
import {
  initialParameters,
  parameterLayout,
  parameterNames,
  ParameterStore,
} from '../../src/model/parameters.ts';
import { bitsOfHalf, nearestHalf } from '../reference/half.ts';
import { openTestGpu } from '../support/gpu.ts';

const gpu = await openTestGpu();

const config: ModelConfig = {
  architecture: 'qwen2',
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
  qkvBias: true,
  qkNorm: false,
  maxPositions: 64,
  bosTokenId: null,
  eosTokenIds: [],
  padTokenId: null,
};

describe('ParameterStore', () => {
  const weights = initialParameters(config, 3);
  // Norms and biases with a value of their own for each element, to see where each one goes.
  for (const [name, data] of weights)
    for (let i = 0; i < data.length; i++) data[i] += i + name.length;

  test.each([Infinity, 320])(
    'gives back what was loaded, in pages of at most %f',
    async (limit) => {
      const layout = parameterLayout(config, 'lm', limit);
      const store = new ParameterStore(gpu, layout, 'weights', 'weights');
      store.load(weights);
      const back = await store.read();
      expect([...back.keys()]).toEqual([...weights.keys()]);
      for (const [name, data] of weights) expect(back.get(name), name).toEqual(data);
      store.destroy();
    },
  );

  test('binds query, key and value as one tensor, rows of each in turn', async () => {
    const store = new ParameterStore(gpu, parameterLayout(config, 'lm'), 'weights', 'weights');
    store.load(weights);
    const qkv = store.tensor('layers.1.qkv');
    expect(qkv.shape).toEqual([20, 8]);
    const part = (one: string) => weights.get(`model.layers.1.self_attn.${one}_proj.weight`)!;
    expect([...(await gpu.read(qkv, 'f32'))]).toEqual([...part('q'), ...part('k'), ...part('v')]);
    expect([...(await gpu.read(rowsOf(qkv, 16, 4), 'f32'))]).toEqual([...part('v')]);
    expect(store.has('layers.1.qkv')).toBe(true);
    expect(store.has('lm_head')).toBe(false);
    expect(() => store.tensor('layers.2.qkv')).toThrow("no parameter 'layers.2.qkv'");
    store.destroy();
  });

  describe('with weights in f16', () => {
    const untied = { ...config, tieEmbeddings: false };
    const head = initialParameters(untied, 4).get('lm_head.weight')!;
    const tensors = ['embed', 'layers.0.input_norm', 'layers.1.qkv_bias', 'norm'];
    const matrices = ['layers.0.qkv', 'layers.0.o', 'layers.1.gate_up', 'layers.1.down'];

    test.each([
      ['tied', Infinity, config],
      ['tied', 384, config],
      ['untied', Infinity, untied],
      ['untied', 384, untied],
    ])('rounds what layers multiply by, %s, pages of at most %f', async (_, limit, model) => {
      const layout = parameterLayout(model, 'lm', limit, 'f16');
      const parameters = new Map(weights);
      if (!model.tieEmbeddings) parameters.set('lm_head.weight', head);
      const store = new ParameterStore(gpu, layout, 'weights', 'weights');
      store.load(parameters);
      for (const name of tensors) {
        const operand = name === 'embed' && model.tieEmbeddings ? 'f16' : 'f32';
        expect([name, store.linear(name).weight.dtype]).toEqual([name, operand]);
        expect([name, store.tensor(name).dtype]).toEqual([name, 'f32']);
      }
      for (const name of [...matrices, ...(model.tieEmbeddings ? [] : ['lm_head'])]) {
        const { parts } = layout.stored.find((stored) => stored.name === name)!;
        const bits = parts.flatMap((part) =>
          Array.from(parameters.get(hfName(model.architecture, part.name))!, (value) =>
            bitsOfHalf(nearestHalf(value)),
          ),
        );
        const operand = store.linear(name).weight;
        expect(operand.offset % 256).toBe(0);
        expect([...(await gpu.read(operand, 'f16'))]).toEqual(bits);
      }
      const back = await store.read();
      expect([...back.keys()]).toEqual(parameterNames(layout).map((part) => part.name));
      for (const [name, data] of parameters) {
        expect(back.get(name), name).toEqual(data);
      }
      store.destroy();
    });

    test('takes half as much again', () => {
      const value = parameterLayout(untied, 'value', Infinity, 'f16');
      const bytes = (purpose: MemoryPurpose): number => {
        const before = gpu.memory.total();
        const store = new ParameterStore(gpu, value, 'weights', purpose);
        const added = gpu.memory.total() - before;
        store.destroy();
        expect(gpu.memory.total()).toBe(before);
        return added;
      };
      const [{ size, halvesStart, halvesEnd }] = value.pages;
      expect(bytes('gradients')).toBe(4 * size);
      expect(bytes('weights')).toBe(4 * size + 2 * (halvesEnd - halvesStart));
    });

    test('refuses a number that f16 cannot hold, but where it stays f32', () => {
      const layout = parameterLayout(config, 'lm', Infinity, 'f16');
      const store = new ParameterStore(gpu, layout, 'weights', 'weights');
      const name = 'model.layers.1.self_attn.k_proj.weight';
      const large = (where: string, value: number) => {
        const data = weights.get(where)!.slice();
        data[3] = value;
        return new Map(weights).set(where, data);
      };
      expect(() => store.load(large(name, -65_520))).toThrow(ConfigError);
      expect(() => store.load(large(name, -65_520))).toThrow(
        `${name} holds -65520, and f16 at most 65504`,
      );
      store.load(large(name, 65_519));
      store.load(large('model.norm.weight', 1e9));
      store.destroy();
    });
  });

  test('counts its bytes by purpose, and frees them', () => {
    const before = gpu.memory.byPurpose().optimizer ?? 0;
    const layout = parameterLayout(config, 'lm');
    const store = new ParameterStore(gpu, layout, 'moments', 'optimizer');
    const bytes = 4 * layout.pages.reduce((sum, page) => sum + page.size, 0);
    expect(gpu.memory.byPurpose().optimizer).toBe(before + bytes);
    store.destroy();
    expect(gpu.memory.byPurpose().optimizer ?? 0).toBe(before);
  });

  test('refuses parameters that are missing or of another size', () => {
    const store = new ParameterStore(gpu, parameterLayout(config, 'lm'), 'weights', 'weights');
    const without = new Map(weights);
    without.delete('model.norm.weight');
    expect(() => store.load(without)).toThrow('parameter model.norm.weight is missing');
    const short = new Map(weights).set('model.embed_tokens.weight', new Float32Array(80));
    expect(() => store.load(short)).toThrow(
      'parameter model.embed_tokens.weight must have 88 elements, has 80',
    );
    store.destroy();
  });
});

describe('PackedBatch', () => {
  const large = [{ prompt: [1, 2, 3], responses: [[4, 5], [6]] }];
  const small = [{ prompt: [9], responses: [[8]] }];

  test('holds one batch after another, the smaller over the front of the larger', async () => {
    const batch = new PackedBatch(gpu, packedSizes(large, true));
    for (const groups of [large, small]) {
      const packed = packGroups(groups, true);
      batch.upload(packed);
      expect([batch.rows.value, batch.actions.value, batch.uniques.value]).toEqual([
        packed.rows,
        packed.actions,
        packed.uniques,
      ]);
      const front = async (tensor: Tensor, count: number) => [
        ...(await gpu.read(tensor, 'u32')).subarray(0, count),
      ];
      expect(await front(batch.tokenIds, packed.rows)).toEqual([...packed.tokenIds]);
      expect(await front(batch.spans, packed.rows * 6)).toEqual([...packed.spans]);
      expect(await front(batch.actionTargets, packed.actions)).toEqual([...packed.actionTargets]);
      expect(await front(batch.rowActionStarts, packed.rows + 1)).toEqual([
        ...packed.rowActionStarts,
      ]);
      expect((await gpu.read(batch.actionWeights, 'f32')).subarray(0, packed.actions)).toEqual(
        packed.actionWeights,
      );
    }
    // What the smaller batch left: the third token of the larger one.
    expect((await gpu.read(batch.tokenIds, 'u32'))[2]).toBe(3);
  });

  test('refuses a batch that is larger than its capacity', () => {
    const batch = new PackedBatch(gpu, packedSizes(small, true));
    expect(() => batch.upload(packGroups(large, true))).toThrow('rows: 4 exceeds 1');
  });
});
