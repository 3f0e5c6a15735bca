import { describe, expect, test } from 'vitest';
import { Variable } from '../../kernels/lib/variable.ts';
import { qkNormBackward } from '../../kernels/qk-norm-backward.ts';
import { qkNormBackwardReference } from '../reference/qk-norm-backward.ts';
import { qkNormForwardReference } from '../reference/qk-norm-forward.ts';
import { folded } from '../support/folded.ts';
import { expectClose, openTestGpu, run, seeded, tensorOf } from '../support/gpu.ts';
import { expectUntouched, marked } from '../support/marked.ts';
import { inner, slopes } from '../support/slopes.ts';

const gpu = await openTestGpu();
const epsilon = 1e-6;

function prepare(rows: number, heads: number, kvHeads: number, dim: number) {
  const width = (heads + 2 * kvHeads) * dim;
  const x = seeded(rows * width, 1, 2);
  const [query, key] = [seeded(dim, 2), seeded(dim, 3)];
  const dy = seeded(rows * width, 4);
  const tensors = {
    x: tensorOf(gpu, 'x', x, [rows, width]),
    query_weight: tensorOf(gpu, 'query_weight', query),
    key_weight: tensorOf(gpu, 'key_weight', key),
    gradient: tensorOf(gpu, 'gradient', dy, [rows, width]),
  };
  return { tensors, options: { rows, heads, kvHeads, epsilon }, width, x, query, key, dy };
}

// Sums over at most 32 terms, divided by a head's rms, which is small where a head of 4 happens to be.
const tolerance = { abs: 4e-6, rel: 4e-6 };

describe('qk-norm-backward', () => {
  test.each([
    [1, 1, 1, 4],
    [67, 4, 2, 24],
    [33, 3, 1, 32],
  ])('matches the float64 reference on %i rows, %i heads on %i of %i', async (...shape) => {
    const { tensors, options, x, query, key, dy } = prepare(...shape);
    await run(gpu, [qkNormBackward(tensors, options)]);
    const want = qkNormBackwardReference(x, query, key, dy, options);
    expectClose(await gpu.read(tensors.gradient, 'f32'), want, tolerance);
  });

  test('matches finite differences of the forward reference', async () => {
    const { tensors, options, x, query, key, dy } = prepare(3, 2, 1, 4);
    await run(gpu, [qkNormBackward(tensors, options)]);
    const loss = (at: Float64Array) => inner(dy, qkNormForwardReference(at, query, key, options));
    expectClose(await gpu.read(tensors.gradient, 'f32'), slopes(loss, x), tolerance);
  });

  test('adds 1 to the weights where asked', async () => {
    const { tensors, options, x, query, key, dy } = prepare(3, 2, 1, 4);
    await run(gpu, [qkNormBackward(tensors, { ...options, unitOffset: true })]);
    const [shiftedQuery, shiftedKey] = [query, key].map((w) => Float64Array.from(w, (v) => 1 + v));
    const loss = (at: Float64Array) =>
      inner(dy, qkNormForwardReference(at, shiftedQuery, shiftedKey, options));
    expectClose(await gpu.read(tensors.gradient, 'f32'), slopes(loss, x), tolerance);
  });

  test('leaves values and rows past the rows in use alone, folded over two dimensions', async () => {
    const { tensors, options, width, x, query, key, dy } = prepare(40, 4, 2, 8);
    dy.set(marked(27 * width), 13 * width);
    gpu.upload(tensors.gradient, dy);
    const rows = new Variable('rows', 13, 40);
    await run(gpu, [folded(qkNormBackward(tensors, { ...options, rows }))]);
    const got = await gpu.read(tensors.gradient, 'f32');
    const want = qkNormBackwardReference(x, query, key, dy, options);
    expectClose(got.subarray(0, 13 * width), want.subarray(0, 13 * width), tolerance);
    expectUntouched(got, 13 * width);
    const isValue = (_: number, i: number): boolean => i % width >= 6 * 8;
    expect(got.filter(isValue)).toEqual(dy.filter(isValue));
  });

  test('takes out of each weighted gradient its part along the head, worked by hand', async () => {
    // Every head (2, -2, 2, -2): rms 2. Weights turn dy into (1, -1, 1, -1), all along, for the query
    // and (3, 3, 0, 0), all across, for the key.
    const head = [2, -2, 2, -2];
    const tensors = {
      x: tensorOf(gpu, 'x', [...head, ...head, ...head], [1, 12]),
      query_weight: tensorOf(gpu, 'query_weight', [1, 1, 1, 1]),
      key_weight: tensorOf(gpu, 'key_weight', [3, 3, 3, 3]),
      gradient: tensorOf(gpu, 'gradient', [1, -1, 1, -1, 1, 1, 0, 0, 9, 9, 9, 9], [1, 12]),
    };
    await run(gpu, [qkNormBackward(tensors, { rows: 1, heads: 1, kvHeads: 1, epsilon: 0 })]);
    const want = [0, 0, 0, 0, 1.5, 1.5, 0, 0, 9, 9, 9, 9];
    expectClose(await gpu.read(tensors.gradient, 'f32'), want, { abs: 1e-6 });
  });

  test('refuses heads that do not fill a row, odd head sizes and too many rows', () => {
    const { tensors, options } = prepare(6, 2, 1, 8);
    const bind = (change: object, other: object = {}) =>
      qkNormBackward({ ...tensors, ...change }, { ...options, ...other });
    expect(() => bind({})).not.toThrow();
    expect(() => bind({}, { rows: 7 })).toThrow('rows may reach 7, past the 6 held');
    expect(() => bind({}, { kvHeads: 2 })).toThrow(
      "qk-norm-backward: x must be (6, 48), got (6, 32) from 'x'",
    );
    expect(() => bind({ gradient: { ...tensors.gradient, shape: [8, 24] } })).toThrow(
      'gradient must be (6, 32)',
    );
    expect(() => bind({ key_weight: { ...tensors.key_weight, shape: [4] } })).toThrow(
      'key_weight must be (8)',
    );
    const narrow = {
      query_weight: { ...tensors.query_weight, shape: [6] },
      key_weight: { ...tensors.key_weight, shape: [6] },
      x: { ...tensors.x, shape: [6, 24] },
      gradient: { ...tensors.gradient, shape: [6, 24] },
    };
    expect(() => bind(narrow)).toThrow('head dim 6 is not 4 * n');
  });
});
