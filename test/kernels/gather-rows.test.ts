import { describe, expect, test } from 'vitest';
import { gatherRows } from '../../kernels/gather-rows.ts';
import { parallelLanes, serialLanes } from '../../kernels/lib/lanes.ts';
import { Variable } from '../../kernels/lib/variable.ts';
import { RandomStream } from '../../src/random.ts';
import { gatherRowsReference } from '../reference/gather-rows.ts';
import { folded } from '../support/folded.ts';
import { openTestGpu, run, seeded, tensorOf } from '../support/gpu.ts';
import { expectUntouched, marked } from '../support/marked.ts';

const gpu = await openTestGpu();

function prepare(actions: number, rows: number, width: number) {
  const stream = new RandomStream(actions, 'test');
  const index = Uint32Array.from({ length: actions }, () => stream.below(rows));
  const x = seeded(rows * width, 1);
  const tensors = {
    index: tensorOf(gpu, 'index', index),
    x: tensorOf(gpu, 'x', x, [rows, width]),
    out: tensorOf(gpu, 'out', marked(actions * width), [actions, width]),
  };
  return { tensors, want: gatherRowsReference(index, x, width) };
}

describe.each([
  ['one thread', serialLanes],
  ['32 threads', parallelLanes],
])('gather-rows with %s a row', (_, lanes) => {
  test.each([
    [1, 1, 4],
    [17, 40, 12],
    [67, 9, 64],
  ])('copies the rows of %i actions out of %i, %i wide', async (count, rows, width) => {
    const { tensors, want } = prepare(count, rows, width);
    await run(gpu, [gatherRows(tensors, { count, lanes })]);
    expect([...(await gpu.read(tensors.out, 'f32'))]).toEqual([...want]);
  });

  test('leaves actions past the actions in use alone, folded over two dimensions', async () => {
    const { tensors, want } = prepare(160, 18, 24);
    await run(gpu, [
      folded(gatherRows(tensors, { count: new Variable('count', 123, 160), lanes })),
    ]);
    const got = await gpu.read(tensors.out, 'f32');
    expect([...got.subarray(0, 123 * 24)]).toEqual([...want.subarray(0, 123 * 24)]);
    expectUntouched(got, 123 * 24);
  });

  test('writes only rows from the first on', async () => {
    const { tensors, want } = prepare(160, 18, 24);
    const [count, first] = [new Variable('count', 31, 160), new Variable('first', 100, 159)];
    await run(gpu, [gatherRows(tensors, { count, first, lanes })]);
    const got = await gpu.read(tensors.out, 'f32');
    expect([...got.subarray(100 * 24, 131 * 24)]).toEqual([...want.subarray(100 * 24, 131 * 24)]);
    expectUntouched(got.subarray(0, 100 * 24), 0);
    expectUntouched(got, 131 * 24);
  });

  test('refuses widths that differ or are no multiple of 4, and too many actions', () => {
    const { tensors } = prepare(4, 6, 8);
    const bind = (change: object, count = 4) => gatherRows({ ...tensors, ...change }, { count });
    expect(() => bind({})).not.toThrow();
    expect(() => bind({}, 5)).toThrow('count may reach 5, past the 4 held');
    expect(() => gatherRows(tensors, { count: 1, first: 4 })).toThrow('first may reach 4');
    expect(() => bind({ x: { ...tensors.x, shape: [12, 4] } })).toThrow(
      "gather-rows: x must be (12, 8), got (12, 4) from 'x'",
    );
    expect(() => bind({ index: { ...tensors.index, shape: [3] } })).toThrow('index must be (4)');
    const six = { x: { ...tensors.x, shape: [8, 6] }, out: { ...tensors.out, shape: [4, 6] } };
    expect(() => bind(six)).toThrow('width 6 is not 4 * n');
  });
});
