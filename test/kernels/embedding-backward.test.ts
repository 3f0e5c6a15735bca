import { describe, expect, test } from 'vitest';
import { embeddingBackward } from '../../kernels/embedding-backward.ts';
import { Variable } from '../../kernels/lib/variable.ts';
import { RandomStream } from '../../src/random.ts';
import { packGroups } from '../../src/model/packed-batch.ts';
import { embeddingBackwardReference } from '../reference/embedding-backward.ts';
import { embeddingForwardReference } from '../reference/embedding-forward.ts';
import { folded } from '../support/folded.ts';
import { expectClose, openTestGpu, run, seeded, tensorOf } from '../support/gpu.ts';
import { inner, slopes } from '../support/slopes.ts';

const gpu = await openTestGpu();

/** Rows of one prompt with random ids, sorted by token as a batch is. */
function prepare(rows: number, vocabulary: number, width: number) {
  const stream = new RandomStream(rows, 'test');
  const ids = Array.from({ length: rows }, () => stream.below(vocabulary));
  const batch = packGroups([{ prompt: ids, responses: [] }], true);
  const dx = seeded(rows * width, 1);
  const before = seeded(vocabulary * width, 2);
  const dtable = tensorOf(gpu, 'dtable', before, [vocabulary, width]);
  const tensors = {
    unique_ids: tensorOf(gpu, 'unique_ids', batch.uniqueIds),
    starts: tensorOf(gpu, 'starts', batch.uniqueStarts),
    order: tensorOf(gpu, 'order', batch.uniqueOrder),
    dx: tensorOf(gpu, 'dx', dx, [rows, width]),
    dtable,
  };
  return { tensors, ids, batch, dx, before };
}

// Serial f32 sums of at most 130 terms of unit size: 130 roundings of about 6e-8 * 10.
const tolerance = { abs: 2e-5, rel: 1e-6 };

describe('embedding-backward', () => {
  test.each([
    [1, 1, 4],
    [17, 18, 12],
    [67, 320, 64],
    [130, 3, 8],
  ])('matches the float64 reference on %i rows of %i tokens', async (rows, vocabulary, width) => {
    const { tensors, ids, batch, dx, before } = prepare(rows, vocabulary, width);
    await run(gpu, [embeddingBackward(tensors, { uniques: batch.uniques })]);
    const want = embeddingBackwardReference(ids, dx, before, width);
    expectClose(await gpu.read(tensors.dtable, 'f32'), want, tolerance);
  });

  test.each([1, 2.5])('matches finite differences of the lookup, times %d', async (scale) => {
    const { tensors, ids, batch, dx, before } = prepare(9, 5, 4);
    await run(gpu, [embeddingBackward(tensors, { uniques: batch.uniques, scale })]);
    const gradient = slopes(
      (table) => scale * inner(dx, embeddingForwardReference(ids, table, 4)),
      before,
    );
    const want = gradient.map((slope, i) => before[i] + slope);
    expectClose(await gpu.read(tensors.dtable, 'f32'), want, tolerance);
  });

  test('adds rows in row order, and the same when its workgroups are folded', async () => {
    const { tensors, batch, before } = prepare(120, 40, 12);
    const dispatch = embeddingBackward(tensors, { uniques: batch.uniques });
    await run(gpu, [dispatch]);
    const straight = await gpu.read(tensors.dtable, 'f32');
    gpu.upload(tensors.dtable, before);
    await run(gpu, [folded(dispatch)]);
    expect(await gpu.read(tensors.dtable, 'f32')).toEqual(straight);
  });

  test('adds up the rows of a token that comes twice and leaves absent tokens alone', async () => {
    const dtable = tensorOf(gpu, 'dtable', [1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3], [3, 4]);
    const tensors = {
      unique_ids: tensorOf(gpu, 'unique_ids', [0, 2, 1], [3], 'u32'),
      starts: tensorOf(gpu, 'starts', [0, 1, 3, 3], [4], 'u32'),
      order: tensorOf(gpu, 'order', [1, 0, 2], [3], 'u32'),
      dx: tensorOf(gpu, 'dx', [10, 20, 30, 40, 5, 5, 5, 5, 100, 200, 300, 400], [3, 4]),
      dtable,
    };
    // Ids 2, 0, 2. The third entry of unique_ids is past the two in use.
    await run(gpu, [embeddingBackward(tensors, { uniques: new Variable('uniques', 2, 3) })]);
    const want = [6, 6, 6, 6, 2, 2, 2, 2, 113, 223, 333, 443];
    expect([...(await gpu.read(dtable, 'f32'))]).toEqual(want);
  });

  test('refuses index arrays that do not fit, odd widths and more ids than rows', () => {
    const { tensors } = prepare(4, 3, 8);
    const bind = (change: object, uniques = 4) =>
      embeddingBackward({ ...tensors, ...change }, { uniques });
    const cut = (role: 'unique_ids' | 'starts' | 'order' | 'dx' | 'dtable', shape: number[]) => ({
      [role]: { ...tensors[role], shape },
    });
    expect(() => bind({})).not.toThrow();
    expect(() => bind({}, 5)).toThrow('uniques may reach 5, past the 4 held');
    expect(() => bind(cut('unique_ids', [3]))).toThrow('unique_ids must be (4)');
    expect(() => bind(cut('starts', [4]))).toThrow('starts must be (5)');
    expect(() => bind(cut('order', [5]))).toThrow('order must be (4)');
    expect(() => bind(cut('dtable', [2, 12]))).toThrow('dtable must be (2, 8)');
    const six = { ...cut('dx', [4, 6]), ...cut('dtable', [4, 6]) };
    expect(() => bind(six)).toThrow('width 6 is not 4 * n');
  });
});
