import { describe, expect, test } from 'vitest';
import { Variable } from '../../kernels/lib/variable.ts';
import { qkNormForward } from '../../kernels/qk-norm-forward.ts';
import { qkNormForwardReference } from '../reference/qk-norm-forward.ts';
import { folded } from '../support/folded.ts';
import { expectClose, openTestGpu, run, seeded, tensorOf } from '../support/gpu.ts';
import { expectUntouched, marked } from '../support/marked.ts';

const gpu = await openTestGpu();
const epsilon = 1e-6;

function prepare(rows: number, heads: number, kvHeads: number, dim: number) {
  const width = (heads + 2 * kvHeads) * dim;
  const x = seeded(rows * width, 1, 2);
  const [query, key] = [seeded(dim, 2), seeded(dim, 3)];
  const tensors = {
    x: tensorOf(gpu, 'x', x, [rows, width]),
    query_weight: tensorOf(gpu, 'query_weight', query),
    key_weight: tensorOf(gpu, 'key_weight', key),
    out: tensorOf(gpu, 'out', marked(rows * width), [rows, width]),
  };
  const options = { rows, heads, kvHeads, epsilon };
  const want = qkNormForwardReference(x, query, key, options);
  return { tensors, options, width, want, x, query, key };
}

// A mean of at most 32 squares and one inverse square root (2 ulp in WGSL).
const tolerance = { abs: 1e-6, rel: 2e-6 };

describe('qk-norm-forward', () => {
  test.each([
    [1, 1, 1, 4],
    [67, 4, 2, 24],
    [33, 3, 1, 32],
  ])('matches the float64 reference on %i rows, %i heads on %i of %i', async (...shape) => {
    const { tensors, options, want } = prepare(...shape);
    await run(gpu, [qkNormForward(tensors, options)]);
    expectClose(await gpu.read(tensors.out, 'f32'), want, tolerance);
  });

  test('adds 1 to the weights where asked', async () => {
    const { tensors, options, x, query, key } = prepare(5, 3, 1, 12);
    await run(gpu, [qkNormForward(tensors, { ...options, unitOffset: true })]);
    const [shiftedQuery, shiftedKey] = [query, key].map((w) => Float64Array.from(w, (v) => 1 + v));
    const want = qkNormForwardReference(x, shiftedQuery, shiftedKey, options);
    expectClose(await gpu.read(tensors.out, 'f32'), want, tolerance);
  });

  test('leaves rows past the rows in use alone, folded over two dimensions', async () => {
    const { tensors, options, width, want } = prepare(40, 4, 2, 8);
    const rows = new Variable('rows', 13, 40);
    await run(gpu, [folded(qkNormForward(tensors, { ...options, rows }))]);
    const got = await gpu.read(tensors.out, 'f32');
    expectClose(got.subarray(0, 13 * width), want.subarray(0, 13 * width), tolerance);
    expectUntouched(got, 13 * width);
  });

  test('gives queries one weight, keys the other and values none, worked by hand', async () => {
    // Two query heads, one key, one value head, each (1, -1, 1, -1) * size with mean square size^2.
    const head = (size: number) => [size, -size, size, -size];
    const tensors = {
      x: tensorOf(gpu, 'x', [...head(1), ...head(2), ...head(3), ...head(4)], [1, 16]),
      query_weight: tensorOf(gpu, 'query_weight', [1, 2, 3, 4]),
      key_weight: tensorOf(gpu, 'key_weight', [10, 20, 30, 40]),
      out: tensorOf(gpu, 'out', marked(16), [1, 16]),
    };
    await run(gpu, [qkNormForward(tensors, { rows: 1, heads: 2, kvHeads: 1, epsilon: 0 })]);
    const want = [1, -2, 3, -4, 1, -2, 3, -4, 10, -20, 30, -40, 4, -4, 4, -4];
    expectClose(await gpu.read(tensors.out, 'f32'), want, { abs: 0, rel: 1e-6 });
    // With epsilon 3 the first head's root is 2.
    await run(gpu, [qkNormForward(tensors, { rows: 1, heads: 2, kvHeads: 1, epsilon: 3 })]);
    const first = (await gpu.read(tensors.out, 'f32')).subarray(0, 4);
    expectClose(first, [0.5, -1, 1.5, -2], { abs: 0, rel: 1e-6 });
  });

  test('refuses heads that do not fill a row, odd head sizes and too many rows', () => {
    const { tensors, options } = prepare(6, 2, 1, 8);
    const bind = (change: object, other: object = {}) =>
      qkNormForward({ ...tensors, ...change }, { ...options, ...other });
    expect(() => bind({})).not.toThrow();
    expect(() => bind({}, { rows: 7 })).toThrow('rows may reach 7, past the 6 held');
    expect(() => bind({}, { heads: 3 })).toThrow(
      "qk-norm-forward: x must be (6, 40), got (6, 32) from 'x'",
    );
    expect(() => bind({ out: { ...tensors.out, shape: [8, 24] } })).toThrow('out must be (6, 32)');
    expect(() => bind({ key_weight: { ...tensors.key_weight, shape: [4] } })).toThrow(
      'key_weight must be (8)',
    );
    const six = { shape: [6], dtype: 'f32' };
    const narrow = {
      query_weight: { ...tensors.query_weight, ...six },
      key_weight: { ...tensors.key_weight, ...six },
      x: { ...tensors.x, shape: [6, 24] },
      out: { ...tensors.out, shape: [6, 24] },
    };
    expect(() => bind(narrow)).toThrow('head dim 6 is not 4 * n');
  });
});
