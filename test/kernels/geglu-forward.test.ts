import { describe, expect, test } from 'vitest';
import { parallelLanes, serialLanes } from '../../kernels/lib/lanes.ts';
import { Variable } from '../../kernels/lib/variable.ts';
import { gegluForward } from '../../kernels/geglu-forward.ts';
import { gegluForwardReference } from '../reference/geglu-forward.ts';
import { folded } from '../support/folded.ts';
import { expectClose, openTestGpu, run, seeded, tensorOf } from '../support/gpu.ts';
import { expectUntouched, marked } from '../support/marked.ts';

const gpu = await openTestGpu();

function prepare(rows: number, width: number) {
  const data = seeded(rows * 2 * width, 1, 2);
  const tensors = {
    gate_up: tensorOf(gpu, 'gate_up', data, [rows, 2 * width]),
    out: tensorOf(gpu, 'out', marked(rows * width), [rows, width]),
  };
  return { tensors, want: gegluForwardReference(data, width) };
}

// WGSL lets exp(x) be off by 3 + 2 |x| ulp; 2 u reaches 14 for gates of size 5.
const tolerance = { abs: 1e-6, rel: 4e-6 };

describe.each([
  ['one thread', serialLanes],
  ['32 threads', parallelLanes],
])('geglu-forward with %s a row', (_, lanes) => {
  test.each([
    [1, 1],
    [67, 3],
    [33, 172],
  ])('matches the float64 reference at (%i, %i)', async (rows, width) => {
    const { tensors, want } = prepare(rows, width);
    await run(gpu, [gegluForward(tensors, { rows, lanes })]);
    expectClose(await gpu.read(tensors.out, 'f32'), want, tolerance);
  });

  test('leaves rows past the rows in use alone, folded over two dimensions', async () => {
    const { tensors, want } = prepare(100, 12);
    const rows = new Variable('rows', 73, 100);
    await run(gpu, [folded(gegluForward(tensors, { rows, lanes }))]);
    const got = await gpu.read(tensors.out, 'f32');
    expectClose(got.subarray(0, 73 * 12), want.subarray(0, 73 * 12), tolerance);
    expectUntouched(got, 73 * 12);
  });

  test('closes at 0, passes large gates and is finite where exp overflows', async () => {
    // Gates in the first four columns, up in the last four. gelu(1) = 0.841192 (torch 2.13).
    const gates = [0, 1, 100, -1000];
    const gate_up = tensorOf(gpu, 'gate_up', [...gates, 9, 8, 7, 6], [1, 8]);
    const out = tensorOf(gpu, 'out', marked(4), [1, 4]);
    await run(gpu, [gegluForward({ gate_up, out }, { rows: 1, lanes })]);
    expectClose(await gpu.read(out, 'f32'), [0, 8 * 0.841192, 700, 0], { abs: 4e-6, rel: 1e-6 });
  });

  test('refuses widths that are not two to one and more rows than there are', () => {
    const { tensors } = prepare(6, 8);
    expect(() => gegluForward(tensors, { rows: 6 })).not.toThrow();
    expect(() => gegluForward(tensors, { rows: 7 })).toThrow('rows may reach 7, past the 6 held');
    expect(() => gegluForward({ ...tensors, gate_up: tensors.out }, { rows: 6 })).toThrow(
      "geglu-forward: gate_up must be (6, 16), got (6, 8) from 'out'",
    );
  });
});
