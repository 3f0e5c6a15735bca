import { describe, expect, test } from 'vitest';
import type { Dispatch } from '../../kernels/lib/kernel.ts';
import type { Lanes } from '../../kernels/lib/lanes.ts';
import { sampleToken } from '../../kernels/sample-token.ts';
import { purposes, RandomStream } from '../../src/random.ts';
import { rawLogprob, sampleTokenReference } from '../reference/sample-token.ts';
import {
  noFilter,
  type ReferenceFilter,
  samplingDistributionReference,
} from '../reference/sampling-distribution.ts';
import { expectClose, openTestGpu, run, seeded, tensorOf } from '../support/gpu.ts';

/** Prompt id, sample index, prompt slot, first prompt row, prompt length, most new tokens. */
type Episode = readonly [number, number, number, number, number, number];

interface Case {
  readonly logits: Float32Array;
  readonly vocabulary: number;
  readonly episodes: readonly Episode[];
  readonly filter?: ReferenceFilter;
  readonly columns?: number;
  readonly status?: readonly number[];
  readonly stops?: readonly number[];
  readonly minNew?: number;
  readonly seed?: number;
  readonly sharedLogits?: boolean;
  /** Logits rows of each dispatch; all at once when absent. */
  readonly pieceRows?: number;
  readonly steps?: number;
  readonly lanes?: Lanes['lanes'];
}

async function sample(given: Case) {
  const gpu = await openTestGpu();
  const { logits, vocabulary, episodes, columns = 4, stops = [], steps = 1, lanes = 1 } = given;
  const rows = episodes.length;
  const logitsRows = logits.length / vocabulary;
  const state = {
    stop_ids: tensorOf(gpu, 'stop_ids', [...stops, 0], [stops.length + 1], 'u32'),
    episodes: tensorOf(gpu, 'episodes', episodes.flat(), [rows, 6], 'u32'),
    status: tensorOf(gpu, 'status', given.status ?? new Uint32Array(rows * 2), [rows, 2], 'u32'),
    finished: tensorOf(gpu, 'finished', new Uint32Array(1)),
    current: tensorOf(gpu, 'current', new Uint32Array(rows)),
    tokens: tensorOf(gpu, 'tokens', new Uint32Array(rows * columns), [rows, columns]),
    logprobs: tensorOf(gpu, 'logprobs', new Float32Array(rows * columns), [rows, columns]),
  };
  const pieceRows = given.pieceRows ?? logitsRows;
  const dispatches: Dispatch[] = [];
  for (let start = 0; start < logitsRows; start += pieceRows) {
    const piece = logits.subarray(start * vocabulary, (start + pieceRows) * vocabulary);
    const tensor = tensorOf(gpu, 'logits', piece, [piece.length / vocabulary, vocabulary]);
    dispatches.push(
      sampleToken(
        { ...state, logits: tensor },
        {
          ...(given.filter ?? noFilter),
          rows,
          logitsStart: start,
          sharedLogits: given.sharedLogits ?? false,
          stopCount: stops.length,
          minNew: given.minNew ?? 0,
          seed: given.seed ?? 7,
          purpose: purposes.test,
        },
        { lanes, rows: 64 / lanes },
      ),
    );
  }
  await run(gpu, Array.from({ length: steps }, () => dispatches).flat());
  return {
    tokens: await gpu.read(state.tokens, 'u32'),
    logprobs: await gpu.read(state.logprobs, 'f32'),
    status: await gpu.read(state.status, 'u32'),
    current: await gpu.read(state.current, 'u32'),
    finished: await gpu.read(state.finished, 'u32'),
  };
}

const episodesOf = (rows: number): Episode[] =>
  Array.from({ length: rows }, (_, row) => [row % 3, Math.floor(row / 3), row % 3, 0, 5, 100]);

describe('sample-token', () => {
  const filters: readonly ReferenceFilter[] = [
    { ...noFilter, temperature: 1.2 },
    { ...noFilter, temperature: 0 },
    { temperature: 0.8, topK: 30, topP: 0.913, minP: 0.021 },
  ];
  test.each<[number, number, Lanes['lanes']]>([
    [3, 1, 1],
    [130, 18, 1],
    [10, 320, 1],
    [3, 5000, 1],
    [5, 18, 32],
    [2, 5000, 32],
    [1, 151_936, 32],
  ])('draws as float64 does: %i rows of %i, %i lanes', async (rows, vocabulary, lanes) => {
    const logits = seeded(rows * vocabulary, rows, 2);
    const episodes = episodesOf(rows);
    let near = 0;
    for (const filter of filters) {
      const got = await sample({ logits, vocabulary, episodes, filter, lanes, steps: 3 });
      for (const [row, [prompt, sampleIndex]] of episodes.entries()) {
        const own = logits.subarray(row * vocabulary, (row + 1) * vocabulary);
        const want = samplingDistributionReference(own, filter);
        const stream = new RandomStream(7, 'test', prompt, sampleIndex);
        for (let column = 0; column < 3; column++) {
          const { token, margin } = sampleTokenReference(want, stream.float());
          const have = got.tokens[row * 4 + column];
          if (margin > 1e-5) expect(have).toBe(token);
          else near++;
          expect(want[have]).toBeGreaterThan(0);
          const logprob = rawLogprob(own, have);
          expectClose([got.logprobs[row * 4 + column]], [logprob], { abs: 2e-5 });
        }
        expect(got.current[row]).toBe(got.tokens[row * 4 + 2]);
      }
    }
    // Draws too close to a step to tell apart must stay the exception; among 10^5 tokens, steps
    // themselves are that close.
    const most = vocabulary === 1 ? Infinity : vocabulary > 100_000 ? 4 : rows;
    expect(near).toBeLessThanOrEqual(most);
  });

  test('draws tokens as often as their probability says', async () => {
    const logits = Float32Array.of(1.5, 0.2, -1, 0.9, -3, 0, 2.2, -0.4, -2, 0.6);
    const draws = 8192;
    const filter = { ...noFilter, temperature: 1.2, topK: 9 };
    const got = await sample({
      logits,
      vocabulary: 10,
      episodes: Array.from({ length: draws }, (_, i) => [0, i, 0, 0, 1, 100]),
      filter,
      sharedLogits: true,
      columns: 1,
    });
    const counts = new Float64Array(10);
    for (const token of got.tokens) counts[token]++;
    const want = samplingDistributionReference(logits, filter);
    expect(counts[4]).toBe(0); // removed by top-k
    const chiSquare = want.reduce(
      (sum, p, id) => (p === 0 ? sum : sum + (counts[id] - draws * p) ** 2 / (draws * p)),
      0,
    );
    // 8 degrees of freedom: 99.9 % of honest samplers stay below 26.1. The seed is fixed.
    expect(chiSquare).toBeLessThan(26.1);
  });

  test('gives a sample the same token in whatever row and company', async () => {
    const vocabulary = 50;
    const logits = seeded(3 * vocabulary, 4);
    const episodes = episodesOf(96);
    const shared = { logits, vocabulary, sharedLogits: true, columns: 1 };
    const all = await sample({ ...shared, episodes });
    const order = new RandomStream(3, 'test').shuffle([...episodes.keys()]).slice(0, 37);
    const some = await sample({ ...shared, episodes: order.map((row) => episodes[row]) });
    expect([...some.tokens]).toEqual(order.map((row) => all.tokens[row]));
    expect([...some.logprobs]).toEqual(order.map((row) => all.logprobs[row]));
    const other = await sample({ ...shared, episodes, seed: 8 });
    expect([...other.tokens]).not.toEqual([...all.tokens]);
  });

  test('samples large vocabularies in pieces of rows to the same effect', async () => {
    const given = { logits: seeded(30 * 40, 6), vocabulary: 40, episodes: episodesOf(30) };
    const whole = await sample(given);
    const pieces = await sample({ ...given, pieceRows: 12 });
    expect(pieces).toEqual(whole);
    const slots = { ...given, logits: given.logits.subarray(0, 120), sharedLogits: true };
    expect(await sample({ ...slots, pieceRows: 2 })).toEqual(await sample(slots));
  });

  // Greedy over one row: token 2, then 0, then 1 by falling logits.
  const greedy = { ...noFilter, temperature: 0 };
  const ranked = Float32Array.of(2, 1, 3);

  test('ends a row at a stop id, keeps that id, and leaves the row alone', async () => {
    const got = await sample({
      logits: Float32Array.of(2, 1, 3, 3, 1, 2),
      vocabulary: 3,
      episodes: episodesOf(2),
      filter: greedy,
      stops: [9, 2],
      steps: 3,
    });
    expect([...got.tokens]).toEqual([2, 0, 0, 0, 0, 0, 0, 0]);
    expect([...got.status]).toEqual([1, 1, 3, 0]);
    expect(got.logprobs[0]).not.toBe(0);
    expect([...got.logprobs.subarray(1, 4)]).toEqual([0, 0, 0]);
    expect(got.finished[0]).toBe(1);
  });

  test('cuts a row at its own limit, or at the columns there are', async () => {
    const episodes: Episode[] = [
      [0, 0, 0, 0, 1, 2],
      [0, 1, 0, 0, 1, 99],
      [0, 2, 0, 0, 1, 1],
    ];
    const got = await sample({
      logits: ranked,
      vocabulary: 3,
      episodes,
      filter: greedy,
      sharedLogits: true,
      steps: 6,
    });
    expect([...got.status]).toEqual([2, 2, 4, 2, 1, 2]);
    expect([...got.tokens]).toEqual([2, 2, 0, 0, 2, 2, 2, 2, 2, 0, 0, 0]);
    expect(got.finished[0]).toBe(3);
  });

  test('a stop id drawn at the limit counts as a stop', async () => {
    const got = await sample({
      logits: ranked,
      vocabulary: 3,
      episodes: [[0, 0, 0, 0, 1, 1]],
      filter: greedy,
      stops: [2],
    });
    expect([...got.status]).toEqual([1, 1]);
  });

  test('draws no stop id before the least number of tokens', async () => {
    const got = await sample({
      logits: ranked,
      vocabulary: 3,
      episodes: [[0, 0, 0, 0, 1, 9]],
      filter: greedy,
      stops: [2],
      minNew: 2,
      steps: 4,
    });
    expect([...got.tokens]).toEqual([0, 0, 2, 0]);
    expect([...got.status]).toEqual([3, 1]);
    // The log-prob is the model's own: the ban does not enter it.
    expectClose([got.logprobs[0]], [rawLogprob(ranked, 0)], { abs: 1e-6 });
  });

  test('stays inside the vocabulary when every token is banned', async () => {
    const got = await sample({
      logits: Float32Array.of(1, 0),
      vocabulary: 2,
      episodes: [[0, 0, 0, 0, 1, 9]],
      stops: [0, 1],
      minNew: 1,
    });
    expect([...got.status]).toEqual([1, 1]);
    expect(got.tokens[0]).toBe(1);
  });

  test('refuses a state of other rows', async () => {
    const gpu = await openTestGpu();
    const u32 = (name: string, shape: number[]) => gpu.tensor(name, shape, 'u32', 'rollout');
    const tensors = {
      logits: gpu.tensor('logits', [2, 3], 'f32', 'rollout'),
      stop_ids: u32('stop_ids', [1]),
      episodes: u32('episodes', [3, 6]),
      status: u32('status', [2, 2]),
      finished: u32('finished', [1]),
      current: u32('current', [2]),
      tokens: u32('tokens', [2, 4]),
      logprobs: gpu.tensor('logprobs', [2, 4], 'f32', 'rollout'),
    };
    const hyper = {
      ...noFilter,
      rows: 2,
      sharedLogits: false,
      stopCount: 0,
      minNew: 0,
      seed: 0,
      purpose: purposes.test,
    };
    expect(() => sampleToken(tensors, hyper)).toThrow(
      "sample-token: episodes must be (2, 6), got (3, 6) from 'episodes'",
    );
  });
});
