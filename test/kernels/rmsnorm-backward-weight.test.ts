import { describe, expect, test } from 'vitest';
import { Variable } from '../../kernels/lib/variable.ts';
import { rmsnormBackwardWeight } from '../../kernels/rmsnorm-backward-weight.ts';
import { rmsnormBackwardWeightReference } from '../reference/rmsnorm-backward-weight.ts';
import { rmsnormForwardReference } from '../reference/rmsnorm-forward.ts';
import { expectClose, openTestGpu, run, seeded, tensorOf } from '../support/gpu.ts';
import { marked } from '../support/marked.ts';
import { inner, slopes } from '../support/slopes.ts';

const gpu = await openTestGpu();
const epsilon = 1e-5;

function prepare(rows: number, width: number, blocks: number) {
  const x = seeded(rows * width, 1, 2);
  const weight = seeded(width, 2);
  const dy = seeded(rows * width, 3);
  const before = seeded(width, 4);
  const { rstd } = rmsnormForwardReference(x, weight, epsilon);
  const tensors = {
    x: tensorOf(gpu, 'x', x, [rows, width]),
    rstd: tensorOf(gpu, 'rstd', Float32Array.from(rstd)),
    dy: tensorOf(gpu, 'dy', dy, [rows, width]),
    partials: tensorOf(gpu, 'partials', marked(blocks * width), [blocks, width]),
    dweight: tensorOf(gpu, 'dweight', before),
  };
  return { tensors, x, weight, dy, before };
}

// Sums over up to 200 rows of terms of unit size, in f32.
const tolerance = { abs: 2e-5, rel: 4e-6 };

describe('rmsnorm-backward-weight', () => {
  test.each([
    [1, 4, 1],
    [67, 66, 1],
    [67, 130, 5],
    [200, 20, 64],
    [3, 8, 9],
  ])('matches the float64 reference on %i rows of %i in %i blocks', async (rows, width, blocks) => {
    const { tensors, x, dy, before } = prepare(rows, width, blocks);
    await run(gpu, rmsnormBackwardWeight(tensors, { rows }));
    const want = rmsnormBackwardWeightReference(x, dy, width, epsilon);
    const sum = want.map((value, c) => value + before[c]);
    expectClose(await gpu.read(tensors.dweight, 'f32'), sum, tolerance);
  });

  test('matches finite differences of the forward reference', async () => {
    const { tensors, x, weight, dy, before } = prepare(9, 8, 2);
    await run(gpu, rmsnormBackwardWeight(tensors, { rows: 9 }));
    const loss = (at: Float64Array) => inner(dy, rmsnormForwardReference(x, at, epsilon).out);
    const want = slopes(loss, weight).map((slope, c) => slope + before[c]);
    expectClose(await gpu.read(tensors.dweight, 'f32'), want, tolerance);
  });

  test('reads only the rows in use, and clears the blocks past them', async () => {
    const { tensors, x, dy, before } = prepare(40, 12, 8);
    const rows = new Variable('rows', 13, 40);
    await run(gpu, rmsnormBackwardWeight(tensors, { rows }));
    const used = 13 * 12;
    const want = rmsnormBackwardWeightReference(x.slice(0, used), dy.slice(0, used), 12, epsilon);
    const sum = want.map((value, c) => value + before[c]);
    expectClose(await gpu.read(tensors.dweight, 'f32'), sum, tolerance);
    // Blocks of 5 rows: the first two full, the third with 3, five empty.
    const partials = await gpu.read(tensors.partials, 'f32');
    expect(partials.subarray(0, 3 * 12).every((value) => value !== 0)).toBe(true);
    expect([...new Set(partials.subarray(3 * 12))]).toEqual([0]);
  });

  test('sums gradient times normed input down each column, worked by hand', async () => {
    const tensors = {
      x: tensorOf(gpu, 'x', [1, 2, 3, 4], [2, 2]),
      rstd: tensorOf(gpu, 'rstd', [2, 0.5]),
      dy: tensorOf(gpu, 'dy', [10, 20, 30, 40], [2, 2]),
      partials: tensorOf(gpu, 'partials', marked(2), [1, 2]),
      dweight: tensorOf(gpu, 'dweight', [1000, 0]),
    };
    await run(gpu, rmsnormBackwardWeight(tensors, { rows: 2 }));
    // 10*1*2 + 30*3/2 and 20*2*2 + 40*4/2
    expect([...(await gpu.read(tensors.dweight, 'f32'))]).toEqual([1065, 160]);
  });

  test('refuses tensors that disagree and more rows than there are', () => {
    const { tensors } = prepare(6, 8, 2);
    const bind = (change: object, rows = 6) =>
      rmsnormBackwardWeight({ ...tensors, ...change }, { rows });
    const turned = { ...tensors.dy, shape: [8, 6] };
    expect(() => bind({})).not.toThrow();
    expect(() => bind({}, 7)).toThrow('rows may reach 7, past the 6 held');
    expect(() => bind({ dy: turned })).toThrow('dy must be (6, 8)');
    expect(() => bind({ rstd: tensors.dweight })).toThrow('rstd must be (6)');
    expect(() => bind({ partials: { ...tensors.partials, shape: [4, 4] } })).toThrow(
      "rmsnorm-backward-weight: partials must be (4, 8), got (4, 4) from 'partials'",
    );
    expect(() => bind({ dweight: tensors.rstd })).toThrow('dweight must be (8)');
  });
});
