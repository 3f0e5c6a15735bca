import { beforeEach, describe, expect, test } from 'vitest';
import { attentionDecode, attentionDecodeFamily } from '../../kernels/attention-decode.ts';
import type { Lanes } from '../../kernels/lib/lanes.ts';
import type { VariantOf } from '../../kernels/lib/variants.ts';
import { ropeFrequencies, ropeTable } from '../../kernels/rope.ts';
import { float32OfHalves } from '../../src/formats/half.ts';
import { attentionDecodeReference } from '../reference/attention-decode.ts';
import {
  decodeCase,
  decodeRows,
  type DecodeRow,
  type DecodeShape,
} from '../support/decode-case.ts';
import { expectClose, halvesOf, openTestGpu, run, tensorOf } from '../support/gpu.ts';
import { notHere } from '../support/variants.ts';

const THETA = 50;
const serial: Lanes = { lanes: 1, rows: 64 };

interface How {
  readonly scale?: number;
  readonly rotate?: boolean;
  readonly lanes?: Lanes;
  readonly window?: number;
  readonly variant?: VariantOf<typeof attentionDecodeFamily>;
  /** A cache in f16. */
  readonly halves?: boolean;
}

/** Runs the kernel; what it leaves alone stays -7. Every number is compared by the caller. */
async function decode(shape: DecodeShape, rows: readonly DecodeRow[], how: How = {}) {
  const { scale = 0.3, rotate = false, lanes = serial, variant = 'plain', window } = how;
  const gpu = await openTestGpu();
  const seededCase = decodeCase(shape, rows);
  const { tensor: halves, rounded } = halvesOf(gpu, 'cache', seededCase.cache, [
    rows.length,
    shape.columns,
    seededCase.cached,
  ]);
  const promptShape = [shape.promptRows, seededCase.cached];
  const halved = halvesOf(gpu, 'prompts', seededCase.prompts, promptShape);
  const given = how.halves
    ? { ...seededCase, cache: rounded, prompts: halved.rounded }
    : seededCase;
  const { heads, kvHeads, headDim, columns, fused, cached, keys } = given;
  const capacity = rows.length;
  const stale = (...sizes: number[]) => new Float32Array(sizes.reduce((a, b) => a * b)).fill(-7);
  const table = ropeTable(keys, ropeFrequencies(headDim, THETA));
  const tensors = {
    episodes: tensorOf(gpu, 'episodes', given.episodes, [capacity, 6], 'u32'),
    status: tensorOf(gpu, 'status', given.status, [capacity, 2], 'u32'),
    table: tensorOf(gpu, 'table', table, [keys, headDim]),
    prompts: how.halves ? halved.tensor : tensorOf(gpu, 'prompts', given.prompts, promptShape),
    qkv: tensorOf(gpu, 'qkv', given.qkv, [capacity, fused]),
    cache: how.halves ? halves : tensorOf(gpu, 'cache', given.cache, [capacity, columns, cached]),
    scores: tensorOf(gpu, 'scores', stale(capacity, heads, keys), [capacity, heads, keys]),
    out: tensorOf(gpu, 'out', stale(capacity, heads * headDim), [capacity, heads * headDim]),
  };
  const heading = { heads, kvHeads, headDim, scale, window };
  const options = { rows: capacity, ...heading, keys, rotate, lanes, variant };
  await run(gpu, [attentionDecode(tensors, options)]);
  // What is expected of all rows, and of the whole cache.
  const out = new Float64Array(capacity * heads * headDim).fill(-7);
  const cache = Float64Array.from(given.cache);
  for (const [i, row] of rows.entries()) {
    if (row.finished || row.length === 0) continue;
    const turn = rotate ? { theta: THETA } : {};
    const want = attentionDecodeReference(given, i, row, { scale, window, ...turn });
    out.set(want.out, i * heads * headDim);
    cache.set(want.slot, (i * columns + row.length - 1) * cached);
  }
  return {
    got: {
      out: await gpu.read(tensors.out, 'f32'),
      cache: how.halves
        ? float32OfHalves(await gpu.read(tensors.cache, 'f16'))
        : await gpu.read(tensors.cache, 'f32'),
    },
    want: { out, cache },
  };
}

const shapes: readonly (readonly [DecodeShape, number])[] = [
  [{ heads: 1, kvHeads: 1, headDim: 4, columns: 1, promptRows: 1 }, 1],
  [{ heads: 4, kvHeads: 4, headDim: 16, columns: 9, promptRows: 40 }, 37],
  [{ heads: 6, kvHeads: 2, headDim: 24, columns: 5, promptRows: 23 }, 30],
  [{ heads: 3, kvHeads: 3, headDim: 12, columns: 6, promptRows: 9 }, 7],
  [{ heads: 4, kvHeads: 1, headDim: 64, columns: 33, promptRows: 100 }, 3],
];

const plain = (lanes: 1 | 8 | 32): How => ({ lanes: { lanes, rows: 64 / lanes } });

const ways: readonly { readonly name: string; readonly how: How }[] = [
  { name: '1 lane', how: plain(1) },
  { name: '8 lanes', how: plain(8) },
  { name: '32 lanes', how: plain(32) },
  { name: 'variant registers', how: { variant: 'registers' } },
];

describe.each(ways)('attention-decode, $name', ({ how }) => {
  const fitting = shapes.filter(([{ headDim }]) => how.variant !== 'registers' || headDim <= 32);

  beforeEach(async ({ skip }) => {
    const gpu = await openTestGpu();
    skip(...notHere(gpu, attentionDecodeFamily, how.variant ?? 'plain'));
  });

  test('matches float64', async () => {
    for (const [shape, count] of fitting) {
      // At scale 10 a few keys hold all the weight.
      for (const scale of [0.2, 10]) {
        for (const rotate of [false, true]) {
          if (rotate && shape.headDim % 8 !== 0) continue;
          const rows = decodeRows(shape, count);
          const { got, want } = await decode(shape, rows, { ...how, scale, rotate });
          expectClose(got.out, want.out, { abs: scale === 10 ? 4e-5 : 1e-5 });
          expectClose(got.cache, want.cache, { abs: 1e-6 });
        }
      }
    }
  });

  test('reads and writes caches in f16', async () => {
    for (const [shape, count] of fitting) {
      const rotate = shape.headDim % 8 === 0;
      const rows = decodeRows(shape, count);
      const { got, want } = await decode(shape, rows, { ...how, rotate, halves: true });
      expectClose(got.out, want.out, { abs: 1e-5 });
      // What was there is exact, and what came is the nearest half but for f32's own error.
      expectClose(got.cache, want.cache, { abs: 1e-6, rel: 2 ** -11 });
      const exact = want.cache.filter((value, i) => got.cache[i] === value);
      const written = want.cache.length / shape.columns;
      expect(exact.length).toBeGreaterThanOrEqual(want.cache.length - written);
    }
  });

  test('sees no key before the window, in prompt or response', async () => {
    for (const [shape, count] of fitting) {
      for (const window of [1, 4, 20]) {
        const rotate = shape.headDim % 8 === 0;
        const rows = decodeRows(shape, count);
        const { got, want } = await decode(shape, rows, { ...how, rotate, window });
        expectClose(got.out, want.out, { abs: 1e-5 });
        expectClose(got.cache, want.cache, { abs: 1e-6 });
      }
    }
  });

  test('leaves rows alone that are finished or have drawn nothing', async () => {
    const shape = { heads: 2, kvHeads: 1, headDim: 8, columns: 4, promptRows: 6 };
    const row = { start: 1, prompt: 3, length: 2 };
    const rows = [row, { ...row, finished: true }, { ...row, length: 0 }];
    const { got, want } = await decode(shape, rows, { ...how, rotate: true });
    expectClose(got.out, want.out, { abs: 1e-5 });
    expectClose(got.cache, want.cache, { abs: 1e-6 });
    expect([...got.out.subarray(16)].every((value) => value === -7)).toBe(true);
  });

  test('gives a row the same numbers in whatever company', async () => {
    const shape = { heads: 4, kvHeads: 2, headDim: 16, columns: 7, promptRows: 11 };
    const many = decodeRows(shape, 70);
    const { got } = await decode(shape, many, { ...how, rotate: true });
    const alone = await decode(shape, many.slice(0, 1), { ...how, rotate: true });
    expect(got.out.subarray(0, 64)).toEqual(alone.got.out);
  });
});

describe('attention-decode', () => {
  test('with one head and one earlier token is the mean under two scores', async () => {
    const shape = { heads: 1, kvHeads: 1, headDim: 4, columns: 2, promptRows: 1 };
    const gpu = await openTestGpu();
    const tensors = {
      episodes: tensorOf(gpu, 'episodes', [0, 0, 0, 0, 1, 2], [1, 6], 'u32'),
      status: tensorOf(gpu, 'status', [1, 0], [1, 2], 'u32'),
      table: gpu.tensor('table', [3, 4], 'f32', 'rollout'),
      prompts: tensorOf(gpu, 'prompts', [1, 0, 0, 0, 2, 4, 6, 8], [1, 8]),
      qkv: tensorOf(gpu, 'qkv', [1, 0, 0, 0, 1, 5, 5, 5, 4, 8, 0, 2], [1, 12]),
      cache: gpu.tensor('cache', [1, 2, 8], 'f32', 'rollout'),
      scores: gpu.tensor('scores', [1, 1, 3], 'f32', 'rollout'),
      out: gpu.tensor('out', [1, 4], 'f32', 'rollout'),
    };
    const options = { rows: 1, ...shape, keys: 3, scale: 1, rotate: false };
    await run(gpu, [attentionDecode(tensors, options)]);
    // Both scores are 1: the plain mean of both values.
    expect([...(await gpu.read(tensors.out, 'f32'))]).toEqual([3, 6, 3, 5]);
    expect([...(await gpu.read(tensors.cache, 'f32'))]).toEqual([
      1, 5, 5, 5, 4, 8, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0,
    ]);
  });

  test('refuses heads that do not divide, odd head sizes and other rows', async () => {
    const gpu = await openTestGpu();
    const f32 = (name: string, shape: number[]) => gpu.tensor(name, shape, 'f32', 'rollout');
    const tensors = {
      episodes: gpu.tensor('episodes', [2, 6], 'u32', 'rollout'),
      status: gpu.tensor('status', [2, 2], 'u32', 'rollout'),
      table: f32('table', [7, 4]),
      prompts: f32('prompts', [5, 16]),
      qkv: f32('qkv', [3, 24]),
      cache: f32('cache', [2, 3, 16]),
      scores: f32('scores', [2, 2, 8]),
      out: f32('out', [2, 8]),
    };
    const shape = { rows: 2, heads: 2, kvHeads: 2, headDim: 4, keys: 8 };
    const options = { ...shape, scale: 0.5, rotate: false };
    const refused = (change: Partial<typeof options>) =>
      expect(() => attentionDecode(tensors, { ...options, ...change }));
    refused({ heads: 3 }).toThrow('attention-decode: 3 heads do not divide over 2 kv heads');
    refused({ headDim: 6 }).toThrow('attention-decode: head dim 6 is not 4 * n');
    refused({ rotate: true }).toThrow('attention-decode: head dim 4 is not 8 * n');
    refused({}).toThrow("attention-decode: qkv must be (2, 24), got (3, 24) from 'qkv'");
    const qkv = f32('qkv', [2, 24]);
    expect(() => attentionDecode({ ...tensors, qkv }, { ...options, window: 0.5 })).toThrow(
      'attention-decode: a window must be a whole number of at least 1, is 0.5',
    );
    expect(() => attentionDecode({ ...tensors, qkv }, { ...options, keys: 9 })).toThrow(
      "attention-decode: scores must be (2, 2, 9), got (2, 2, 8) from 'scores'",
    );
    const prompts = gpu.tensor('prompts', [5, 16], 'f16', 'rollout');
    expect(() => attentionDecode({ ...tensors, qkv, prompts }, options)).toThrow(
      'attention-decode: prompts in f16 beside a cache in f32',
    );
  });
});
