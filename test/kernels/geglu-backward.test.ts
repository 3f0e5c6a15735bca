import { describe, expect, test } from 'vitest';
import { parallelLanes, serialLanes } from '../../kernels/lib/lanes.ts';
import { Variable } from '../../kernels/lib/variable.ts';
import { gegluBackward } from '../../kernels/geglu-backward.ts';
import { gegluBackwardReference } from '../reference/geglu-backward.ts';
import { gegluForwardReference } from '../reference/geglu-forward.ts';
import { folded } from '../support/folded.ts';
import { expectClose, openTestGpu, run, seeded, tensorOf } from '../support/gpu.ts';
import { expectUntouched, marked } from '../support/marked.ts';
import { inner, slopes } from '../support/slopes.ts';

const gpu = await openTestGpu();

function prepare(rows: number, width: number) {
  const data = seeded(rows * 2 * width, 1, 2);
  const dout = seeded(rows * width, 2);
  const tensors = {
    gate_up: tensorOf(gpu, 'gate_up', data, [rows, 2 * width]),
    dout: tensorOf(gpu, 'dout', dout, [rows, width]),
    dgate_up: tensorOf(gpu, 'dgate_up', marked(rows * 2 * width), [rows, 2 * width]),
  };
  return { tensors, data, dout };
}

// WGSL lets exp(x) be off by 3 + 2 |x| ulp; 2 u reaches 14 for gates of size 5.
const tolerance = { abs: 4e-6, rel: 4e-6 };

describe.each([
  ['one thread', serialLanes],
  ['32 threads', parallelLanes],
])('geglu-backward with %s a row', (_, lanes) => {
  test.each([
    [1, 1],
    [67, 3],
    [33, 172],
  ])('matches the float64 reference at (%i, %i)', async (rows, width) => {
    const { tensors, data, dout } = prepare(rows, width);
    await run(gpu, [gegluBackward(tensors, { rows, lanes })]);
    expectClose(
      await gpu.read(tensors.dgate_up, 'f32'),
      gegluBackwardReference(data, dout, width),
      tolerance,
    );
  });

  test.each([4, 5])(
    'matches finite differences of the forward reference, %i wide',
    async (width) => {
      const { tensors, data, dout } = prepare(7, width);
      await run(gpu, [gegluBackward(tensors, { rows: 7, lanes })]);
      const loss = (at: Float64Array) => inner(dout, gegluForwardReference(at, width));
      expectClose(await gpu.read(tensors.dgate_up, 'f32'), slopes(loss, data), tolerance);
    },
  );

  test('leaves rows past the rows in use alone, folded over two dimensions', async () => {
    const { tensors, data, dout } = prepare(100, 12);
    const rows = new Variable('rows', 73, 100);
    await run(gpu, [folded(gegluBackward(tensors, { rows, lanes }))]);
    const got = await gpu.read(tensors.dgate_up, 'f32');
    const want = gegluBackwardReference(data, dout, 12);
    expectClose(got.subarray(0, 73 * 24), want.subarray(0, 73 * 24), tolerance);
    expectUntouched(got, 73 * 24);
  });

  test('halves the slope at 0, is linear far above and flat far below', async () => {
    const tensors = {
      gate_up: tensorOf(gpu, 'gate_up', [0, 100, -1000, 4, 5, 6], [1, 6]),
      dout: tensorOf(gpu, 'dout', [1, 2, 3], [1, 3]),
      dgate_up: tensorOf(gpu, 'dgate_up', marked(6), [1, 6]),
    };
    await run(gpu, [gegluBackward(tensors, { rows: 1, lanes })]);
    expectClose(await gpu.read(tensors.dgate_up, 'f32'), [2, 10, 0, 0, 200, 0], {
      abs: 1e-6,
      rel: 1e-6,
    });
  });

  test('refuses widths that are not two to one and more rows than there are', () => {
    const { tensors } = prepare(6, 8);
    const bind = (change: object, rows = 6) => gegluBackward({ ...tensors, ...change }, { rows });
    expect(() => bind({})).not.toThrow();
    expect(() => bind({}, 7)).toThrow('rows may reach 7, past the 6 held');
    expect(() => bind({ gate_up: tensors.dout })).toThrow('gate_up must be (6, 16)');
    expect(() => bind({ dgate_up: tensors.dout })).toThrow(
      "geglu-backward: dgate_up must be (6, 16), got (6, 8) from 'dout'",
    );
  });
});
