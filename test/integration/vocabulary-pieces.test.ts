import { afterAll, describe, expect, test } from 'vitest';
import { clearStep } from '../../src/gpu/plan.ts';
import { AllLogits } from '../../src/model/all-logits.ts';
import type { ModelConfig } from '../../src/model/config.ts';
import { FrozenStore } from '../../src/model/frozen-store.ts';
import { NextTokenLoss, learnedSizes } from '../../src/model/next-token-loss.ts';
import { heldParameters } from '../../src/model/parameter-source.ts';
import { initialParameters, parameterLayout, ParameterStore } from '../../src/model/parameters.ts';
import type { Weights } from '../../src/model/weights.ts';
import { Decoder } from '../../src/rollout/decoder.ts';
import { openTestGpu } from '../support/gpu.ts';

const gpu = await openTestGpu();

const tied: ModelConfig = {
  architecture: 'qwen2',
  vocabSize: 324,
  hiddenSize: 64,
  intermediateSize: 112,
  layers: 1,
  heads: 4,
  kvHeads: 2,
  headDim: 16,
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
const models = { tied, untied: { ...tied, vocabSize: 320, tieEmbeddings: false } };
/** 64 KiB. The vocabulary of 324 or 320 tokens needs 80 KiB in f32: pieces of 256 and 68, or 64. */
const bindingBytes = 2 ** 16;
const sequences = [
  [323, 3, 255, 256, 17],
  [1, 319, 0],
];
const kept: { destroy(): void }[] = [];
afterAll(() => kept.forEach((one) => one.destroy()));

/** Weights of a model with bindings of a size. */
function whole(model: ModelConfig, bytes: number, storage?: 'f16'): ParameterStore {
  const layout = parameterLayout(model, 'lm', bytes / 4, storage);
  const store = new ParameterStore(gpu, layout, 'weights', 'weights');
  store.load(initialParameters(model, 7, 0.3));
  kept.push(store);
  return store;
}

const idsOf = ({ vocabSize }: ModelConfig): number[][] =>
  sequences.map((ids) => ids.map((id) => Math.min(id, vocabSize - 1)));

async function logitsOf(weights: Weights): Promise<number[]> {
  const all = new AllLogits(gpu, weights, { longest: 5, total: 8 });
  const found: number[] = [];
  for await (const one of all.of(idsOf(weights.config))) found.push(...one);
  all.destroy();
  return found;
}

async function gradientsOf(weights: ParameterStore) {
  const gradients = new ParameterStore(gpu, weights.layout, 'gradients', 'gradients');
  const learned = idsOf(weights.config).map((ids) => ({
    ids,
    weights: ids.slice(1).map((_, i) => 0.5 - 0.1 * i),
  }));
  const loss = new NextTokenLoss(gpu, weights, { capacity: learnedSizes(learned), positions: 5 });
  const plan = gpu.plan('gradients', [
    ...gradients.pages.map(clearStep),
    ...loss.forwardBackward(weights, gradients),
  ]);
  loss.upload(learned);
  await gpu.run(plan);
  const found = await gradients.read();
  plan.destroy();
  loss.destroy();
  gradients.destroy();
  return found;
}

async function sampled(weights: Weights, rows: number) {
  const decoder = new Decoder(gpu, weights.config, weights, {
    rows,
    prompts: 1,
    promptRows: 3,
    promptLength: 3,
    newTokens: 6,
  });
  const { tokens, logprobs } = await decoder.generate({
    prompts: [[3, 319, 7]],
    samplesPerPrompt: rows,
    seed: 5,
    stopIds: [],
  });
  decoder.destroy();
  return { tokens: [...tokens], logprobs: [...logprobs] };
}

describe.each(Object.keys(models) as (keyof typeof models)[])(
  'a %s vocabulary in pieces',
  (key) => {
    const model = models[key];

    test.each(['f32', 'f16'] as const)(
      'gives the bits of one that is whole, in %s',
      async (storage) => {
        const own = storage === 'f16' ? storage : undefined;
        const [one, cut] = [whole(model, 2 ** 27, own), whole(model, bindingBytes, own)];
        const pieces = cut.layout.stored.filter((stored) => stored.whole === 'embed');
        expect(pieces.map(({ shape }) => shape[0])).toEqual([256, model.vocabSize - 256]);
        expect(one.embedding.pieceColumns).toBe(0);
        expect(cut.embedding.pieceColumns).toBe(256);
        expect(await logitsOf(cut)).toEqual(await logitsOf(one));
        // Few rows are multiplied in another way than many.
        for (const rows of [1, 4])
          expect(await sampled(cut, rows)).toEqual(await sampled(one, rows));
        if (storage === 'f16') return;
        const [got, want] = [await gradientsOf(cut), await gradientsOf(one)];
        expect([...got.keys()]).toEqual([...want.keys()]);
        for (const [name, data] of want) expect(got.get(name), name).toEqual(data);
        expect(want.get('model.embed_tokens.weight')!.some((x) => x !== 0)).toBe(true);
        const back = await cut.read();
        for (const [name, data] of initialParameters(model, 7, 0.3)) {
          expect(back.get(name), name).toEqual(data);
        }
      },
    );

    test.each(['f32', 'f16', 'int8'] as const)('is frozen in %s', async (storage) => {
      const numbers = heldParameters(initialParameters(model, 7, 0.3));
      const load = async (bytes?: number) => {
        const options = { storage, ...(bytes === undefined ? {} : { bindingBytes: bytes }) };
        const store = new FrozenStore(gpu, model, 'lm', 'weights', options);
        await store.loadFrom(numbers);
        kept.push(store);
        return store;
      };
      // 80 KiB in f32, 40 in f16, 23 in int8.
      const [one, cut] = [await load(), await load(2 ** { f32: 16, f16: 15, int8: 14 }[storage])];
      expect(one.embedding.pieceColumns).toBe(0);
      expect(cut.embedding.pieceColumns).toBeGreaterThan(0);
      expect(await logitsOf(cut)).toEqual(await logitsOf(one));
      expect(await sampled(cut, 1)).toEqual(await sampled(one, 1));
    });
  },
);
