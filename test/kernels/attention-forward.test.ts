import { beforeEach, describe, expect, test } from 'vitest';
import { attentionForward, attentionForwardFamily } from '../../kernels/attention-forward.ts';
import { Variable } from '../../kernels/lib/variable.ts';
import { notHere } from '../support/variants.ts';
import { attentionForwardReference, type AttentionCase } from '../reference/attention-forward.ts';
import { folded } from '../support/folded.ts';
import { expectClose, openTestGpu, run, seeded, tensorOf } from '../support/gpu.ts';
import { expectUntouched, marked } from '../support/marked.ts';
import { packedAttention, type GroupRows, windowsOf } from '../support/packed-attention.ts';

const gpu = await openTestGpu();

const sizesOf = (headDim: number, heads: number, kvHeads: number): AttentionCase => ({
  headDim,
  heads,
  kvHeads,
  scale: 1 / Math.sqrt(headDim),
});

function prepare(spans: Uint32Array, sizes: AttentionCase, qkv?: ArrayLike<number>) {
  const rows = spans.length / 6;
  const width = (sizes.heads + 2 * sizes.kvHeads) * sizes.headDim;
  const data = Float32Array.from(qkv ?? seeded(rows * width, 1));
  const outWidth = sizes.heads * sizes.headDim;
  const tensors = {
    spans: tensorOf(gpu, 'spans', spans, [rows, 6]),
    qkv: tensorOf(gpu, 'qkv', data, [rows, width]),
    out: tensorOf(gpu, 'out', marked(rows * outWidth), [rows, outWidth]),
    lse: tensorOf(gpu, 'lse', marked(rows * sizes.heads), [rows, sizes.heads]),
  };
  return { tensors, rows, width, data };
}

/** Prompts and responses of which blocks of 8 to 64 rows hold several, or parts. */
const several: GroupRows[] = [
  { prompt: 70, responses: [40, 0, 67] },
  { prompt: 3, responses: [20] },
];

/** A head size. Software adapters compile `tiles` for seconds, so that few sizes must do. */
const tested = (variant: string): number => (variant === 'tiles' ? 40 : 24);

/** Groups and heads as large as a variant has another program for. */
const widest = (variant: string): [GroupRows[], AttentionCase] =>
  variant === 'tiles' ? [several, sizesOf(72, 3, 1)] : [mixed, sizesOf(32, 3, 1)];

const mixed: GroupRows[] = [
  { prompt: 5, responses: [3, 0, 7] },
  { prompt: 1, responses: [2, 2] },
  { prompt: 9, responses: [] },
];
const single: GroupRows[] = [{ prompt: 1, responses: [] }];
const long: GroupRows[] = [{ prompt: 130, responses: [] }];

// Scores are of size 4, so that WGSL's exp (3 + 2 |x| ulp) gives each weight to 1e-6 of itself.
const tolerance = { abs: 5e-6, rel: 2e-6 };

describe.each(attentionForwardFamily.ids)('attention-forward, variant %s', (variant) => {
  beforeEach(({ skip }) => {
    skip(...notHere(gpu, attentionForwardFamily, variant));
  });

  async function attend(spans: Uint32Array, sizes: AttentionCase, qkv?: ArrayLike<number>) {
    const { tensors, rows } = prepare(spans, sizes, qkv);
    await run(gpu, [attentionForward(tensors, { rows, ...sizes, variant })]);
    const result = {
      out: await gpu.read(tensors.out, 'f32'),
      lse: await gpu.read(tensors.lse, 'f32'),
    };
    gpu.destroy(...Object.values(tensors));
    return result;
  }

  test.each([
    ['a single row', single, sizesOf(4, 1, 1)],
    ['one long segment', long, sizesOf(4, 2, 2)],
    ['shared prompts', mixed, sizesOf(tested(variant), 4, 2)],
    ['rows of several workgroups', several, sizesOf(4, 2, 1)],
    ['shared prompts', ...widest(variant)],
  ])('matches the float64 reference on %s with %j, %o', async (_, groups, sizes) => {
    const { spans, visible } = packedAttention(groups);
    const { tensors, rows, data } = prepare(spans, sizes);
    await run(gpu, [attentionForward(tensors, { rows, ...sizes, variant })]);
    const want = attentionForwardReference(data, visible, sizes);
    expectClose(await gpu.read(tensors.out, 'f32'), want.out, tolerance);
    expectClose(await gpu.read(tensors.lse, 'f32'), want.lse, tolerance);
  });

  test.each(windowsOf(variant))('sees no key before a window of %i', async (window) => {
    const { spans, visible } = packedAttention(several, window);
    const sizes = sizesOf(4, 2, 1);
    const { tensors, rows, data } = prepare(spans, sizes);
    await run(gpu, [attentionForward(tensors, { rows, ...sizes, variant, window })]);
    const want = attentionForwardReference(data, visible, sizes);
    expectClose(await gpu.read(tensors.out, 'f32'), want.out, tolerance);
    expectClose(await gpu.read(tensors.lse, 'f32'), want.lse, tolerance);
  });

  test('weighs the values of prefix and own rows by the softmax of their scores, by hand', async () => {
    // One head of 4. Row 2 reads the prefix, row 0, and its own segment, rows 1 and 2. Its query is
    // (1, 0, 0, 0); at scale 2 the keys' first entries give scores 0, ln 2 and ln 5. Row 3 is past it.
    const spans = Uint32Array.from([
      ...[0, 1, 0, 0, 1, 4],
      ...[1, 4, 0, 1, 0, 0],
      ...[1, 4, 0, 1, 0, 0],
      ...[1, 4, 0, 1, 0, 0],
    ]);
    const row = (query: number, key: number, value: number) => [
      ...[query, 0, 0, 0],
      ...[key, 9, 9, 9],
      ...[value, 0, 0, -value],
    ];
    const qkv = [
      ...row(0, 0, 8),
      ...row(0, Math.log(2) / 2, 16),
      ...row(1, Math.log(5) / 2, 32),
      ...row(0, 50, 1000),
    ];
    const got = await attend(spans, { heads: 1, kvHeads: 1, headDim: 4, scale: 2 }, qkv);
    // Row 0 reads itself. Row 1 scores all 0: the mean. Row 2: (8 + 2 * 16 + 5 * 32) / 8 = 25.
    const want = [8, 0, 0, -8, 12, 0, 0, -12, 25, 0, 0, -25];
    expectClose(got.out.subarray(0, 12), want, { abs: 1e-5 });
    expectClose(got.lse.subarray(0, 3), [0, Math.log(2), Math.log(8)], { abs: 1e-6 });
  });

  test('lets neighbouring query heads share a key-value head', async () => {
    // One row, which sees only itself: every query head returns the value of its key-value head.
    const sizes = sizesOf(4, 4, 2);
    const value = (size: number) => [size, size, size, size];
    const qkv = [...seeded(24, 1), ...value(7), ...value(8)];
    const { out } = await attend(packedAttention(single).spans, sizes, qkv);
    expect([...out]).toEqual([...value(7), ...value(7), ...value(8), ...value(8)]);
  });

  test('neither overflows nor loses the largest score when scores are huge', async () => {
    const { spans } = packedAttention([{ prompt: 3, responses: [] }]);
    // Keys 1000, -1000 and 990 times the query 1: row 2 gives almost all weight to row 0.
    const row = (key: number, value: number) => [1, 0, 0, 0, key, 0, 0, 0, value, 0, 0, 0];
    const qkv = [...row(1000, 1), ...row(-1000, 2), ...row(990, 3)];
    const { out, lse } = await attend(spans, { ...sizesOf(4, 1, 1), scale: 1 }, qkv);
    const extra = Math.exp(-10) / (1 + Math.exp(-10));
    expectClose([out[0], out[4], out[8]], [1, 1, 1 + 2 * extra], { abs: 1e-6 });
    expectClose(lse, [1000, 1000, 1000], { abs: 1e-4 });
  });

  test('is causal to the bit: nothing later and no other sample reaches a row', async () => {
    const sizes = sizesOf(tested(variant), 4, 2);
    // Rows 0-4 prompt, 5-7 first sample, 8-14 second; another group from row 15.
    const { spans } = packedAttention([
      { prompt: 5, responses: [3, 7] },
      { prompt: 4, responses: [2] },
    ]);
    const { data, width } = prepare(spans, sizes);
    const base = await attend(spans, sizes, data);
    const isSame = (moved: { out: Float32Array; lse: Float32Array }, row: number): boolean => {
      const [d, h] = [sizes.heads * sizes.headDim, sizes.heads];
      const own = (all: Float32Array, size: number) =>
        [...all.subarray(row * size, (row + 1) * size)].join();
      return own(moved.out, d) === own(base.out, d) && own(moved.lse, h) === own(base.lse, h);
    };
    const unchangedBy = async (first: number, last: number) => {
      const moved = data.map((x, i) =>
        i >= first * width && i < (last + 1) * width ? x * 3 + 1 : x,
      );
      const got = await attend(spans, sizes, moved);
      return Array.from({ length: 21 }, (_, row) => row).filter((row) => isSame(got, row));
    };
    const range = (first: number, last: number): number[] =>
      Array.from({ length: last - first + 1 }, (_, i) => first + i);
    // The first sample: only its own rows see it. Row 10: the rest of its sample. Row 3: the rest of
    // the prompt and both samples. The other group: itself alone.
    expect(await unchangedBy(5, 7)).toEqual([...range(0, 4), ...range(8, 20)]);
    expect(await unchangedBy(10, 10)).toEqual([...range(0, 9), ...range(15, 20)]);
    expect(await unchangedBy(3, 3)).toEqual([...range(0, 2), ...range(15, 20)]);
    expect(await unchangedBy(15, 18)).toEqual(range(0, 14));
  });

  test('gives a row the same bits whatever stands before its group', async () => {
    const sizes = sizesOf(4, 2, 1);
    const [group] = several;
    const alone = packedAttention([group]);
    const width = 4 * (2 + 2 * 1);
    const qkv = seeded(alone.rows * width, 5);
    const wanted = await attend(alone.spans, sizes, qkv);
    const before = packedAttention([{ prompt: 3, responses: [20] }]).rows;
    const behind = packedAttention([{ prompt: 3, responses: [20] }, group]);
    const got = await attend(behind.spans, sizes, [...seeded(before * width, 6), ...qkv]);
    expect([...got.out.subarray(before * 8)]).toEqual([...wanted.out]);
    expect([...got.lse.subarray(before * 2)]).toEqual([...wanted.lse]);
  });

  test('leaves rows past the rows in use alone, folded over two dimensions', async () => {
    const sizes = sizesOf(4, 2, 2);
    const { spans, visible } = packedAttention([{ prompt: 9, responses: [80, 41] }]);
    const { tensors, data } = prepare(spans, sizes);
    const rows = new Variable('rows', 89, 130);
    await run(gpu, [folded(attentionForward(tensors, { ...sizes, rows, variant }))]);
    const want = attentionForwardReference(data, visible, sizes);
    const out = await gpu.read(tensors.out, 'f32');
    const lse = await gpu.read(tensors.lse, 'f32');
    expectClose(out.subarray(0, 89 * 8), want.out.subarray(0, 89 * 8), tolerance);
    expectUntouched(out, 89 * 8);
    expectClose(lse.subarray(0, 89 * 2), want.lse.subarray(0, 89 * 2), tolerance);
    expectUntouched(lse, 89 * 2);
  });

  test('refuses head sizes, heads and tensors that do not fit together', () => {
    const sizes = sizesOf(4, 4, 2);
    const { tensors } = prepare(packedAttention([{ prompt: 6, responses: [] }]).spans, sizes);
    const bind = (change: object, other: object = {}) =>
      attentionForward({ ...tensors, ...change }, { rows: 6, ...sizes, variant, ...other });
    expect(() => bind({})).not.toThrow();
    expect(() => bind({}, { rows: 7 })).toThrow('rows may reach 7, past the 6 held');
    expect(() => bind({}, { headDim: 6 })).toThrow('attention-forward: head dim 6 is not 4 * n');
    expect(() => bind({}, { window: 0 })).toThrow(
      'attention-forward: a window must be a whole number of at least 1, is 0',
    );
    expect(() => bind({}, { kvHeads: 3 })).toThrow('4 heads do not divide over 3 kv heads');
    expect(() => bind({}, { headDim: 36, variant: 'subgroup' })).toThrow(
      'attention-forward: head dim 36 is too large for variant subgroup',
    );
    expect(() => bind({}, { kvHeads: 4 })).toThrow(
      "attention-forward: qkv must be (6, 48), got (6, 32) from 'qkv'",
    );
    expect(() => bind({ spans: { ...tensors.spans, shape: [9, 4] } })).toThrow(
      'spans must be (6, 6)',
    );
    expect(() => bind({ lse: { ...tensors.lse, shape: [12, 2] } })).toThrow('lse must be (6, 4)');
    expect(() => bind({ out: { ...tensors.out, shape: [12, 8] } })).toThrow('out must be (6, 16)');
    expect(() => bind({ spans: { ...tensors.spans, dtype: 'i32' } })).toThrow('spans must be u32');
  });
});
