import { describe, expect, test } from 'vitest';
import { attentionForward } from '../../kernels/attention-forward.ts';
import { attentionWeights } from '../../kernels/attention-weights.ts';
import type { AttentionCase } from '../reference/attention-forward.ts';
import { attentionWeightsReference } from '../reference/attention-weights.ts';
import { folded } from '../support/folded.ts';
import { expectClose, openTestGpu, run, seeded, tensorOf } from '../support/gpu.ts';
import { marked } from '../support/marked.ts';
import { packedAttention, type GroupRows } from '../support/packed-attention.ts';

const gpu = await openTestGpu();

const sizesOf = (headDim: number, heads: number, kvHeads: number): AttentionCase => ({
  headDim,
  heads,
  kvHeads,
  scale: 1 / Math.sqrt(headDim),
});

/** The weights of listed rows, behind the forward pass that leaves their log-sum-exp. */
async function weightsOf(
  spans: Uint32Array,
  listed: readonly number[],
  keys: number,
  sizes: AttentionCase,
  qkv: ArrayLike<number>,
  { fold = false, window }: { readonly fold?: boolean; readonly window?: number } = {},
): Promise<Float32Array> {
  const rows = spans.length / 6;
  const width = (sizes.heads + 2 * sizes.kvHeads) * sizes.headDim;
  const [outWidth, numbers] = [sizes.heads * sizes.headDim, sizes.heads * listed.length * keys];
  const shared = {
    spans: tensorOf(gpu, 'spans', spans, [rows, 6]),
    qkv: tensorOf(gpu, 'qkv', Float32Array.from(qkv), [rows, width]),
    lse: tensorOf(gpu, 'lse', marked(rows * sizes.heads), [rows, sizes.heads]),
  };
  const out = tensorOf(gpu, 'out', marked(rows * outWidth), [rows, outWidth]);
  const action_rows = tensorOf(gpu, 'rows', listed, [listed.length], 'u32');
  const weights = tensorOf(gpu, 'weights', marked(numbers), [sizes.heads * listed.length, keys]);
  const step = attentionWeights({ ...shared, action_rows, weights }, { ...sizes, window });
  await run(gpu, [
    attentionForward({ ...shared, out }, { rows, ...sizes, window }),
    fold ? folded(step) : step,
  ]);
  const got = await gpu.read(weights, 'f32');
  gpu.destroy(...Object.values(shared), out, action_rows, weights);
  return got;
}

const mixed: GroupRows[] = [
  { prompt: 5, responses: [3, 0, 7] },
  { prompt: 1, responses: [2, 2] },
];

// Scores are of size 4: exp and the log-sum-exp give each weight to about 4e-6 of itself.
const tolerance = { abs: 2e-6, rel: 5e-6 };

describe('attention-weights', () => {
  test.each([
    ['a single row', [{ prompt: 1, responses: [] }], [0], 1, sizesOf(4, 1, 1)],
    ['a long prompt', [{ prompt: 130, responses: [] }], [129, 0, 64], 130, sizesOf(4, 2, 2)],
    ['answers of shared prompts', mixed, [4, 5, 6, 7, 14, 17, 19], 12, sizesOf(24, 4, 2)],
    ['fewer keys than rows have', mixed, [14, 4], 3, sizesOf(4, 3, 1)],
  ] as const)('match the float64 reference on %s', async (_, groups, listed, keys, sizes) => {
    const { rows, spans, visible } = packedAttention(groups);
    const qkv = seeded(rows * (sizes.heads + 2 * sizes.kvHeads) * sizes.headDim, 1);
    const want = attentionWeightsReference(qkv, listed, visible, sizes, keys);
    expectClose(await weightsOf(spans, listed, keys, sizes, qkv), want, tolerance);
  });

  test('are 0 before a window', async () => {
    const sizes = sizesOf(4, 4, 2);
    const [{ rows, spans, visible: all }, { visible }] = [undefined, 4].map((window) =>
      packedAttention(mixed, window),
    );
    const qkv = seeded(rows * 8 * 4, 1);
    const listed = [4, 6, 14, 19];
    const inWindow = attentionWeightsReference(qkv, listed, visible, sizes, 12);
    // A row's keys stand in the places that they have without a window.
    const want = inWindow.map((_, i) => {
      const a = Math.floor(i / 12) % listed.length;
      const hidden = all[listed[a]].length - visible[listed[a]].length;
      return i % 12 < hidden ? 0 : inWindow[i - hidden];
    });
    expectClose(await weightsOf(spans, listed, 12, sizes, qkv, { window: 4 }), want, tolerance);
  });

  test('are the softmax of the scores of prefix and own rows, by hand', async () => {
    // One head of 4. Row 2 reads the prefix, row 0, and its own segment, rows 1 and 2. Its query is
    // (1, 0, 0, 0); at scale 2 the keys' first entries give scores 0, ln 2 and ln 5.
    const own = [1, 4, 0, 1, 0, 0];
    const spans = Uint32Array.from([0, 1, 0, 0, 1, 4, ...own, ...own, ...own]);
    const row = (query: number, key: number) => [query, 0, 0, 0, key, 9, 9, 9, 0, 0, 0, 0];
    const qkv = [
      ...row(0, 0),
      ...row(0, Math.log(2) / 2),
      ...row(1, Math.log(5) / 2),
      ...row(0, 50),
    ];
    const sizes = { heads: 1, kvHeads: 1, headDim: 4, scale: 2 };
    const got = await weightsOf(spans, [2, 0], 4, sizes, qkv);
    // Nothing is seen of row 3, which comes later; row 0 sees itself.
    expectClose(got, [1 / 8, 2 / 8, 5 / 8, 0, 1, 0, 0, 0], { abs: 1e-6 });
  });

  test('of each row and head sum to 1, folded over two dimensions', async () => {
    const sizes = sizesOf(4, 4, 2);
    const { rows, spans } = packedAttention([{ prompt: 20, responses: [30] }]);
    const qkv = seeded(rows * 8 * 4, 3);
    const listed = Array.from({ length: 31 }, (_, i) => 19 + i);
    const got = await weightsOf(spans, listed, 50, sizes, qkv, { fold: true });
    for (let first = 0; first < got.length; first += 50) {
      const sum = got.subarray(first, first + 50).reduce((total, weight) => total + weight, 0);
      expect(Math.abs(sum - 1)).toBeLessThan(1e-5);
    }
  });

  test('refuses heads and rows that do not fit together', () => {
    const sizes = sizesOf(4, 4, 2);
    const tensors = {
      spans: tensorOf(gpu, 'spans', new Uint32Array(36), [6, 6]),
      action_rows: tensorOf(gpu, 'rows', [5], [1], 'u32'),
      qkv: tensorOf(gpu, 'qkv', new Float32Array(6 * 32), [6, 32]),
      lse: tensorOf(gpu, 'lse', new Float32Array(24), [6, 4]),
      weights: tensorOf(gpu, 'weights', new Float32Array(24), [4, 6]),
    };
    const bind = (change: object, other: object = {}) =>
      attentionWeights({ ...tensors, ...change }, { ...sizes, ...other });
    expect(() => bind({})).not.toThrow();
    expect(() => bind({}, { headDim: 6 })).toThrow('attention-weights: head dim 6 is not 4 * n');
    expect(() => bind({}, { kvHeads: 4 })).toThrow(
      "attention-weights: qkv must be (6, 48), got (6, 32) from 'qkv'",
    );
    expect(() => bind({ weights: { ...tensors.weights, shape: [6, 4] } })).toThrow(
      'attention-weights: 6 rows of weights do not divide over 4 heads',
    );
    expect(() => bind({ weights: { ...tensors.weights, shape: [8, 3] } })).toThrow(
      'actions may reach 2, past the 1 held',
    );
    expect(() => bind({ action_rows: { ...tensors.action_rows, dtype: 'i32' } })).toThrow(
      'action_rows must be u32',
    );
  });
});
