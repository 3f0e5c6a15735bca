import { describe, expect, test } from 'vitest';
import { parallelLanes, serialLanes } from '../../kernels/lib/lanes.ts';
import { Variable } from '../../kernels/lib/variable.ts';
import { rmsnormForward } from '../../kernels/rmsnorm-forward.ts';
import { rmsnormForwardReference } from '../reference/rmsnorm-forward.ts';
import { folded } from '../support/folded.ts';
import { expectClose, openTestGpu, run, seeded, tensorOf } from '../support/gpu.ts';
import { expectUntouched, marked } from '../support/marked.ts';

const gpu = await openTestGpu();
const epsilon = 1e-5;

function prepare(rows: number, width: number) {
  const x = seeded(rows * width, 1, 2);
  const weight = seeded(width, 2);
  const tensors = {
    x: tensorOf(gpu, 'x', x, [rows, width]),
    weight: tensorOf(gpu, 'weight', weight),
    out: tensorOf(gpu, 'out', marked(rows * width), [rows, width]),
    rstd: tensorOf(gpu, 'rstd', marked(rows)),
  };
  return { tensors, want: rmsnormForwardReference(x, weight, epsilon) };
}

// A mean of squares over up to 516 f32 terms and one inverse square root (2 ulp in WGSL).
const tolerance = { abs: 1e-6, rel: 4e-6 };

describe.each([
  ['one thread', serialLanes],
  ['32 threads', parallelLanes],
])('rmsnorm-forward with %s a row', (_, lanes) => {
  test.each([
    [1, 4],
    [67, 64],
    [130, 20],
    [3, 516],
  ])('matches the float64 reference at (%i, %i)', async (rows, width) => {
    const { tensors, want } = prepare(rows, width);
    await run(gpu, [rmsnormForward(tensors, { rows, epsilon, lanes })]);
    expectClose(await gpu.read(tensors.out, 'f32'), want.out, tolerance);
    expectClose(await gpu.read(tensors.rstd, 'f32'), want.rstd, tolerance);
  });

  test('adds 1 to the weight, and a residual to the result, where asked', async () => {
    const { tensors } = prepare(67, 20);
    const weight = seeded(20, 2);
    const residual = seeded(67 * 20, 3);
    const given = { ...tensors, residual: tensorOf(gpu, 'residual', residual, [67, 20]) };
    await run(gpu, [rmsnormForward(given, { rows: 67, epsilon, lanes, unitOffset: true })]);
    const shifted = Float64Array.from(weight, (w) => 1 + w);
    const { out } = rmsnormForwardReference(seeded(67 * 20, 1, 2), shifted, epsilon);
    const want = out.map((value, i) => value + residual[i]);
    expectClose(await gpu.read(tensors.out, 'f32'), want, tolerance);
  });

  test('normalizes the same when its workgroups are folded over two dimensions', async () => {
    const { tensors, want } = prepare(160, 8);
    await run(gpu, [folded(rmsnormForward(tensors, { rows: 160, epsilon, lanes }))]);
    expectClose(await gpu.read(tensors.out, 'f32'), want.out, tolerance);
  });

  test('leaves rows past the rows in use alone', async () => {
    const { tensors, want } = prepare(40, 12);
    const rows = new Variable('rows', 13, 40);
    await run(gpu, [rmsnormForward(tensors, { rows, epsilon, lanes })]);
    const out = await gpu.read(tensors.out, 'f32');
    const rstd = await gpu.read(tensors.rstd, 'f32');
    expectClose(out.subarray(0, 13 * 12), want.out.subarray(0, 13 * 12), tolerance);
    expectUntouched(out, 13 * 12);
    expectClose(rstd.subarray(0, 13), want.rstd.subarray(0, 13), tolerance);
    expectUntouched(rstd, 13);
  });

  test('divides by the root of the mean square plus epsilon, then weighs each column', async () => {
    // Row 0: mean square (1 + 9 + 9 + 1) / 4 = 5, with epsilon 4 a root of 3. Row 1 is all zero.
    const tensors = {
      x: tensorOf(gpu, 'x', [1, -3, 3, 1, 0, 0, 0, 0], [2, 4]),
      weight: tensorOf(gpu, 'weight', [3, 6, -3, 0]),
      out: tensorOf(gpu, 'out', marked(8), [2, 4]),
      rstd: tensorOf(gpu, 'rstd', marked(2)),
    };
    await run(gpu, [rmsnormForward(tensors, { rows: 2, epsilon: 4, lanes })]);
    expectClose(await gpu.read(tensors.out, 'f32'), [1, -6, -3, 0, 0, 0, 0, 0], { abs: 1e-6 });
    expectClose(await gpu.read(tensors.rstd, 'f32'), [1 / 3, 1 / 2], { abs: 1e-7 });
  });
});

test('rmsnorm-forward refuses tensors that disagree, odd widths and more rows than there are', () => {
  const { tensors } = prepare(6, 8);
  const bind = (change: object, rows = 6) =>
    rmsnormForward({ ...tensors, ...change }, { rows, epsilon });
  expect(() => bind({})).not.toThrow();
  expect(() => bind({}, 7)).toThrow('rows may reach 7, past the 6 held');
  expect(() => bind({ weight: tensors.rstd })).toThrow(
    "rmsnorm-forward: weight must be (8), got (6) from 'rstd'",
  );
  expect(() => bind({ out: { ...tensors.out, shape: [8, 6] } })).toThrow('out must be (6, 8)');
  expect(() => bind({ rstd: tensors.weight })).toThrow('rstd must be (6)');
  expect(() => bind({ residual: tensors.weight })).toThrow('residual must be (6, 8)');
  expect(() => bind({ x: { ...tensors.x, shape: [8, 6] } })).toThrow('width 6 is not 4 * n');
  expect(() => bind({ x: { ...tensors.x, shape: [48] } })).toThrow('x must have rank 2');
});
