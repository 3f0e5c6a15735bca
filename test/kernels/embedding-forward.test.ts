import { describe, expect, test } from 'vitest';
import { embeddingForward } from '../../kernels/embedding-forward.ts';
import { parallelLanes, serialLanes, type Lanes } from '../../kernels/lib/lanes.ts';
import { Variable } from '../../kernels/lib/variable.ts';
import { RandomStream } from '../../src/random.ts';
import { embeddingForwardReference } from '../reference/embedding-forward.ts';
import { folded } from '../support/folded.ts';
import { halvesOf, openTestGpu, run, seeded, tensorOf } from '../support/gpu.ts';
import { expectUntouched, marked } from '../support/marked.ts';

const gpu = await openTestGpu();

function prepare(
  lanes: Lanes,
  [rows, vocabulary, width]: readonly [number, number, number],
  used: number | Variable = rows,
) {
  const stream = new RandomStream(rows, 'test');
  const ids = Uint32Array.from({ length: rows }, () => stream.below(vocabulary));
  const table = seeded(vocabulary * width, 1);
  const out = tensorOf(gpu, 'out', marked(rows * width), [rows, width]);
  const dispatch = embeddingForward(
    {
      token_ids: tensorOf(gpu, 'ids', ids),
      weight: tensorOf(gpu, 'table', table, [vocabulary, width]),
      out,
    },
    { rows: used, lanes },
  );
  return { dispatch, out, want: embeddingForwardReference(ids, table, width) };
}

describe.each([
  ['one thread', serialLanes],
  ['32 threads', parallelLanes],
])('embedding-forward with %s a row', (_, lanes) => {
  test.each([
    [1, 1, 4],
    [17, 18, 12],
    [67, 320, 64],
  ])('copies the rows of %i tokens out of %i, %i wide', async (rows, vocabulary, width) => {
    const { dispatch, out, want } = prepare(lanes, [rows, vocabulary, width]);
    await run(gpu, [dispatch]);
    expect([...(await gpu.read(out, 'f32'))]).toEqual([...want]);
  });

  test('widens a table in f16', async () => {
    const table = halvesOf(gpu, 'table', seeded(18 * 12, 1), [18, 12]);
    const ids = [17, 0, 3, 3, 9];
    const out = tensorOf(gpu, 'out', marked(60), [5, 12]);
    const token_ids = tensorOf(gpu, 'ids', Uint32Array.from(ids));
    await run(gpu, [
      embeddingForward({ token_ids, weight: table.tensor, out }, { rows: 5, lanes }),
    ]);
    const want = embeddingForwardReference(ids, table.rounded, 12);
    expect([...(await gpu.read(out, 'f32'))]).toEqual([...want]);
  });

  test('copies the same when its workgroups are folded over two dimensions', async () => {
    const { dispatch, out, want } = prepare(lanes, [135, 9, 20]);
    await run(gpu, [folded(dispatch)]);
    expect([...(await gpu.read(out, 'f32'))]).toEqual([...want]);
  });

  test('leaves rows past the rows in use alone', async () => {
    const { dispatch, out, want } = prepare(lanes, [40, 18, 8], new Variable('rows', 13, 40));
    await run(gpu, [dispatch]);
    const got = await gpu.read(out, 'f32');
    expect([...got.subarray(0, 13 * 8)]).toEqual([...want.subarray(0, 13 * 8)]);
    expectUntouched(got, 13 * 8);
  });

  test('refuses widths that differ or are no multiple of 4, and more rows than there are', () => {
    const token_ids = tensorOf(gpu, 'ids', [0, 1], [2], 'u32');
    const table = tensorOf(gpu, 'table', seeded(12, 1), [3, 4]);
    const out = tensorOf(gpu, 'out', seeded(8, 1), [2, 4]);
    const tensors = { token_ids, weight: table, out };
    expect(() => embeddingForward(tensors, { rows: 2 })).not.toThrow();
    expect(() => embeddingForward({ ...tensors, weight: out }, { rows: 3 })).toThrow('past the 2');
    expect(() =>
      embeddingForward({ ...tensors, weight: { ...table, shape: [2, 6] } }, { rows: 2 }),
    ).toThrow("embedding-forward: weight must be (2, 4), got (2, 6) from 'table'");
    const narrow = { ...out, shape: [2, 3] };
    expect(() =>
      embeddingForward(
        { ...tensors, weight: { ...table, shape: [4, 3] }, out: narrow },
        { rows: 2 },
      ),
    ).toThrow('width 3 is not 4 * n');
    expect(() =>
      embeddingForward({ ...tensors, token_ids: { ...token_ids, shape: [1] } }, { rows: 2 }),
    ).toThrow('token_ids must be (2)');
    expect(() =>
      embeddingForward({ ...tensors, token_ids: { ...token_ids, dtype: 'f32' } }, { rows: 2 }),
    ).toThrow('token_ids must be u32, got f32');
  });
});
