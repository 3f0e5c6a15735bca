import { describe, expect, test } from 'vitest';
import { Variable } from '../../kernels/lib/variable.ts';
import { lowRankForward } from '../../kernels/low-rank-forward.ts';
import { lowRankForwardReference } from '../reference/low-rank-forward.ts';
import { expectClose, openTestGpu, run, seeded, tensorOf } from '../support/gpu.ts';
import { partsOf } from '../support/low-rank.ts';

const gpu = await openTestGpu();

function prepare(rows: number, features: readonly number[], rank: number) {
  const parts = partsOf(features);
  const width = features.reduce((sum, own) => sum + own, 0);
  const t = seeded(rows * parts.length * rank, 1);
  const b = seeded(width * rank, 2);
  const before = seeded(rows * width, 3);
  const tensors = {
    t: tensorOf(gpu, 't', t, [rows, parts.length * rank]),
    b: tensorOf(gpu, 'b', b, [width, rank]),
    out: tensorOf(gpu, 'out', before, [rows, width]),
  };
  return { tensors, parts, width, t, b, before };
}

// Sums of at most 64 products of unit size.
const tolerance = { abs: 2e-5, rel: 1e-5 };

describe('low-rank-forward', () => {
  test.each<[number, readonly number[], number]>([
    [1, [1], 4],
    [9, [33], 16],
    [67, [40, 24], 8],
    [17, [96, 32, 32], 16],
    [5, [31, 1, 65], 64],
  ])('matches the float64 reference on %i rows, parts of %j, rank %i', async (...shape) => {
    const [rows, , rank] = shape;
    const { tensors, parts, t, b, before } = prepare(...shape);
    const steps = lowRankForward(tensors, { parts, rows });
    await run(gpu, steps);
    const added = lowRankForwardReference(t, b, parts, { rows, rank });
    const want = before.map((value, i) => value + added[i]);
    expectClose(await gpu.read(tensors.out, 'f32'), want, tolerance);
    expect(steps.reduce((sum, step) => sum + step.flops(), 0)).toBe(2 * rank * before.length);
  });

  test('computes the same bits in one dispatch and in several', async () => {
    const shape = [150, [40, 24, 8], 4] as const;
    const once = prepare(...shape);
    await run(gpu, lowRankForward(once.tensors, { parts: once.parts, rows: 150 }));
    const cut = prepare(...shape);
    const steps = lowRankForward(cut.tensors, { parts: cut.parts, rows: 150, mostWork: 1 });
    expect(steps).toHaveLength(3);
    await run(gpu, steps);
    const got = await gpu.read(cut.tensors.out, 'f32');
    expect([...got]).toEqual([...(await gpu.read(once.tensors.out, 'f32'))]);
  });

  test('leaves rows past those in use as they are', async () => {
    const { tensors, parts, before } = prepare(20, [12, 4], 4);
    const rows = new Variable('rows', 5, 20);
    await run(gpu, lowRankForward(tensors, { parts, rows }));
    const got = await gpu.read(tensors.out, 'f32');
    expect([...got.subarray(5 * 16)]).toEqual([...before.subarray(5 * 16)]);
    expect(got[0]).not.toBe(before[0]);
  });

  test('keeps the output to the bit where the second factor is 0', async () => {
    const { tensors, parts, before, b } = prepare(9, [20, 12], 8);
    gpu.upload(tensors.b, new Float32Array(b.length));
    await run(gpu, lowRankForward(tensors, { parts, rows: 9 }));
    expect([...(await gpu.read(tensors.out, 'f32'))]).toEqual([...before]);
  });

  test('reads of each row the columns of its own part, worked by hand', async () => {
    const tensors = {
      t: tensorOf(gpu, 't', [1, 0, 0, 0, 10, 0, 0, 100], [1, 8]),
      b: tensorOf(gpu, 'b', [1, 9, 9, 9, 2, 9, 9, 9, 3, 0, 0, 4], [3, 4]),
      out: tensorOf(gpu, 'out', [7, 7, 7], [1, 3]),
    };
    const parts = [
      { features: 2, scale: 1 },
      { features: 1, scale: 0.5 },
    ];
    await run(gpu, lowRankForward(tensors, { parts, rows: 1 }));
    expect([...(await gpu.read(tensors.out, 'f32'))]).toEqual([8, 9, 7 + 0.5 * 430]);
  });

  test('refuses parts, ranks and shapes that disagree', () => {
    const { tensors, parts } = prepare(6, [8, 4], 4);
    const make = (change: object, given = parts, rows = 6) =>
      lowRankForward({ ...tensors, ...change }, { parts: given, rows });
    expect(() => make({})).not.toThrow();
    expect(() => make({}, parts.slice(1))).toThrow('the parts hold 4 features, b 12');
    expect(() => make({}, [])).toThrow('low-rank-forward: 0 parts, wanted 1 to 3');
    expect(() => make({}, parts, 7)).toThrow('rows may reach 7, past the 6 held');
    expect(() => make({ b: { ...tensors.b, shape: [12, 2] } })).toThrow('a rank of 2 is not 4 * n');
    expect(() => make({ t: { ...tensors.t, shape: [6, 4] } })).toThrow('t must be (6, 8)');
    expect(() => make({ out: { ...tensors.out, shape: [6, 8] } })).toThrow('out must be (6, 12)');
  });
});
