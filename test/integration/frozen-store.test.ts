import { describe, expect, test } from 'vitest';
import { serialLanes } from '../../kernels/lib/lanes.ts';
import { type BlockType, isBlockType, type Tensor } from '../../kernels/lib/tensor.ts';
import { ConfigError } from '../../src/config-error.ts';
import { blocksOf } from '../../kernels/lib/blocks.ts';
import { AllLogits } from '../../src/model/all-logits.ts';
import type { ModelConfig } from '../../src/model/config.ts';
import { FrozenStore } from '../../src/model/frozen-store.ts';
import { hfName } from '../../src/model/hugging-face/names.ts';
import { heldParameters, type NumberRange, valueHead } from '../../src/model/parameter-source.ts';
import { initialParameters, parameterLayout, ParameterStore } from '../../src/model/parameters.ts';
import { numbersOfBlocks } from '../reference/blocks.ts';
import { nearestHalf } from '../reference/half.ts';
import { openTestGpu, run, tensorOf } from '../support/gpu.ts';

const gpu = await openTestGpu();

const config: ModelConfig = {
  architecture: 'qwen2',
  vocabSize: 150,
  hiddenSize: 16,
  intermediateSize: 36,
  layers: 2,
  heads: 4,
  kvHeads: 2,
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
const untied = { ...config, tieEmbeddings: false };
const storages = ['f32', 'f16', 'int8', 'int4'] as const;

/** What is left of a parameter in a storage. */
function rounded(data: Float32Array, width: number, dtype: string): Float32Array {
  if (dtype === 'f16') return data.map(nearestHalf);
  if (dtype === 'f32') return data;
  const kind = dtype as BlockType;
  return numbersOfBlocks(kind, blocksOf(kind, data, width), width);
}

async function numbersOf(tensor: Tensor): Promise<Float32Array> {
  const { dtype, shape } = tensor;
  if (isBlockType(dtype)) return numbersOfBlocks(dtype, await gpu.read(tensor, dtype), shape[1]);
  if (dtype === 'f32') return gpu.read(tensor, 'f32');
  const halves = await gpu.read(tensor, 'f16');
  const values = new DataView(halves.buffer, halves.byteOffset);
  return Float32Array.from(halves, (_, i) => {
    const bits = values.getUint16(2 * i, true);
    const [exponent, fraction] = [(bits >> 10) & 31, bits & 1023];
    const size = exponent === 0 ? fraction / 2 ** 24 : (1 + fraction / 1024) * 2 ** (exponent - 15);
    return bits >> 15 ? -size : size;
  });
}

const store = (storage: (typeof storages)[number], model = config, head: 'lm' | 'value' = 'lm') =>
  new FrozenStore(gpu, model, head, 'weights', { storage });

describe('FrozenStore', () => {
  test.each(
    storages.flatMap((storage) => [
      [storage, 'tied', 'lm', config] as const,
      [storage, 'untied', 'lm', untied] as const,
      [storage, 'tied', 'value', config] as const,
    ]),
  )('holds matrices in %s, %s, head %s', async (storage, _, head, model) => {
    const parameters = initialParameters(model, 3, 0.3);
    if (head === 'value') parameters.set('score.weight', valueHead(model, 1));
    const held = store(storage, model, head);
    await held.loadFrom(heldParameters(parameters));
    const inBlocks = storage === 'int8' || storage === 'int4';
    for (const { name, parts, kind } of parameterLayout(model, head).stored) {
      const tensor = kind === 'matrix' ? held.linear(name).weight : held.tensor(name);
      const whole = name === 'embed' || name === 'lm_head';
      const looked = name === 'embed' && !(model.tieEmbeddings && head === 'lm');
      const dtype =
        kind !== 'matrix' || (name === 'score' && inBlocks) || (looked && !inBlocks)
          ? 'f32'
          : whole && inBlocks
            ? 'int8'
            : storage;
      expect([name, tensor.dtype]).toEqual([name, dtype]);
      expect(tensor.offset % 256).toBe(0);
      const want = parts.flatMap((part) => {
        const data = parameters.get(hfName(model.architecture, part.name))!;
        return [...rounded(data, part.shape[1] ?? 1, dtype)];
      });
      expect([...(await numbersOf(tensor))], name).toEqual(want);
      if (dtype !== 'f32') {
        expect(() => held.tensor(name)).toThrow(`'${name}' is not kept in f32`);
      }
    }
    held.destroy();
  });

  test.each(storages)('looks tokens up in %s', async (storage) => {
    const parameters = initialParameters(config, 3, 0.3);
    const held = store(storage);
    await held.loadFrom(heldParameters(parameters));
    const ids = [149, 0, 64, 63, 7];
    const out = gpu.tensor('out', [ids.length, 16], 'f32', 'activations');
    const tokens = tensorOf(gpu, 'ids', Uint32Array.from(ids));
    const pass = { rows: ids.length, lanes: serialLanes, mostWork: Infinity, lowRank: () => out };
    await run(gpu, held.embedding.lookup(tokens, out, pass));
    const kept = storage === 'int4' ? 'int8' : storage;
    const want = rounded(parameters.get('model.embed_tokens.weight')!, 16, kept);
    expect([...(await gpu.read(out, 'f32'))]).toEqual(
      ids.flatMap((id) => [...want.subarray(id * 16, (id + 1) * 16)]),
    );
    gpu.destroy(out, tokens);
    held.destroy();
  });

  // What is computed over blocks is what is computed over their numbers.
  test.each(['int8', 'int4'] as const)(
    'computes with the numbers that %s holds',
    async (storage) => {
      const parameters = initialParameters(untied, 3, 0.3);
      const held = store(storage, untied);
      await held.loadFrom(heldParameters(parameters));
      const same = new Map(
        [...parameters].map(([name, data]) => {
          const isVocabulary = /embed|lm_head/.test(name);
          if (!isVocabulary && !name.endsWith('_proj.weight')) return [name, data];
          const width = name.includes('down_proj') ? 36 : 16;
          return [name, rounded(data, width, isVocabulary ? 'int8' : storage)];
        }),
      );
      const float = new ParameterStore(gpu, parameterLayout(untied, 'lm'), 'f32', 'weights');
      float.load(same);
      const logits: number[][] = [];
      for (const weights of [held, float]) {
        const all = new AllLogits(gpu, weights, { longest: 5, total: 5 });
        for await (const one of all.of([[3, 149, 64, 7, 0]])) logits.push([...one]);
        all.destroy();
      }
      expect(logits[0]).toEqual(logits[1]);
      held.destroy();
      float.destroy();
    },
  );

  test('takes the bytes of its numbers, and frees them', () => {
    const before = gpu.memory.total();
    const bytes = storages.map((storage) => {
      const held = store(storage, { ...config, hiddenSize: 64, intermediateSize: 128 });
      const taken = gpu.memory.total() - before;
      held.destroy();
      return taken;
    });
    expect(gpu.memory.total()).toBe(before);
    const [f32, f16, int8, int4] = bytes;
    expect(f16).toBeLessThan(f32 * 0.6);
    expect(int8).toBeLessThan(f16);
    expect(int4).toBeLessThan(int8);
  });

  test('reads a parameter piece by piece, tells how far it is, and ends when it is asked to', async () => {
    const long = { ...config, vocabSize: 2 ** 18 + 130, hiddenSize: 32 };
    const asked: NumberRange[] = [];
    const told: number[] = [];
    const source = {
      read(name: string, range?: NumberRange) {
        if (name.includes('embed')) asked.push(range!);
        return Promise.resolve(new Float32Array(range!.count));
      },
    };
    const held = store('int8', long);
    const controller = new AbortController();
    const onProgress = (loaded: number, total: number): void => {
      told.push(loaded / total);
      if (told.length === 5) controller.abort(new Error('enough'));
    };
    const loading = held.loadFrom(source, { signal: controller.signal, onProgress });
    await expect(loading).rejects.toThrow('enough');
    const of = long.vocabSize * 32;
    expect(asked).toEqual([
      { first: 0, count: 2 ** 22, of },
      { first: 2 ** 22, count: 2 ** 22, of },
      { first: 2 ** 23, count: 130 * 32, of },
    ]);
    expect(told).toHaveLength(5);
    expect(told.every((share, i) => share > (told[i - 1] ?? 0) && share < 1)).toBe(true);
    held.destroy();
  });

  test('refuses what is missing, of another size, or too large', async () => {
    const parameters = initialParameters(config, 3, 0.3);
    const load = (storage: (typeof storages)[number], name: string, data?: Float32Array) => {
      const changed = new Map(parameters);
      if (data) changed.set(name, data);
      else changed.delete(name);
      const held = store(storage);
      return held.loadFrom(heldParameters(changed)).finally(() => held.destroy());
    };
    const name = 'model.layers.1.mlp.up_proj.weight';
    await expect(load('f32', name)).rejects.toThrow(`parameter ${name} is missing`);
    await expect(load('f32', name, new Float32Array(16))).rejects.toThrow(
      `parameter ${name} must have 576 elements, has 16`,
    );
    const large = parameters.get(name)!.slice();
    large[40] = 1e9;
    await expect(load('f16', name, large)).rejects.toThrow(
      new ConfigError(`${name} holds 1000000000, and f16 at most 65504`),
    );
    await expect(load('int4', name, large)).rejects.toThrow(ConfigError);
    await expect(load('int8', name, large)).rejects.toThrow(`${name} holds a block whose scale`);
  });
});
