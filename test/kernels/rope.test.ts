import { describe, expect, test } from 'vitest';
import { parallelLanes, serialLanes } from '../../kernels/lib/lanes.ts';
import { Variable } from '../../kernels/lib/variable.ts';
import { rope, ropeTable } from '../../kernels/rope.ts';
import { RandomStream } from '../../src/random.ts';
import { ropeReference } from '../reference/rope.ts';
import { folded } from '../support/folded.ts';
import { expectClose, openTestGpu, run, seeded, tensorOf } from '../support/gpu.ts';
import { expectUntouched, marked } from '../support/marked.ts';
import { inner, slopes } from '../support/slopes.ts';

const gpu = await openTestGpu();

interface Case {
  readonly rows: number;
  /** Heads that are rotated, and value heads after them. */
  readonly heads: number;
  readonly values: number;
  readonly headDim: number;
  readonly theta: number;
}

function prepare({ rows, heads, values, headDim, theta }: Case) {
  const stream = new RandomStream(rows, 'test');
  const positions = Uint32Array.from({ length: rows }, () => stream.below(512));
  const data = seeded(rows * (heads + values) * headDim, 1);
  const tensors = {
    positions: tensorOf(gpu, 'positions', positions),
    table: tensorOf(gpu, 'table', ropeTable(512, headDim, theta), [512, headDim]),
    qkv: tensorOf(gpu, 'qkv', data, [rows, (heads + values) * headDim]),
  };
  return { tensors, positions, data };
}

// Two products of f32 numbers below 5 with a table rounded to f32.
const tolerance = { abs: 2e-6 };

describe.each([
  ['one thread', serialLanes],
  ['32 threads', parallelLanes],
])('rope with %s a row', (_, lanes) => {
  test.each([
    { rows: 1, heads: 1, values: 0, headDim: 2, theta: 10_000 },
    { rows: 67, heads: 6, values: 2, headDim: 24, theta: 1_000_000 },
    { rows: 130, heads: 3, values: 1, headDim: 4, theta: 10_000 },
    { rows: 21, heads: 5, values: 4, headDim: 8, theta: 10_000 },
  ])('matches the float64 reference, forward and back: %o', async (one) => {
    for (const direction of [1, -1] as const) {
      const { tensors, positions, data } = prepare(one);
      await run(gpu, [rope(tensors, { ...one, direction, lanes })]);
      const want = ropeReference(data, positions, { ...one, direction });
      expectClose(await gpu.read(tensors.qkv, 'f32'), want, tolerance);
    }
  });

  test('rotates gradients back as finite differences of the forward reference say', async () => {
    const sizes = { rows: 5, heads: 2, values: 1, headDim: 4, theta: 100 };
    const { tensors, positions, data: dout } = prepare(sizes);
    await run(gpu, [rope(tensors, { ...sizes, direction: -1, lanes })]);
    const loss = (at: Float64Array) => inner(dout, ropeReference(at, positions, sizes));
    expectClose(await gpu.read(tensors.qkv, 'f32'), slopes(loss, seeded(60, 2)), tolerance);
  });

  test('turns pair i by position * theta^(-2 i / D), pairs half a head apart', async () => {
    // D = 4, theta = 100: frequencies 1 and 1/10. One query head, one key head, one value head.
    const tensors = {
      positions: tensorOf(gpu, 'positions', [0, 3], [2], 'u32'),
      table: tensorOf(gpu, 'table', ropeTable(4, 4, 100), [4, 4]),
      qkv: tensorOf(gpu, 'qkv', [...q(0), ...q(0)], [2, 12]),
    };
    await run(gpu, [rope(tensors, { rows: 2, heads: 2, direction: 1, lanes })]);
    // Position 0 turns nothing; values stay at position 3 too.
    expectClose(await gpu.read(tensors.qkv, 'f32'), [...q(0), ...q(3)], { abs: 1e-6 });

    // (1, 0) in pair 0 of the query and (0, 1) in pair 1 of the key, turned by `position` steps.
    function q(position: number): number[] {
      const [slow, fast] = [position / 10, position];
      const query = [Math.cos(fast), 0, Math.sin(fast), 0];
      const key = [0, -Math.sin(slow), 0, Math.cos(slow)];
      return [...query, ...key, 5, 6, 7, 8];
    }
  });

  test('leaves values and rows past the rows in use alone', async () => {
    const sizes = { rows: 200, heads: 3, values: 1, headDim: 8, theta: 10_000 };
    const { tensors, positions, data } = prepare(sizes);
    data.set(marked(27 * 32), 173 * 32);
    gpu.upload(tensors.qkv, data);
    const rows = new Variable('rows', 173, 200);
    const dispatch = rope(tensors, { ...sizes, rows, direction: 1, lanes });
    await run(gpu, [folded(dispatch)]);
    const got = await gpu.read(tensors.qkv, 'f32');
    const want = ropeReference(data, positions, sizes);
    expectClose(got.subarray(0, 173 * 32), want.subarray(0, 173 * 32), tolerance);
    expectUntouched(got, 173 * 32);
    const isValue = (_: number, i: number): boolean => i % 32 >= 24;
    expect(got.filter(isValue)).toEqual(data.filter(isValue));
  });

  test('refuses heads that do not fit a row, an odd head size and too many rows', () => {
    const { tensors } = prepare({ rows: 6, heads: 2, values: 1, headDim: 8, theta: 100 });
    const bind = (change: object, heads = 2, rows = 6) =>
      rope({ ...tensors, ...change }, { rows, heads, direction: 1 });
    expect(() => bind({}, 3)).not.toThrow();
    expect(() => bind({}, 4)).toThrow('rope: 4 heads of 8 do not fit rows of 24');
    expect(() => bind({}, 2, 7)).toThrow('rows may reach 7, past the 6 held');
    expect(() => bind({ table: { ...tensors.table, shape: [4, 3] } })).toThrow('2 heads of 3');
    expect(() => bind({ positions: { ...tensors.positions, shape: [5] } })).toThrow(
      "rope: positions must be (6), got (5) from 'positions'",
    );
  });
});
