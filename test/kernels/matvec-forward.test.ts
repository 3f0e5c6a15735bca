import { describe, expect, test } from 'vitest';
import type { Lanes } from '../../kernels/lib/lanes.ts';
import { matvecForward } from '../../kernels/matvec-forward.ts';
import { matvecForwardReference } from '../reference/matvec-forward.ts';
import { lowRankTerm } from '../support/low-rank.ts';
import { expectClose, halvesOf, openTestGpu, run, seeded, tensorOf } from '../support/gpu.ts';
import type { BaseStorage } from '../../src/vocabulary/storages.ts';
import { storedWeight } from '../support/matmul.ts';

type Shape = readonly [rows: number, inner: number, columns: number];

interface Extra {
  readonly norm?: boolean;
  readonly bias?: boolean;
  readonly residual?: boolean;
  readonly gated?: boolean;
  readonly storage?: BaseStorage;
  /** Output features of an adapter's parts. */
  readonly adapter?: readonly number[];
}

/** One row more than is in use; it must keep its -7. */
async function matvec([rows, inner, columns]: Shape, lanes: Lanes, extra: Extra) {
  const gpu = await openTestGpu();
  const { gated = false } = extra;
  const width = gated ? columns / 2 : columns;
  const epsilon = 1e-3;
  const x = seeded((rows + 1) * inner, 1);
  const stored = storedWeight(gpu, seeded(columns * inner, 2), [columns, inner], extra.storage);
  const norm = extra.norm ? seeded(inner, 3) : undefined;
  const bias = extra.bias ? seeded(columns, 4) : undefined;
  const residual = extra.residual ? seeded((rows + 1) * width, 5) : undefined;
  const adapter = extra.adapter && lowRankTerm(gpu, extra.adapter, { rows: rows + 1, rank: 8 });
  const stale = new Float32Array((rows + 1) * width).fill(-7);
  const out = tensorOf(gpu, 'out', stale, [rows + 1, width]);
  const dispatch = matvecForward(
    {
      x: tensorOf(gpu, 'x', x, [rows + 1, inner]),
      weight: stored.tensor,
      norm: norm && tensorOf(gpu, 'norm', norm),
      bias: bias && tensorOf(gpu, 'bias', bias),
      residual: residual && tensorOf(gpu, 'residual', residual, [rows + 1, width]),
      adapter: adapter?.term,
      out,
    },
    { rows, lanes, epsilon, gated },
  );
  await run(gpu, [dispatch]);
  const want = matvecForwardReference(x, stored.numbers, [rows, inner, columns], {
    epsilon,
    gated,
    ...(norm && { norm }),
    ...(bias && { bias }),
    ...(residual && { residual }),
    ...(adapter && { adapter: adapter.added }),
  });
  return { got: await gpu.read(out, 'f32'), want, flops: dispatch.flops() };
}

describe('matvec-forward', () => {
  test.each<[Lanes]>([[{ lanes: 1, rows: 8 }], [{ lanes: 32, rows: 4 }]])(
    'matches float64, %o',
    async (lanes) => {
      const shapes: Shape[] = [
        [1, 4, 4],
        [2, 128, 384],
        [3, 100, 76],
      ];
      const extras: Extra[] = [
        {},
        { bias: true, residual: true },
        { norm: true, bias: true },
        { norm: true, gated: true },
        { norm: true, gated: true, residual: true },
        { storage: 'f16', norm: true, bias: true },
        { storage: 'int8', norm: true, bias: true },
        { storage: 'f16', norm: true, gated: true },
        { storage: 'int4', norm: true, gated: true },
      ];
      for (const shape of shapes) {
        for (const extra of extras) {
          const { got, want, flops } = await matvec(shape, lanes, extra);
          expectClose(got.subarray(0, want.length), want, { abs: 2e-5, rel: 1e-5 });
          expect(got.subarray(want.length).every((value) => value === -7)).toBe(true);
          expect(flops).toBe(2 * shape[0] * shape[1] * shape[2]);
        }
      }
    },
  );

  test.each<[Lanes]>([[{ lanes: 1, rows: 8 }], [{ lanes: 32, rows: 4 }]])(
    'adds an adapter of each part before the gate, %o',
    async (lanes) => {
      const cases: [Shape, readonly number[], Extra][] = [
        [[2, 128, 384], [384], { residual: true }],
        [[3, 100, 76], [40, 17, 19], { norm: true, bias: true }],
        [[2, 100, 76], [38, 38], { norm: true, gated: true }],
        [[1, 12, 20], [10, 10], { norm: true, gated: true, storage: 'f16' }],
      ];
      for (const [shape, adapter, extra] of cases) {
        const { got, want, flops } = await matvec(shape, lanes, { ...extra, adapter });
        expectClose(got.subarray(0, want.length), want, { abs: 2e-5, rel: 1e-5 });
        expect(flops).toBe(2 * shape[0] * (shape[1] + 8) * shape[2]);
      }
    },
  );

  test('takes any number of columns without a gate', async () => {
    for (const columns of [1, 19, 33]) {
      const extra = { norm: true, bias: true, residual: true };
      const { got, want } = await matvec([2, 12, columns], { lanes: 1, rows: 8 }, extra);
      expectClose(got.subarray(0, want.length), want, { abs: 1e-5, rel: 1e-5 });
      expect(got[2 * columns]).toBe(-7);
    }
  });

  test('a very negative gate gives 0', async () => {
    const gpu = await openTestGpu();
    const out = gpu.tensor('out', [1, 2], 'f32', 'rollout');
    const x = tensorOf(gpu, 'x', [1, 0, 0, 0], [1, 4]);
    // Gates -1000 and 2, then what they gate: 3 and 5.
    const columns = [-1000, 2, 3, 5].flatMap((value) => [value, 0, 0, 0]);
    const weight = tensorOf(gpu, 'weight', columns, [4, 4]);
    const options = { rows: 1, lanes: { lanes: 1, rows: 8 }, gated: true } as const;
    await run(gpu, [matvecForward({ x, weight, out }, options)]);
    expectClose(await gpu.read(out, 'f32'), [0, 10 / (1 + Math.exp(-2))], { abs: 1e-6 });
  });

  test('reads the smallest and the largest half', async () => {
    const gpu = await openTestGpu();
    const out = gpu.tensor('out', [1, 4], 'f32', 'rollout');
    const x = tensorOf(gpu, 'x', [2 ** 24, 1, 0, 0], [1, 4]);
    // A subnormal half is a normal float, and no adapter may make it 0.
    const rows = [2 ** -24, 0, 0, 0, -1023 * 2 ** -24, 0, 0, 0, 0, 65_504, 9, 9, 0, -65_504, 9, 9];
    const { tensor: weight } = halvesOf(gpu, 'weight', Float32Array.from(rows), [4, 4]);
    const dispatch = matvecForward({ x, weight, out }, { rows: 1, lanes: { lanes: 1, rows: 8 } });
    await run(gpu, [dispatch]);
    expect([...(await gpu.read(out, 'f32'))]).toEqual([1, -1023, 65_504, -65_504]);
  });

  test('refuses sizes that are no multiples of 4 and shapes that disagree', async () => {
    const gpu = await openTestGpu();
    const f32 = (name: string, ...shape: number[]) => gpu.tensor(name, shape, 'f32', 'rollout');
    const options = { rows: 1, lanes: { lanes: 1, rows: 8 } } as const;
    const [x, out] = [f32('x', 1, 8), f32('out', 1, 6)];
    const tensors = { x, weight: f32('weight', 6, 8), out };
    expect(() => matvecForward(tensors, { ...options, gated: true })).toThrow(
      'matvec-forward: 8 x 6 features are not 4 * n',
    );
    expect(() => matvecForward({ ...tensors, x: f32('x', 1, 6) }, options)).toThrow(
      'matvec-forward: 6 x 6 features are not 4 * n',
    );
    expect(() => matvecForward({ ...tensors, norm: f32('norm', 4) }, options)).toThrow(
      "matvec-forward: norm must be (8), got (4) from 'norm'",
    );
    expect(() => matvecForward(tensors, { ...options, rows: 2 })).toThrow('may reach 2');
  });
});
