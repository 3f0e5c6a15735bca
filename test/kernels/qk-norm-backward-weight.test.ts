import { describe, expect, test } from 'vitest';
import { Variable } from '../../kernels/lib/variable.ts';
import { qkNormBackwardWeight } from '../../kernels/qk-norm-backward-weight.ts';
import { qkNormBackwardWeightReference } from '../reference/qk-norm-backward-weight.ts';
import { qkNormForwardReference } from '../reference/qk-norm-forward.ts';
import { expectClose, openTestGpu, run, seeded, tensorOf } from '../support/gpu.ts';
import { marked } from '../support/marked.ts';
import { inner, slopes } from '../support/slopes.ts';

const gpu = await openTestGpu();
const epsilon = 1e-6;

interface Case {
  readonly rows: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly dim: number;
  readonly blocks: number;
}

function prepare({ rows, heads, kvHeads, dim, blocks }: Case) {
  const width = (heads + 2 * kvHeads) * dim;
  const x = seeded(rows * width, 1, 2);
  const dy = seeded(rows * width, 2);
  const tensors = {
    x: tensorOf(gpu, 'x', x, [rows, width]),
    dy: tensorOf(gpu, 'dy', dy, [rows, width]),
    partials: tensorOf(gpu, 'partials', marked(2 * blocks * dim), [2 * blocks, dim]),
  };
  return { tensors, options: { rows, heads, kvHeads, epsilon }, width, x, dy };
}

/** Adds the blocks of each half up, as column-sum does afterwards. */
function halves(partials: Float32Array, dim: number) {
  const half = partials.length / 2;
  const sums = { query: new Float64Array(dim), key: new Float64Array(dim) };
  for (const [i, value] of partials.entries()) sums[i < half ? 'query' : 'key'][i % dim] += value;
  return sums;
}

// f32 sums over at most 67 rows times 4 heads of terms of unit size.
const tolerance = { abs: 4e-5, rel: 4e-6 };

describe('qk-norm-backward-weight', () => {
  test.each([
    { rows: 1, heads: 1, kvHeads: 1, dim: 4, blocks: 1 },
    { rows: 67, heads: 4, kvHeads: 2, dim: 24, blocks: 5 },
    { rows: 33, heads: 3, kvHeads: 1, dim: 36, blocks: 64 },
  ])('matches the float64 reference: %o', async (one) => {
    const { tensors, options, x, dy } = prepare(one);
    await run(gpu, [qkNormBackwardWeight(tensors, options)]);
    const got = halves(await gpu.read(tensors.partials, 'f32'), one.dim);
    const want = qkNormBackwardWeightReference(x, dy, one.dim, options);
    expectClose(got.query, want.query, tolerance);
    expectClose(got.key, want.key, tolerance);
  });

  test('matches finite differences of the forward reference', async () => {
    const { tensors, options, x, dy } = prepare({
      rows: 5,
      heads: 2,
      kvHeads: 1,
      dim: 4,
      blocks: 2,
    });
    await run(gpu, [qkNormBackwardWeight(tensors, options)]);
    const weights = seeded(8, 3);
    const loss = (at: Float64Array) =>
      inner(dy, qkNormForwardReference(x, at.subarray(0, 4), at.subarray(4), options));
    const got = halves(await gpu.read(tensors.partials, 'f32'), 4);
    expectClose([...got.query, ...got.key], slopes(loss, weights), tolerance);
  });

  test('reads only the rows in use, and clears the blocks past them', async () => {
    const { tensors, options, width, x, dy } = prepare({
      rows: 40,
      heads: 2,
      kvHeads: 1,
      dim: 8,
      blocks: 8,
    });
    const rows = new Variable('rows', 13, 40);
    await run(gpu, [qkNormBackwardWeight(tensors, { ...options, rows })]);
    const used = (all: Float32Array) => all.slice(0, 13 * width);
    const want = qkNormBackwardWeightReference(used(x), used(dy), 8, options);
    const partials = await gpu.read(tensors.partials, 'f32');
    const got = halves(partials, 8);
    expectClose(got.query, want.query, tolerance);
    expectClose(got.key, want.key, tolerance);
    // Blocks of 5 rows: three in use in each half, five empty.
    expect([...new Set(partials.subarray(3 * 8, 8 * 8))]).toEqual([0]);
    expect([...new Set(partials.subarray(11 * 8))]).toEqual([0]);
  });

  test('sums gradient times normed head over the heads of a kind, worked by hand', async () => {
    // Two query heads of rms 1 and 2, a key head of rms 3; the value head counts for nothing.
    const x = [1, -1, 1, -1, 2, 2, 2, 2, 3, 3, -3, -3, 5, 5, 5, 5];
    const dy = [1, 2, 3, 4, 10, 20, 30, 40, 1, 2, 3, 4, 7, 7, 7, 7];
    const tensors = {
      x: tensorOf(gpu, 'x', x, [1, 16]),
      dy: tensorOf(gpu, 'dy', dy, [1, 16]),
      partials: tensorOf(gpu, 'partials', marked(8), [2, 4]),
    };
    await run(gpu, [qkNormBackwardWeight(tensors, { rows: 1, heads: 2, kvHeads: 1, epsilon: 0 })]);
    const want = [11, 18, 33, 36, 1, 2, -3, -4];
    expectClose(await gpu.read(tensors.partials, 'f32'), want, { abs: 0, rel: 1e-6 });
  });

  test('refuses heads that do not fill a row, half a block and too many rows', () => {
    const { tensors, options } = prepare({ rows: 6, heads: 2, kvHeads: 1, dim: 8, blocks: 2 });
    const bind = (change: object, other: object = {}) =>
      qkNormBackwardWeight({ ...tensors, ...change }, { ...options, ...other });
    expect(() => bind({})).not.toThrow();
    expect(() => bind({}, { rows: 7 })).toThrow('rows may reach 7, past the 6 held');
    expect(() => bind({}, { heads: 3 })).toThrow(
      "qk-norm-backward-weight: x must be (6, 40), got (6, 32) from 'x'",
    );
    expect(() => bind({ dy: { ...tensors.dy, shape: [8, 24] } })).toThrow('dy must be (6, 32)');
    expect(() => bind({ partials: { ...tensors.partials, shape: [3, 8] } })).toThrow(
      'partials must have two halves, got 3 rows',
    );
  });
});
