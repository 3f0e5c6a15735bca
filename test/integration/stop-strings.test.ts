import { describe, expect, test } from 'vitest';
import type { ModelConfig } from '../../src/model/config.ts';
import { initialParameters, parameterLayout, ParameterStore } from '../../src/model/parameters.ts';
import { atMost, BatchedDecoder } from '../../src/rollout/batched-decoder.ts';
import {
  Decoder,
  type DecoderCapacity,
  type GenerateRequest,
  type Generation,
} from '../../src/rollout/decoder.ts';
import { openTestGpu } from '../support/gpu.ts';

const alphabet = 'abcdefghijklmnopqr';
const tiny: ModelConfig = {
  architecture: 'llama',
  vocabSize: alphabet.length,
  hiddenSize: 32,
  intermediateSize: 48,
  layers: 1,
  heads: 2,
  kvHeads: 1,
  headDim: 16,
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
const NEW_TOKENS = 50;
const capacity: DecoderCapacity = {
  rows: 30,
  prompts: 6,
  promptRows: 20,
  promptLength: 5,
  newTokens: NEW_TOKENS,
};
/** Strings so frequent that rows end everywhere; the id of `a` ends some rows before. */
const stops = [...[...alphabet].map((letter) => `b${letter}`), 'fg', 'fhh'];
const request: GenerateRequest = {
  prompts: [[3, 1, 4, 1, 5], [9], [2, 6, 5], [8, 4], [7], [1, 2]],
  samplesPerPrompt: 5,
  seed: 5,
  temperature: 3,
  stopIds: [0],
};
const decode = (rows: readonly ArrayLike<number>[]): Promise<string[]> =>
  Promise.resolve(rows.map((row) => Array.from(row, (id) => alphabet[id]).join('')));

/** What a response must be: cut after the first token with which its text holds a stop string. */
function wanted(whole: Generation): { ids: number[]; logprobs: number[]; stopped: number }[] {
  return Array.from({ length: whole.rows }, (_, row) => {
    const ids = [...whole.response(row)];
    const text = ids.map((id) => alphabet[id]).join('');
    const ends = stops.flatMap((stop) => {
      const at = text.indexOf(stop);
      return at < 0 ? [] : [at + stop.length];
    });
    const length = Math.min(ids.length, ...ends);
    const from = row * whole.columns;
    return {
      ids: ids.slice(0, length),
      logprobs: [...whole.logprobs.subarray(from, from + length)],
      stopped: ends.length > 0 ? 1 : whole.stopped[row],
    };
  });
}

const found = (got: Generation): ReturnType<typeof wanted> =>
  Array.from({ length: got.rows }, (_, row) => {
    const from = row * got.columns;
    const rest = [from + got.lengths[row], from + got.columns] as const;
    expect(got.tokens.subarray(...rest).every((id) => id === 0)).toBe(true);
    expect(got.logprobs.subarray(...rest).every((value) => value === 0)).toBe(true);
    return {
      ids: [...got.response(row)],
      logprobs: [...got.logprobs.subarray(from, from + got.lengths[row])],
      stopped: got.stopped[row],
    };
  });

async function withDecoder<Result>(
  change: Partial<DecoderCapacity>,
  use: (decoder: Decoder) => Promise<Result>,
): Promise<Result> {
  const gpu = await openTestGpu();
  const store = new ParameterStore(gpu, parameterLayout(tiny, 'lm'), 'weights', 'weights');
  store.load(initialParameters(tiny, 1, 0.4));
  const decoder = new Decoder(gpu, tiny, store, { ...capacity, ...change });
  try {
    return await use(decoder);
  } finally {
    await gpu.idle();
    decoder.destroy();
    store.destroy();
  }
}

describe('stop strings', () => {
  test('end rows after the token that completes one, whenever the host looks', async () => {
    await withDecoder({ stopStrings: true }, async (decoder) => {
      const whole = await decoder.generate(request);
      const want = wanted(whole);
      // Rows of every kind: ended by a string in the first 16 tokens and later, or by an id.
      const shorter = want.filter(({ ids }, row) => ids.length < whole.lengths[row]);
      expect(shorter.filter(({ ids }) => ids.length <= 16).length).toBeGreaterThan(2);
      expect(shorter.some(({ ids }) => ids.length > 16)).toBe(true);
      expect(want.some(({ ids }) => ids.at(-1) === 0)).toBe(true);
      const looks: number[] = [];
      for (const steps of [0, 1, 40]) {
        let calls = 0;
        const slow = async (rows: readonly ArrayLike<number>[]): Promise<string[]> => {
          calls++;
          for (let i = 0; i < steps; i++) await new Promise((resolve) => setTimeout(resolve, 0));
          return decode(rows);
        };
        const got = await decoder.generate({
          ...request,
          stopStrings: { texts: stops, decode: slow },
        });
        expect(found(got)).toEqual(want);
        looks.push(calls);
      }
      expect(Math.min(...looks)).toBeGreaterThan(0);
      const still = { ...request, compactAt: 0, stopStrings: { texts: stops, decode } };
      expect(found(await decoder.generate(still))).toEqual(want);
      // The next generation begins with nothing ended.
      expect(wanted(await decoder.generate(request))).toEqual(want);
    });
  });

  test('gives the same in micro-batches, and without ending rows early', async () => {
    const stopStrings = { texts: stops, decode };
    const whole = await withDecoder({ stopStrings: true }, async (decoder) =>
      found(await decoder.generate({ ...request, stopStrings })),
    );
    for (const rows of [3, 7]) {
      const small = atMost({ ...capacity, stopStrings: true }, rows);
      await withDecoder(small, async (decoder) => {
        const batched = new BatchedDecoder(decoder, capacity);
        expect(found(await batched.generate({ ...request, stopStrings }))).toEqual(whole);
      });
    }
    await withDecoder({}, async (decoder) => {
      expect(found(await decoder.generate({ ...request, stopStrings }))).toEqual(whole);
    });
  });

  test('end the decode itself: rows that are complete are computed no further', async () => {
    await withDecoder({ stopStrings: true }, async (decoder) => {
      // Every letter but `a` completes a string, so that all rows end with their first token.
      const texts = [...alphabet.slice(1)];
      let last = 0;
      const onStep = (step: number) => (last = step);
      const got = await decoder.generate({
        ...request,
        stopStrings: { texts, decode },
        onStep,
      });
      expect([...got.lengths]).toEqual(new Array(30).fill(1));
      expect([...got.stopped]).toEqual(new Array(30).fill(1));
      expect(last).toBeGreaterThanOrEqual(15);
    });
  });

  test('a tokenizer that fails fails the generation, and the decoder goes on', async () => {
    await withDecoder({ stopStrings: true }, async (decoder) => {
      const broken = () => Promise.reject(new Error('the tokenizer is gone'));
      const bad = { ...request, stopStrings: { texts: stops, decode: broken } };
      await expect(decoder.generate(bad)).rejects.toThrow('the tokenizer is gone');
      expect((await decoder.generate(request)).rows).toBe(30);
    });
  });
});
