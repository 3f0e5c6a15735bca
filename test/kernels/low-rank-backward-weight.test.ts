import { describe, expect, test } from 'vitest';
import { type Lanes, parallelLanes, serialLanes } from '../../kernels/lib/lanes.ts';
import { Variable } from '../../kernels/lib/variable.ts';
import { lowRankBackwardWeight } from '../../kernels/low-rank-backward-weight.ts';
import { lowRankBackwardWeightReference } from '../reference/low-rank-backward-weight.ts';
import { lowRankForwardReference } from '../reference/low-rank-forward.ts';
import { expectClose, openTestGpu, run, seeded, tensorOf } from '../support/gpu.ts';
import { partsOf } from '../support/low-rank.ts';

const gpu = await openTestGpu();

function prepare(rows: number, features: readonly number[], rank: number) {
  const parts = partsOf(features);
  const width = features.reduce((sum, own) => sum + own, 0);
  const dy = seeded(rows * width, 1);
  const t = seeded(rows * parts.length * rank, 2);
  const before = seeded(width * rank, 3);
  const tensors = {
    dy: tensorOf(gpu, 'dy', dy, [rows, width]),
    t: tensorOf(gpu, 't', t, [rows, parts.length * rank]),
    db: tensorOf(gpu, 'db', before, [width, rank]),
  };
  return { tensors, parts, width, dy, t, before };
}

// Sums of at most 300 products of unit size.
const tolerance = { abs: 5e-5, rel: 1e-5 };

describe.each<[string, Lanes]>([
  ['one group of threads', serialLanes],
  ['sixteen groups of threads', parallelLanes],
])('low-rank-backward-weight, %s', (_, lanes) => {
  test.each<[number, readonly number[], number]>([
    [1, [1], 4],
    [300, [9], 16],
    [67, [40, 23], 8],
    [35, [96, 32, 33], 20],
    [19, [7, 1, 17], 64],
  ])('adds what the float64 reference finds on %i rows, parts of %j, rank %i', async (...shape) => {
    const [rows, , rank] = shape;
    const { tensors, parts, dy, t, before, width } = prepare(...shape);
    const steps = lowRankBackwardWeight(tensors, { parts, rows, lanes });
    await run(gpu, steps);
    const added = lowRankBackwardWeightReference(dy, t, parts, { rows, rank });
    const want = before.map((value, i) => value + added[i]);
    expectClose(await gpu.read(tensors.db, 'f32'), want, tolerance);
    expect(steps.reduce((sum, step) => sum + step.flops(), 0)).toBeCloseTo(2 * rank * rows * width);
  });

  test('computes the same bits in one dispatch and in several', async () => {
    const shape = [11, [600, 30, 600], 4] as const;
    const once = prepare(...shape);
    await run(gpu, lowRankBackwardWeight(once.tensors, { parts: once.parts, rows: 11, lanes }));
    const cut = prepare(...shape);
    const how = { parts: cut.parts, rows: 11, lanes, mostWork: 1 };
    const steps = lowRankBackwardWeight(cut.tensors, how);
    // 75 + 4 + 75 tiles of eight features.
    expect(steps).toHaveLength(3);
    await run(gpu, steps);
    const got = await gpu.read(cut.tensors.db, 'f32');
    expect([...got]).toEqual([...(await gpu.read(once.tensors.db, 'f32'))]);
  });

  test('reads only the rows in use', async () => {
    const { tensors, parts, dy, t, before } = prepare(40, [12, 4], 4);
    dy.fill(NaN, 13 * 16);
    gpu.upload(tensors.dy, dy);
    const rows = new Variable('rows', 13, 40);
    await run(gpu, lowRankBackwardWeight(tensors, { parts, rows, lanes }));
    const added = lowRankBackwardWeightReference(dy, t, parts, { rows: 13, rank: 4 });
    const want = before.map((value, i) => value + added[i]);
    expectClose(await gpu.read(tensors.db, 'f32'), want, tolerance);
  });
});

describe('low-rank-backward-weight', () => {
  test('is the slope of low-rank-forward in b', async () => {
    const { tensors, parts, dy, t } = prepare(6, [3, 2], 4);
    gpu.upload(tensors.db, new Float32Array(20));
    await run(gpu, lowRankBackwardWeight(tensors, { parts, rows: 6, lanes: serialLanes }));
    const got = await gpu.read(tensors.db, 'f32');
    const b = Float64Array.from(seeded(20, 5));
    const loss = (values: Float64Array): number =>
      lowRankForwardReference(t, values, parts, { rows: 6, rank: 4 }).reduce(
        (sum, value, i) => sum + value * dy[i],
        0,
      );
    const slopes = b.map((value, i) => {
      const at = (moved: number) => loss(b.map((own, j) => (j === i ? moved : own)));
      return (at(value + 1e-3) - at(value - 1e-3)) / 2e-3;
    });
    expectClose(got, slopes, { abs: 2e-5 });
  });

  test('refuses parts and shapes that disagree', () => {
    const { tensors, parts } = prepare(6, [8, 4], 4);
    const make = (change: object, rows = 6) =>
      lowRankBackwardWeight({ ...tensors, ...change }, { parts, rows, lanes: serialLanes });
    expect(() => make({})).not.toThrow();
    expect(() => make({}, 7)).toThrow('rows may reach 7, past the 6 held');
    expect(() => make({ t: { ...tensors.t, shape: [6, 4] } })).toThrow('t must be (6, 8)');
    expect(() => make({ dy: { ...tensors.dy, shape: [6, 8] } })).toThrow('dy must be (6, 12)');
  });
});
