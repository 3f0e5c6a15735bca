import { describe, expect, test } from 'vitest';
import { AllocationError } from '../../src/gpu/memory.ts';
import type { ModelConfig } from '../../src/model/config.ts';
import { initialParameters, parameterLayout, ParameterStore } from '../../src/model/parameters.ts';
import { atMost, BatchedDecoder, halvedRows } from '../../src/rollout/batched-decoder.ts';
import { Decoder, type DecoderCapacity, type GenerateRequest } from '../../src/rollout/decoder.ts';
import { openTestGpu } from '../support/gpu.ts';

const config: ModelConfig = {
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
  rows: 20,
  prompts: 4,
  promptRows: 48,
  promptLength: 12,
  newTokens: 10,
};
const request: GenerateRequest = {
  prompts: [[3, 1, 4, 1, 5], [9], [2, 6, 5, 3, 5, 8, 9, 7, 9, 3, 2, 3], [8, 4]],
  samplesPerPrompt: 5,
  seed: 11,
  temperature: 2,
  stopIds: [0, 17],
};

/** What a decoder of at most so many rows draws, and the rows of each of its parts. */
async function drawn(rows: number, change: Partial<GenerateRequest> = {}) {
  const gpu = await openTestGpu();
  const store = new ParameterStore(gpu, parameterLayout(config, 'lm'), 'weights', 'weights');
  store.load(initialParameters(config, 1, 0.4));
  const inner = new Decoder(gpu, config, store, atMost(capacity, rows));
  const parts: number[] = [];
  const generate = inner.generate.bind(inner);
  inner.generate = (part) => {
    parts.push(part.prompts.length * part.samplesPerPrompt);
    return generate(part);
  };
  const decoder = new BatchedDecoder(inner, capacity);
  try {
    const got = await decoder.generate({ ...request, ...change });
    const { tokens, logprobs, lengths, stopped } = got;
    const responses = Array.from({ length: got.rows }, (_, row) => [...got.response(row)]);
    return { parts, got: { rows: got.rows, tokens, logprobs, lengths, stopped, responses } };
  } finally {
    await gpu.idle();
    decoder.destroy();
    store.destroy();
  }
}

describe('a batched decoder', () => {
  test.each([
    ['prompts by their indices', {}],
    ['prompts by keys of their own', { promptIds: [40, 7, 93, 12] }],
    ['a limit of its own for each prompt', { maxNewTokens: [10, 1, 4, 7] }],
    ['samples from the fourth on', { firstSample: 3, samplesPerPrompt: 4 }],
    ['one sample of each', { samplesPerPrompt: 1 }],
  ] as const)('draws the same to the last bit however a batch is cut: %s', async (_, change) => {
    const whole = await drawn(capacity.rows, change);
    expect(whole.parts).toHaveLength(1);
    expect(new Set(whole.got.responses.map(String)).size).toBeGreaterThan(1);
    const cuts = new Set<number>();
    for (const rows of [10, 7, 5, 3, 2, 1]) {
      const { got, parts } = await drawn(rows, change);
      expect(got, `${rows} rows`).toEqual(whole.got);
      expect(Math.max(...parts)).toBeLessThanOrEqual(rows);
      cuts.add(parts.length);
    }
    expect(cuts.size).toBeGreaterThan(2);
  });

  test('draws a group in two calls as in one', async () => {
    const whole = await drawn(capacity.rows);
    const [first, rest] = [
      await drawn(2, { samplesPerPrompt: 3 }),
      await drawn(2, { samplesPerPrompt: 2, firstSample: 3 }),
    ];
    const joined = request.prompts.flatMap((_, prompt) => [
      ...first.got.responses.slice(3 * prompt, 3 * prompt + 3),
      ...rest.got.responses.slice(2 * prompt, 2 * prompt + 2),
    ]);
    expect(joined).toEqual(whole.got.responses);
  });
});

describe('halvedRows', () => {
  test('comes to one row, telling of each, and then ends with the number', () => {
    const error = new AllocationError('no memory for the cache of 3.0 GiB');
    const told: string[] = [];
    let rows = 11;
    const halve = (): void => void (rows = halvedRows(rows, error, (text) => told.push(text)));
    const seen = [halve, halve, halve].map((step) => {
      step();
      return rows;
    });
    expect(seen).toEqual([5, 2, 1]);
    expect(told[0]).toBe(
      'not enough GPU memory for 11 rows: decoding 5 together (no memory for the cache of 3.0 GiB)',
    );
    expect(halve).toThrow(AllocationError);
    expect(halve).toThrow(
      'not enough GPU memory to decode 1 row: no memory for the cache of 3.0 GiB',
    );
    expect(told).toHaveLength(3);
  });
});
