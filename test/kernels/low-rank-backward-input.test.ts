import { describe, expect, test } from 'vitest';
import { type Lanes, parallelLanes, serialLanes } from '../../kernels/lib/lanes.ts';
import { Variable } from '../../kernels/lib/variable.ts';
import { lowRankBackwardInput } from '../../kernels/low-rank-backward-input.ts';
import { lowRankBackwardInputReference } from '../reference/low-rank-backward-input.ts';
import { lowRankForwardReference } from '../reference/low-rank-forward.ts';
import { expectClose, openTestGpu, run, seeded, tensorOf } from '../support/gpu.ts';
import { partsOf } from '../support/low-rank.ts';
import { marked } from '../support/marked.ts';

const gpu = await openTestGpu();

function prepare(rows: number, features: readonly number[], rank: number) {
  const parts = partsOf(features);
  const width = features.reduce((sum, own) => sum + own, 0);
  const dy = seeded(rows * width, 1);
  const b = seeded(width * rank, 2);
  const inner = parts.length * rank;
  const tensors = {
    dy: tensorOf(gpu, 'dy', dy, [rows, width]),
    b: tensorOf(gpu, 'b', b, [width, rank]),
    dt: tensorOf(gpu, 'dt', marked(rows * inner), [rows, inner]),
  };
  return { tensors, parts, width, inner, dy, b };
}

// Sums of at most 200 products of unit size, in order.
const tolerance = { abs: 5e-5, rel: 1e-5 };

describe.each<[string, Lanes]>([
  ['one block of rows', serialLanes],
  ['four blocks of rows', parallelLanes],
])('low-rank-backward-input, %s a workgroup', (_, lanes) => {
  test.each<[number, readonly number[], number]>([
    [1, [1], 4],
    [9, [33], 16],
    [67, [40, 24], 8],
    [35, [96, 32, 32], 20],
    [5, [31, 1, 200], 64],
  ])('matches the float64 reference on %i rows, parts of %j, rank %i', async (...shape) => {
    const [rows, , rank] = shape;
    const { tensors, parts, dy, b, width } = prepare(...shape);
    const steps = lowRankBackwardInput(tensors, { parts, rows, lanes });
    await run(gpu, steps);
    const want = lowRankBackwardInputReference(dy, b, parts, { rows, rank });
    expectClose(await gpu.read(tensors.dt, 'f32'), want, tolerance);
    expect(steps.reduce((sum, step) => sum + step.flops(), 0)).toBe(2 * rank * rows * width);
  });

  test('computes the same bits in one dispatch and in several', async () => {
    const shape = [150, [40, 24, 8], 4] as const;
    const once = prepare(...shape);
    await run(gpu, lowRankBackwardInput(once.tensors, { parts: once.parts, rows: 150, lanes }));
    const cut = prepare(...shape);
    const how = { parts: cut.parts, rows: 150, lanes, mostWork: 1 };
    const steps = lowRankBackwardInput(cut.tensors, how);
    expect(steps).toHaveLength(3);
    await run(gpu, steps);
    const got = await gpu.read(cut.tensors.dt, 'f32');
    expect([...got]).toEqual([...(await gpu.read(once.tensors.dt, 'f32'))]);
  });

  test('leaves rows past those in use as they are', async () => {
    const { tensors, parts, inner } = prepare(20, [12, 4], 4);
    await run(
      gpu,
      lowRankBackwardInput(tensors, { parts, rows: new Variable('rows', 5, 20), lanes }),
    );
    const got = await gpu.read(tensors.dt, 'f32');
    expect([...got.subarray(5 * inner)]).toEqual([...marked(20 * inner).subarray(5 * inner)]);
    expect(got[5 * inner - 1]).not.toBe(marked(1)[0]);
  });
});

describe('low-rank-backward-input', () => {
  test('is the slope of low-rank-forward in t', async () => {
    const { tensors, parts, dy, b } = prepare(3, [5, 4], 4);
    await run(gpu, lowRankBackwardInput(tensors, { parts, rows: 3, lanes: serialLanes }));
    const got = await gpu.read(tensors.dt, 'f32');
    const t = Float64Array.from(seeded(3 * 8, 5));
    const loss = (values: Float64Array): number =>
      lowRankForwardReference(values, b, parts, { rows: 3, rank: 4 }).reduce(
        (sum, value, i) => sum + value * dy[i],
        0,
      );
    const slopes = t.map((value, i) => {
      const at = (moved: number) => loss(t.map((own, j) => (j === i ? moved : own)));
      return (at(value + 1e-3) - at(value - 1e-3)) / 2e-3;
    });
    expectClose(got, slopes, { abs: 1e-5 });
  });

  test('refuses parts and shapes that disagree', () => {
    const { tensors, parts } = prepare(6, [8, 4], 4);
    const make = (change: object, rows = 6) =>
      lowRankBackwardInput({ ...tensors, ...change }, { parts, rows, lanes: serialLanes });
    expect(() => make({})).not.toThrow();
    expect(() => make({}, 7)).toThrow('rows may reach 7, past the 6 held');
    expect(() => make({ dt: { ...tensors.dt, shape: [6, 4] } })).toThrow('dt must be (6, 8)');
    expect(() => make({ dy: { ...tensors.dy, shape: [6, 8] } })).toThrow('dy must be (6, 12)');
  });
});
