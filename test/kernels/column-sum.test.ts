import { describe, expect, test } from 'vitest';
import { columnSum } from '../../kernels/column-sum.ts';
import { Variable } from '../../kernels/lib/variable.ts';
import { columnSumReference } from '../reference/column-sum.ts';
import { expectClose, openTestGpu, run, seeded, tensorOf } from '../support/gpu.ts';
import { marked } from '../support/marked.ts';

const gpu = await openTestGpu();

function prepare(rows: number, width: number, blocks: number) {
  const x = seeded(rows * width, 1);
  const tensors = {
    x: tensorOf(gpu, 'x', x, [rows, width]),
    out: tensorOf(gpu, 'out', marked(blocks * width), [blocks, width]),
  };
  const sizes = { rows, width, blocks, blockRows: Math.ceil(rows / blocks) };
  return { tensors, x, sizes };
}

// Serial f32 sums of up to 300 terms of unit size.
const tolerance = { abs: 2e-5 };

describe('column-sum', () => {
  test.each([
    [1, 1, 1],
    [67, 65, 1],
    [300, 20, 7],
    [5, 130, 9],
  ])('matches the float64 reference on %i rows of %i in %i blocks', async (...shape) => {
    const { tensors, x, sizes } = prepare(...shape);
    await run(gpu, [columnSum(tensors, { rows: sizes.rows, accumulate: false })]);
    expectClose(await gpu.read(tensors.out, 'f32'), columnSumReference(x, sizes), tolerance);
  });

  test('adds to what is there when it accumulates', async () => {
    const { tensors, x, sizes } = prepare(33, 20, 2);
    const before = seeded(40, 2);
    gpu.upload(tensors.out, before);
    await run(gpu, [columnSum(tensors, { rows: 33, accumulate: true })]);
    const want = columnSumReference(x, sizes).map((sum, i) => sum + before[i]);
    expectClose(await gpu.read(tensors.out, 'f32'), want, tolerance);
  });

  test('reads only the rows in use, and clears the blocks past them', async () => {
    const { tensors, x, sizes } = prepare(40, 6, 8);
    const rows = new Variable('rows', 13, 40);
    await run(gpu, [columnSum(tensors, { rows, accumulate: false })]);
    const want = columnSumReference(x, { ...sizes, rows: 13 });
    expectClose(await gpu.read(tensors.out, 'f32'), want, tolerance);
    expect([...new Set(want.subarray(3 * 6))]).toEqual([0]);
  });

  test('gives block b its own rows, the last block fewer, worked by hand', async () => {
    const out = tensorOf(gpu, 'out', marked(4), [2, 2]);
    const x = tensorOf(gpu, 'x', [1, 10, 2, 20, 4, 40], [3, 2]);
    await run(gpu, [columnSum({ x, out }, { rows: 3, accumulate: false })]);
    expect([...(await gpu.read(out, 'f32'))]).toEqual([3, 30, 4, 40]);
  });

  test('takes a vector as one block', async () => {
    const out = tensorOf(gpu, 'out', [100, 100]);
    const x = tensorOf(gpu, 'x', [1, 10, 2, 20, 4, 40], [3, 2]);
    await run(gpu, [columnSum({ x, out }, { rows: 3, accumulate: true })]);
    expect([...(await gpu.read(out, 'f32'))]).toEqual([107, 170]);
  });

  test('refuses an output of broken rows, a vector to sum and more rows than there are', () => {
    const { tensors } = prepare(6, 8, 2);
    const bind = (change: object, rows = 6) =>
      columnSum({ ...tensors, ...change }, { rows, accumulate: false });
    expect(() => bind({})).not.toThrow();
    expect(() => bind({}, 7)).toThrow('rows may reach 7, past the 6 held');
    expect(() => bind({ out: { ...tensors.out, shape: [12] } })).toThrow(
      'column-sum: out does not hold rows of 8',
    );
    expect(() => bind({ x: { ...tensors.x, shape: [48] } })).toThrow('x must have rank 2');
  });
});
