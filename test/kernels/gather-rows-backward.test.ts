import { describe, expect, test } from 'vitest';
import { gatherRowsBackward } from '../../kernels/gather-rows-backward.ts';
import { parallelLanes, serialLanes } from '../../kernels/lib/lanes.ts';
import { Variable } from '../../kernels/lib/variable.ts';
import { RandomStream } from '../../src/random.ts';
import { gatherRowsBackwardReference } from '../reference/gather-rows-backward.ts';
import { gatherRowsReference } from '../reference/gather-rows.ts';
import { folded } from '../support/folded.ts';
import { expectClose, openTestGpu, run, seeded, tensorOf } from '../support/gpu.ts';
import { expectUntouched, marked } from '../support/marked.ts';
import { inner, slopes } from '../support/slopes.ts';

const gpu = await openTestGpu();

function prepare(actions: number, rows: number, width: number) {
  const stream = new RandomStream(actions, 'test');
  const index = Array.from({ length: actions }, () => stream.below(rows));
  const dout = seeded(actions * width, 1);
  const order = index.map((_, a) => a).sort((a, b) => index[a] - index[b] || a - b);
  const starts = Array.from({ length: rows + 1 }, (_, n) => index.filter((row) => row < n).length);
  const tensors = {
    starts: tensorOf(gpu, 'starts', starts, [rows + 1], 'u32'),
    order: tensorOf(gpu, 'order', order, [actions], 'u32'),
    dout: tensorOf(gpu, 'dout', dout, [actions, width]),
    dx: tensorOf(gpu, 'dx', marked(rows * width), [rows, width]),
  };
  return { tensors, index, dout };
}

// Serial f32 sums of at most 130 terms of unit size.
const tolerance = { abs: 1e-5, rel: 1e-6 };

describe.each([
  ['one thread', serialLanes],
  ['32 threads', parallelLanes],
])('gather-rows-backward with %s a row', (_, lanes) => {
  test.each([
    [1, 1, 4],
    [17, 40, 12],
    [130, 9, 64],
  ])('matches the float64 reference for %i actions on %i rows', async (actions, rows, width) => {
    const { tensors, index, dout } = prepare(actions, rows, width);
    await run(gpu, [gatherRowsBackward(tensors, { rows, lanes })]);
    const want = gatherRowsBackwardReference(index, dout, rows);
    expectClose(await gpu.read(tensors.dx, 'f32'), want, tolerance);
  });

  test('matches finite differences of the gather', async () => {
    const { tensors, index, dout } = prepare(9, 5, 4);
    await run(gpu, [gatherRowsBackward(tensors, { rows: 5, lanes })]);
    const loss = (x: Float64Array) => inner(dout, gatherRowsReference(index, x, 4));
    expectClose(await gpu.read(tensors.dx, 'f32'), slopes(loss, seeded(20, 2)), tolerance);
  });

  test('leaves rows past the rows in use alone, folded over two dimensions', async () => {
    const { tensors, index, dout } = prepare(150, 140, 24);
    await run(gpu, [
      folded(gatherRowsBackward(tensors, { rows: new Variable('rows', 123, 140), lanes })),
    ]);
    const got = await gpu.read(tensors.dx, 'f32');
    const want = gatherRowsBackwardReference(index, dout, 140);
    expectClose(got.subarray(0, 123 * 24), want.subarray(0, 123 * 24), tolerance);
    expectUntouched(got, 123 * 24);
  });

  test('adds up a row that several actions picked and clears one that none did', async () => {
    const tensors = {
      starts: tensorOf(gpu, 'starts', [0, 0, 2, 3], [4], 'u32'),
      order: tensorOf(gpu, 'order', [0, 2, 1], [3], 'u32'),
      dout: tensorOf(gpu, 'dout', [1, 2, 3, 4, 10, 20, 30, 40, 5, 5, 5, 5], [3, 4]),
      dx: tensorOf(gpu, 'dx', marked(12), [3, 4]),
    };
    await run(gpu, [gatherRowsBackward(tensors, { rows: 3, lanes })]);
    expect([...(await gpu.read(tensors.dx, 'f32'))]).toEqual([
      0, 0, 0, 0, 6, 7, 8, 9, 10, 20, 30, 40,
    ]);
  });

  test('refuses index arrays and widths that do not fit, and more rows than there are', () => {
    const { tensors } = prepare(4, 6, 8);
    const bind = (change: object, rows = 6) =>
      gatherRowsBackward({ ...tensors, ...change }, { rows });
    expect(() => bind({})).not.toThrow();
    expect(() => bind({}, 7)).toThrow('rows may reach 7, past the 6 held');
    expect(() => bind({ starts: { ...tensors.starts, shape: [6] } })).toThrow(
      "gather-rows-backward: starts must be (7), got (6) from 'starts'",
    );
    expect(() => bind({ order: { ...tensors.order, shape: [3] } })).toThrow('order must be (4)');
    expect(() => bind({ dout: { ...tensors.dout, shape: [8, 4] } })).toThrow(
      'dout must be (8, 8), got (8, 4)',
    );
    const six = { dx: { ...tensors.dx, shape: [6, 6] }, dout: { ...tensors.dout, shape: [4, 6] } };
    expect(() => bind(six)).toThrow('width 6 is not 4 * n');
  });
});
