import { describe, expect, test } from 'vitest';
import { parallelLanes, serialLanes } from '../../kernels/lib/lanes.ts';
import { Variable } from '../../kernels/lib/variable.ts';
import { rmsnormBackward } from '../../kernels/rmsnorm-backward.ts';
import { rmsnormBackwardReference } from '../reference/rmsnorm-backward.ts';
import { rmsnormForwardReference } from '../reference/rmsnorm-forward.ts';
import { folded } from '../support/folded.ts';
import { expectClose, openTestGpu, run, seeded, tensorOf } from '../support/gpu.ts';
import { expectUntouched, marked } from '../support/marked.ts';
import { inner, slopes } from '../support/slopes.ts';

const gpu = await openTestGpu();
const epsilon = 1e-5;

function prepare(rows: number, width: number) {
  const x = seeded(rows * width, 1, 2);
  const weight = seeded(width, 2);
  const dy = seeded(rows * width, 3);
  const { rstd } = rmsnormForwardReference(x, weight, epsilon);
  const tensors = {
    x: tensorOf(gpu, 'x', x, [rows, width]),
    weight: tensorOf(gpu, 'weight', weight),
    rstd: tensorOf(gpu, 'rstd', Float32Array.from(rstd)),
    dy: tensorOf(gpu, 'dy', dy, [rows, width]),
    dx: tensorOf(gpu, 'dx', marked(rows * width), [rows, width]),
  };
  return { tensors, x, weight, dy };
}

// Two sums over up to 516 f32 terms of unit size; a row whose rms is small scales them up.
const tolerance = { abs: 4e-6, rel: 4e-6 };

describe.each([
  ['one thread', serialLanes],
  ['32 threads', parallelLanes],
])('rmsnorm-backward with %s a row', (_, lanes) => {
  test.each([
    [1, 4],
    [67, 64],
    [130, 20],
    [3, 516],
  ])('matches the float64 reference at (%i, %i)', async (rows, width) => {
    const { tensors, x, weight, dy } = prepare(rows, width);
    await run(gpu, [rmsnormBackward(tensors, { rows, accumulate: false, lanes })]);
    const want = rmsnormBackwardReference(x, weight, dy, epsilon);
    expectClose(await gpu.read(tensors.dx, 'f32'), want, tolerance);
  });

  test('matches finite differences of the forward reference', async () => {
    const { tensors, x, weight, dy } = prepare(5, 12);
    await run(gpu, [rmsnormBackward(tensors, { rows: 5, accumulate: false, lanes })]);
    const loss = (at: Float64Array) => inner(dy, rmsnormForwardReference(at, weight, epsilon).out);
    expectClose(await gpu.read(tensors.dx, 'f32'), slopes(loss, x), tolerance);
  });

  test('adds 1 to the weight where asked', async () => {
    const { tensors, x, weight, dy } = prepare(5, 12);
    const options = { rows: 5, accumulate: false, lanes, unitOffset: true };
    await run(gpu, [rmsnormBackward(tensors, options)]);
    const shifted = Float64Array.from(weight, (w) => 1 + w);
    const loss = (at: Float64Array) => inner(dy, rmsnormForwardReference(at, shifted, epsilon).out);
    expectClose(await gpu.read(tensors.dx, 'f32'), slopes(loss, x), tolerance);
  });

  test('adds to what is there when it accumulates, folded or not', async () => {
    const { tensors, x, weight, dy } = prepare(160, 8);
    const before = seeded(160 * 8, 4);
    const want = rmsnormBackwardReference(x, weight, dy, epsilon).map((d, i) => d + before[i]);
    const dispatch = rmsnormBackward(tensors, { rows: 160, accumulate: true, lanes });
    for (const one of [dispatch, folded(dispatch)]) {
      gpu.upload(tensors.dx, before);
      await run(gpu, [one]);
      expectClose(await gpu.read(tensors.dx, 'f32'), want, tolerance);
    }
  });

  test('leaves rows past the rows in use alone', async () => {
    const { tensors, x, weight, dy } = prepare(40, 12);
    const rows = new Variable('rows', 13, 40);
    await run(gpu, [rmsnormBackward(tensors, { rows, accumulate: false, lanes })]);
    const got = await gpu.read(tensors.dx, 'f32');
    const want = rmsnormBackwardReference(x, weight, dy, epsilon);
    expectClose(got.subarray(0, 13 * 12), want.subarray(0, 13 * 12), tolerance);
    expectUntouched(got, 13 * 12);
  });

  test('lets nothing through along the row itself, which norming fixes', async () => {
    // x = (2, 2, 2, 2): rstd 1/2, xhat all 1. dy = xhat has no part across; (1, -1, 0, 0) is all across.
    const tensors = {
      x: tensorOf(gpu, 'x', new Float32Array(8).fill(2), [2, 4]),
      weight: tensorOf(gpu, 'weight', [1, 1, 1, 1]),
      rstd: tensorOf(gpu, 'rstd', [0.5, 0.5]),
      dy: tensorOf(gpu, 'dy', [1, 1, 1, 1, 1, -1, 0, 0], [2, 4]),
      dx: tensorOf(gpu, 'dx', marked(8), [2, 4]),
    };
    await run(gpu, [rmsnormBackward(tensors, { rows: 2, accumulate: false, lanes })]);
    expect([...(await gpu.read(tensors.dx, 'f32'))]).toEqual([0, 0, 0, 0, 0.5, -0.5, 0, 0]);
  });
});

test('rmsnorm-backward refuses tensors that disagree, odd widths and too many rows', () => {
  const { tensors } = prepare(6, 8);
  const bind = (change: object, rows = 6) =>
    rmsnormBackward({ ...tensors, ...change }, { rows, accumulate: false });
  const turned = { ...tensors.dy, shape: [8, 6] };
  expect(() => bind({})).not.toThrow();
  expect(() => bind({}, 7)).toThrow('rows may reach 7, past the 6 held');
  expect(() => bind({ weight: tensors.rstd })).toThrow('weight must be (8)');
  expect(() => bind({ rstd: tensors.weight })).toThrow('rstd must be (6)');
  expect(() => bind({ dy: turned })).toThrow(
    "rmsnorm-backward: dy must be (6, 8), got (8, 6) from 'dy'",
  );
  expect(() => bind({ dx: turned })).toThrow('dx must be (6, 8)');
  expect(() => bind({ x: turned })).toThrow('width 6 is not 4 * n');
});
