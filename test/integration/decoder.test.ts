import { heldParameters } from '../../src/model/parameter-source.ts';
import { FrozenStore } from '../../src/model/frozen-store.ts';
import { describe, expect, test } from 'vitest';
import llamaConfig from '../fixtures/models/llama-untied/config.json';
import llamaExpected from '../fixtures/models/llama-untied/fixture.safetensors?inline';
import llamaModel from '../fixtures/models/llama-untied/model.safetensors?inline';
import qwen2Config from '../fixtures/models/qwen2-tied/config.json';
import qwen2Expected from '../fixtures/models/qwen2-tied/fixture.safetensors?inline';
import qwen2Model from '../fixtures/models/qwen2-tied/model.safetensors?inline';
import qwen3Config from '../fixtures/models/qwen3-qknorm/config.json';
import qwen3Expected from '../fixtures/models/qwen3-qknorm/fixture.safetensors?inline';
import qwen3Model from '../fixtures/models/qwen3-qknorm/model.safetensors?inline';
import type { Gpu } from '../../src/gpu/device.ts';
import type { ModelConfig } from '../../src/model/config.ts';
import {
  initialParameters,
  parameterLayout,
  ParameterStore,
  type WeightStorage,
} from '../../src/model/parameters.ts';
import { Decoder, type DecoderCapacity, type GenerateRequest } from '../../src/rollout/decoder.ts';
import { nearestHalf } from '../reference/half.ts';
import { expectClose, openTestGpu } from '../support/gpu.ts';
import { modelFixture, unpadded } from '../support/model-fixture.ts';

function storeOf(gpu: Gpu, config: ModelConfig, weights: ReadonlyMap<string, Float32Array>) {
  const store = new ParameterStore(gpu, parameterLayout(config, 'lm'), 'weights', 'weights');
  store.load(weights);
  return store;
}

const tiny: ModelConfig = {
  architecture: 'llama',
  vocabSize: 18,
  hiddenSize: 32,
  intermediateSize: 48,
  layers: 2,
  heads: 4,
  kvHeads: 2,
  headDim: 8,
  ropeTheta: 10_000,
  rmsNormEps: 1e-6,
  tieEmbeddings: true,
  qkvBias: false,
  qkNorm: false,
  maxPositions: 64,
  bosTokenId: null,
  eosTokenIds: [],
  padTokenId: null,
};
const capacity: DecoderCapacity = {
  rows: 24,
  prompts: 6,
  promptRows: 40,
  promptLength: 12,
  newTokens: 10,
};
const prompts = [[3, 1, 4, 1, 5], [9], [2, 6, 5, 3, 5, 8, 9, 7, 9, 3, 2, 3], [8, 4]];
const request: GenerateRequest = {
  prompts,
  promptIds: [40, 7, 93, 12],
  samplesPerPrompt: 5,
  seed: 11,
  temperature: 2,
  stopIds: [0, 17],
};

async function withTiny<T>(
  work: (decoder: Decoder, gpu: Gpu) => Promise<T>,
  change: Partial<DecoderCapacity> = {},
): Promise<T> {
  const gpu = await openTestGpu();
  // Weights so large that logits differ, and draws with them.
  const store = storeOf(gpu, tiny, initialParameters(tiny, 1, 0.4));
  const decoder = new Decoder(gpu, tiny, store, { ...capacity, ...change });
  try {
    return await work(decoder, gpu);
  } finally {
    await gpu.idle();
    decoder.destroy();
    store.destroy();
  }
}

describe('decoder', () => {
  test.each([
    ['qwen2-tied', qwen2Config, qwen2Model, qwen2Expected],
    ['llama-untied', llamaConfig, llamaModel, llamaExpected],
    ['qwen3-qknorm', qwen3Config, qwen3Model, qwen3Expected],
  ])('continues greedily as transformers does: %s', async (_, config, model, expected) => {
    const gpu = await openTestGpu();
    const fixture = await modelFixture(config, model, expected);
    const [count = 0, length = 0] = fixture.shape('greedy.prompt_ids');
    const [, newTokens = 0] = fixture.shape('greedy.new_ids');
    const ragged = unpadded(
      fixture.i32('greedy.prompt_ids'),
      fixture.i32('greedy.attention_mask'),
      length,
    );
    const store = storeOf(gpu, fixture.config, fixture.weights);
    const decoder = new Decoder(gpu, fixture.config, store, {
      rows: count,
      prompts: count,
      promptRows: count * length,
      promptLength: length,
      newTokens,
    });
    const got = await decoder.generate({
      prompts: ragged,
      samplesPerPrompt: 1,
      seed: 0,
      temperature: 0,
      stopIds: [],
    });
    expect([...got.tokens]).toEqual([...fixture.i32('greedy.new_ids')]);
    expectClose(got.logprobs, fixture.f32('greedy.new_logprobs'), { abs: 2e-4 });
    expect([...got.lengths]).toEqual(new Array(count).fill(newTokens));
    expect([...got.stopped]).toEqual(new Array(count).fill(0));
    decoder.destroy();
    store.destroy();
  });

  test('draws the same tokens for a prompt and sample in whatever batch', () =>
    withTiny(async (decoder) => {
      const all = await decoder.generate(request);
      const texts = Array.from({ length: 20 }, (_, row) => all.response(row).join());
      expect(new Set(texts).size).toBeGreaterThan(12);
      // One prompt alone, its samples in two parts; then all prompts in another order.
      for (const firstSample of [0, 3]) {
        const part = await decoder.generate({
          ...request,
          prompts: [prompts[2]],
          promptIds: [93],
          firstSample,
          samplesPerPrompt: firstSample === 0 ? 3 : 2,
        });
        for (let row = 0; row < part.rows; row++) {
          const same = 10 + firstSample + row;
          expect([...part.response(row)]).toEqual([...all.response(same)]);
          expect([...part.logprobs.subarray(row * 10, row * 10 + 10)]).toEqual([
            ...all.logprobs.subarray(same * 10, same * 10 + 10),
          ]);
        }
      }
      const reversed = await decoder.generate({
        ...request,
        prompts: [...prompts].reverse(),
        promptIds: [12, 93, 7, 40],
      });
      for (let row = 0; row < 20; row++) {
        const same = (3 - Math.floor(row / 5)) * 5 + (row % 5);
        expect([...reversed.response(row)]).toEqual([...all.response(same)]);
      }
      const other = await decoder.generate({ ...request, seed: 12 });
      expect([...other.tokens]).not.toEqual([...all.tokens]);
    }));

  test('ends responses at stop ids or at their own limit', () =>
    withTiny(async (decoder) => {
      const limits = [10, 1, 4, 7];
      const got = await decoder.generate({ ...request, maxNewTokens: limits });
      let stops = 0;
      for (let row = 0; row < got.rows; row++) {
        const response = [...got.response(row)];
        const limit = limits[Math.floor(row / 5)];
        const at = response.findIndex((id) => request.stopIds.includes(id));
        expect(response.length).toBe(at === -1 ? limit : at + 1);
        expect(got.stopped[row]).toBe(at === -1 ? 0 : 1);
        stops += got.stopped[row];
        const rest = (row + 1) * got.columns;
        expect(
          got.tokens.subarray(row * got.columns + response.length, rest).every((id) => id === 0),
        ).toBe(true);
        expect(response.every((id) => id < 18)).toBe(true);
      }
      expect(stops).toBeGreaterThan(0);
      expect(stops).toBeLessThan(got.rows);
      const late = await decoder.generate({ ...request, minNewTokens: 3 });
      expect(Math.min(...late.lengths)).toBeGreaterThanOrEqual(3);
    }));

  test('stops encoding soon after all rows have finished', () =>
    withTiny(
      async (decoder) => {
        // Every token stops: a response is one token, and 200 are allowed.
        const every = { ...request, stopIds: Array.from({ length: 16 }, (_, id) => id + 1) };
        let steps = 0;
        const got = await decoder.generate({ ...every, onStep: (step) => (steps = step) });
        expect(Math.max(...got.lengths)).toBeLessThan(20);
        expect(steps).toBeLessThan(60);
        // Without stops all 200 steps are needed.
        await decoder.generate({ ...request, stopIds: [], onStep: (step) => (steps = step) });
        expect(steps).toBe(199);
      },
      { newTokens: 200 },
    ));

  test.each([
    ['rows that stop', { temperature: 2, stopIds: [0, 17] }],
    ['rows with limits of their own', { stopIds: [], maxNewTokens: [3, 40, 12, 25] }],
  ])('computes %s no more, to the same effect', async (_, change) => {
    const longer = { newTokens: 40, logitsBytes: 8 * 18 * 4 };
    await withTiny(async (decoder) => {
      const wanted = { ...request, ...change };
      const all: number[] = [];
      const straight = await decoder.generate({
        ...wanted,
        compactAt: 0,
        onStep: (_step, _finished, computed) => void all.push(computed),
      });
      expect(new Set(all)).toEqual(new Set([20]));
      const computed: number[] = [];
      const compacted = await decoder.generate({
        ...wanted,
        compactAt: 1,
        onStep: (_step, _finished, rows) => void computed.push(rows),
      });
      // Never wider again.
      expect(new Set(computed).size).toBeGreaterThan(1);
      expect(computed).toEqual([...computed].sort((a, b) => b - a));
      for (const key of ['tokens', 'logprobs', 'lengths', 'stopped'] as const) {
        expect([...compacted[key]], key).toEqual([...straight[key]]);
      }
      // The next one finds all rows again.
      const again = await decoder.generate(wanted);
      expect([...again.tokens]).toEqual([...straight.tokens]);
    }, longer);
  });

  test('makes the head in pieces to the same effect', async () => {
    const whole = await withTiny((decoder) => decoder.generate(request));
    // 9 rows of 18 logits, cut to 8 rows, for they must begin where buffers can be bound.
    const pieces = await withTiny((decoder) => decoder.generate(request), {
      logitsBytes: 9 * 18 * 4,
    });
    expect([...pieces.tokens]).toEqual([...whole.tokens]);
    expect([...pieces.logprobs]).toEqual([...whole.logprobs]);
  });

  test.each(['f32', 'f16'] as const)(
    'computes prompts in pieces to the same effect, caches in %s',
    async (cacheStorage) => {
      const draw = (prefillRows?: number) =>
        withTiny((decoder) => decoder.generate(request), { cacheStorage, prefillRows });
      const whole = await draw();
      // Prompts of 5, 1, 12 and 2 tokens: each with room to spare, two together, or all but one.
      for (const prefillRows of [1, 12, 13, 18]) {
        const pieces = await draw(prefillRows);
        expect([...pieces.tokens], `${prefillRows} rows`).toEqual([...whole.tokens]);
        expect([...pieces.logprobs], `${prefillRows} rows`).toEqual([...whole.logprobs]);
      }
    },
  );

  test.each([
    ['many rows', capacity],
    ['one row', { ...capacity, rows: 1, prompts: 1 }],
  ])(
    'draws from weights in f16 what it draws from f32 of the same numbers: %s',
    async (_, held) => {
      const gpu = await openTestGpu();
      const model = { ...tiny, tieEmbeddings: false };
      const weights = initialParameters(model, 1, 0.4);
      const rounded = new Map(
        [...weights].map(([name, data]) => [
          name,
          /_proj\.weight$|^lm_head/.test(name) ? data.map(nearestHalf) : data,
        ]),
      );
      const draw = async (parameters: typeof weights, storage: WeightStorage, frozen = false) => {
        const layout = parameterLayout(model, 'lm', Infinity, storage);
        const store = frozen
          ? new FrozenStore(gpu, model, 'lm', 'weights', { storage })
          : new ParameterStore(gpu, layout, 'weights', 'weights');
        await store.loadFrom(heldParameters(parameters));
        const decoder = new Decoder(gpu, model, store, held);
        const few = { prompts: [[3, 1, 4, 1, 5]], promptIds: [40], samplesPerPrompt: 1 };
        const got = await decoder.generate({ ...request, ...(held.rows === 1 ? few : {}) });
        decoder.destroy();
        store.destroy();
        return { tokens: [...got.tokens], logprobs: [...got.logprobs] };
      };
      const halves = await draw(weights, 'f16');
      expect(halves).toEqual(await draw(rounded, 'f32'));
      expect(halves).toEqual(await draw(weights, 'f16', true));
      expect(halves.logprobs).not.toEqual((await draw(weights, 'f32')).logprobs);
    },
  );

  test('with a cache in f16 is as near to transformers as rounding allows, in half the memory', async () => {
    const gpu = await openTestGpu();
    const fixture = await modelFixture(qwen2Config, qwen2Model, qwen2Expected);
    const [count = 0, length = 0] = fixture.shape('greedy.prompt_ids');
    const [, newTokens = 0] = fixture.shape('greedy.new_ids');
    const held = { rows: count, prompts: count, promptRows: count * length, promptLength: length };
    const store = storeOf(gpu, fixture.config, fixture.weights);
    const draw = async (cacheStorage: 'f32' | 'f16') => {
      const before = gpu.memory.byPurpose()['kv-cache'] ?? 0;
      const decoder = new Decoder(gpu, fixture.config, store, { ...held, newTokens, cacheStorage });
      const bytes = (gpu.memory.byPurpose()['kv-cache'] ?? 0) - before;
      const mask = fixture.i32('greedy.attention_mask');
      const prompts = unpadded(fixture.i32('greedy.prompt_ids'), mask, length);
      const wanted = { samplesPerPrompt: 1, seed: 0, temperature: 0, stopIds: [] };
      const { tokens, logprobs } = await decoder.generate({ prompts, ...wanted });
      decoder.destroy();
      return { bytes, tokens: [...tokens], logprobs: [...logprobs] };
    };
    const [whole, halves] = [await draw('f32'), await draw('f16')];
    // Two tensors a layer, each with up to 255 bytes before the next.
    expect(halves.bytes - whole.bytes / 2).toBeLessThan(255 * 2 * fixture.config.layers);
    // The best token of each step is ahead by more than the error.
    expect(halves.tokens).toEqual(whole.tokens);
    expect(halves.logprobs).not.toEqual(whole.logprobs);
    // Keys and values of each layer, as weights in transformer.test.ts; logits up to 11.
    const allowed = 2 * Math.sqrt(2 * fixture.config.layers) * 2 ** -11 * 11;
    expectClose(halves.logprobs, fixture.f32('greedy.new_logprobs'), { abs: allowed });
    store.destroy();
  });

  test('samples under the filters it is given, from one plan', () =>
    withTiny(async (decoder) => {
      const greedy = await decoder.generate({ ...request, temperature: 0 });
      const top1 = await decoder.generate({ ...request, topK: 1 });
      const cold = await decoder.generate({ ...request, temperature: 1e-4 });
      const nucleus = await decoder.generate({ ...request, topP: 1e-6 });
      const least = await decoder.generate({ ...request, minP: 1 });
      for (const other of [top1, cold, nucleus, least]) {
        expect([...other.tokens]).toEqual([...greedy.tokens]);
      }
      const free = await decoder.generate(request);
      expect([...free.tokens]).not.toEqual([...greedy.tokens]);
    }));

  test('makes no buffer, bind group or pipeline while generating', () =>
    withTiny(async (decoder, gpu) => {
      await decoder.generate(request);
      const { device } = gpu;
      const made: string[] = [];
      const watched = [
        'createBuffer',
        'createBindGroup',
        'createShaderModule',
        'createComputePipeline',
        'createComputePipelineAsync',
      ] as const;
      for (const name of watched) {
        const original = device[name].bind(device) as (...args: unknown[]) => unknown;
        Object.defineProperty(device, name, {
          configurable: true,
          value: (...args: unknown[]) => {
            made.push(name);
            return original(...args);
          },
        });
      }
      try {
        device.createBuffer({ size: 4, usage: 8 }).destroy();
        expect(made.splice(0)).toEqual(['createBuffer']);
        await decoder.generate({ ...request, seed: 5, temperature: 0.4, prompts: [[1, 2], [3]] });
      } finally {
        for (const name of watched) Reflect.deleteProperty(device, name);
      }
      expect(made).toEqual([]);
    }));

  test('frees all that it allocates', async () => {
    const gpu = await openTestGpu();
    const before = gpu.memory.total();
    await withTiny((decoder) => decoder.generate(request));
    expect(gpu.memory.total()).toBe(before);
  });

  test.each<[string, Partial<GenerateRequest>, string]>([
    ['too many rows', { samplesPerPrompt: 7 }, 'prompts * samplesPerPrompt must be'],
    ['no prompt', { prompts: [] }, 'prompts must be an integer in [1, 6], is 0'],
    ['an empty prompt', { prompts: [[]] }, 'tokens of all prompts must be'],
    ['a long prompt', { prompts: [new Array<number>(13).fill(1)] }, 'length of prompt 0 must be'],
    [
      'a token that is none',
      { prompts: [[1], [2, 18]] },
      'token 1 of prompt 1 must be an integer in [0, 17], is 18',
    ],
    ['a limit past the capacity', { maxNewTokens: 11 }, 'maxNewTokens of prompt 0 must be'],
    ['a temperature below 0', { temperature: -1 }, 'temperature must be'],
    ['an infinite temperature', { temperature: Infinity }, 'temperature must be'],
    ['an empty nucleus', { topP: 0 }, 'topP must be'],
    ['half a token', { topK: 0.5 }, 'topK must be an integer'],
    ['too many stops', { stopIds: new Array<number>(17).fill(1) }, 'stop ids must be'],
    ['ids for other prompts', { promptIds: [1] }, 'id of prompt 1 must be'],
    ['a seed that is none', { seed: 1.5 }, 'seed must be'],
  ])('refuses %s', (_, change, message) =>
    withTiny(async (decoder) => {
      await expect(decoder.generate({ ...request, ...change })).rejects.toThrow(message);
      expect((await decoder.generate(request)).rows).toBe(20);
    }),
  );
});
