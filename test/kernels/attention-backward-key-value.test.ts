import { beforeEach, describe, expect, test } from 'vitest';
import {
  attentionBackwardKeyValue,
  attentionBackwardKeyValueFamily,
} from '../../kernels/attention-backward-key-value.ts';
import { Variable } from '../../kernels/lib/variable.ts';
import { notHere } from '../support/variants.ts';
import { attentionBackwardKeyValueReference } from '../reference/attention-backward-key-value.ts';
import { attentionBackwardQueryReference } from '../reference/attention-backward-query.ts';
import { attentionForwardReference, type AttentionCase } from '../reference/attention-forward.ts';
import { folded } from '../support/folded.ts';
import { expectClose, openTestGpu, run, seeded, tensorOf } from '../support/gpu.ts';
import { expectUntouched, marked } from '../support/marked.ts';
import { packedAttention, type GroupRows, windowsOf } from '../support/packed-attention.ts';
import { inner, slopes } from '../support/slopes.ts';

const gpu = await openTestGpu();

const sizesOf = (headDim: number, heads: number, kvHeads: number): AttentionCase => ({
  headDim,
  heads,
  kvHeads,
  scale: 1 / Math.sqrt(headDim),
});

function prepare(groups: readonly GroupRows[], sizes: AttentionCase, window?: number) {
  const { rows, spans, visible } = packedAttention(groups, window);
  const width = (sizes.heads + 2 * sizes.kvHeads) * sizes.headDim;
  const outWidth = sizes.heads * sizes.headDim;
  const qkv = seeded(rows * width, 1);
  const dout = seeded(rows * outWidth, 2);
  const { lse } = attentionForwardReference(qkv, visible, sizes);
  const { delta } = attentionBackwardQueryReference(qkv, dout, visible, sizes);
  const tensors = {
    spans: tensorOf(gpu, 'spans', spans, [rows, 6]),
    qkv: tensorOf(gpu, 'qkv', qkv, [rows, width]),
    lse: tensorOf(gpu, 'lse', Float32Array.from(lse), [rows, sizes.heads]),
    delta: tensorOf(gpu, 'delta', Float32Array.from(delta), [rows, sizes.heads]),
    dout: tensorOf(gpu, 'dout', dout, [rows, outWidth]),
    dqkv: tensorOf(gpu, 'dqkv', marked(rows * width), [rows, width]),
  };
  return { tensors, rows, width, qkv, dout, visible };
}

/** Query, key and value columns of fused rows. */
function columns(dqkv: ArrayLike<number>, { heads, kvHeads, headDim }: AttentionCase) {
  const width = (heads + 2 * kvHeads) * headDim;
  const between = (first: number, last: number) =>
    Float32Array.from(dqkv).filter(
      (_, i) => i % width >= first * headDim && i % width < last * headDim,
    );
  return {
    dq: between(0, heads),
    dk: between(heads, heads + kvHeads),
    dv: between(heads + kvHeads, heads + 2 * kvHeads),
  };
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

// Each weight is good to 1e-6 of itself (exp: 3 + 2 |x| ulp); up to 130 terms of size 3 are summed.
const tolerance = { abs: 2e-5, rel: 4e-6 };

describe.each(attentionBackwardKeyValueFamily.ids)(
  'attention-backward-key-value, variant %s',
  (variant) => {
    beforeEach(({ skip }) => {
      skip(...notHere(gpu, attentionBackwardKeyValueFamily, variant));
    });

    test.each([
      ['a single row', [{ prompt: 1, responses: [] }], sizesOf(4, 1, 1)],
      ['one long segment', [{ prompt: 130, responses: [] }], sizesOf(4, 2, 2)],
      ['shared prompts', mixed, sizesOf(tested(variant), 4, 2)],
      ['rows of several workgroups', several, sizesOf(4, 2, 1)],
      ['shared prompts', ...widest(variant)],
    ])('matches the float64 reference on %s, %j, %o', async (_, groups, sizes) => {
      const { tensors, rows, qkv, dout, visible } = prepare(groups, sizes);
      await run(gpu, [attentionBackwardKeyValue(tensors, { rows, ...sizes, variant })]);
      const want = attentionBackwardKeyValueReference(qkv, dout, visible, sizes);
      const got = columns(await gpu.read(tensors.dqkv, 'f32'), sizes);
      expectClose(got.dk, want.dk, tolerance);
      expectClose(got.dv, want.dv, tolerance);
      expectUntouched(got.dq, 0);
    });

    test.each(windowsOf(variant))('gives nothing to keys before a window of %i', async (window) => {
      const sizes = sizesOf(4, 2, 1);
      const { tensors, rows, qkv, dout, visible } = prepare(several, sizes, window);
      await run(gpu, [attentionBackwardKeyValue(tensors, { rows, ...sizes, variant, window })]);
      const want = attentionBackwardKeyValueReference(qkv, dout, visible, sizes);
      const got = columns(await gpu.read(tensors.dqkv, 'f32'), sizes);
      expectClose(got.dk, want.dk, tolerance);
      expectClose(got.dv, want.dv, tolerance);
    });

    test.each(variant === 'tiles' ? [undefined] : [undefined, 3])(
      'matches finite differences of the forward reference, window %s',
      async (window) => {
        const sizes = sizesOf(4, 2, 1);
        const { tensors, rows, qkv, dout, visible } = prepare(
          [{ prompt: 3, responses: [2, 4] }],
          sizes,
          window,
        );
        await run(gpu, [attentionBackwardKeyValue(tensors, { rows, ...sizes, variant, window })]);
        const loss = (at: Float64Array) =>
          inner(dout, attentionForwardReference(at, visible, sizes).out);
        const want = columns(slopes(loss, qkv), sizes);
        const got = columns(await gpu.read(tensors.dqkv, 'f32'), sizes);
        expectClose(got.dk, want.dk, tolerance);
        expectClose(got.dv, want.dv, tolerance);
      },
    );

    test('sums over the queries that see a key, of its own segment and of its suffix, by hand', async () => {
      // A prompt row and two samples of one row each; all scores 0, so weights are 1 for the prompt
      // row itself and 1/2 where a sample sees prompt and self. Two query heads share the key-value head.
      const sizes: AttentionCase = { heads: 2, kvHeads: 1, headDim: 4, scale: 2 };
      const { tensors } = prepare([{ prompt: 1, responses: [1, 1] }], sizes);
      const row = (query: number, value: number) => [
        ...[query, 0, 0, 0, 0, 0, 0, 0],
        ...[0, 0, 0, 0],
        ...[value, 0, 0, 0],
      ];
      gpu.upload(tensors.qkv, Float32Array.from([...row(1, 4), ...row(10, 0), ...row(100, 8)]));
      gpu.upload(tensors.lse, Float32Array.of(0, 0, ...[1, 1, 1, 1].map(() => Math.log(2))));
      const first = (one: number, other: number) => [one, 0, 0, 0, other, 0, 0, 0];
      gpu.upload(
        tensors.dout,
        Float32Array.from([...first(1, 2), ...first(4, 8), ...first(16, 32)]),
      );
      // delta = dout * out: out is 4 for the prompt, (4 + 0) / 2 and (4 + 8) / 2 for the samples.
      gpu.upload(tensors.delta, Float32Array.of(4, 8, 8, 16, 96, 192));
      await run(gpu, [attentionBackwardKeyValue(tensors, { rows: 3, ...sizes, variant })]);
      const got = columns(await gpu.read(tensors.dqkv, 'f32'), sizes);
      // dv: 1 + 2 + (4 + 8 + 16 + 32) / 2 for the prompt, (4 + 8) / 2 and (16 + 32) / 2 for the samples.
      expectClose(got.dv, [33, 0, 0, 0, 6, 0, 0, 0, 24, 0, 0, 0], { abs: 1e-4 });
      // dk = 2 * sum of p (dout v - delta) q; only the first head's queries are not zero.
      // Prompt: 2 * [1 * 0 * 1 + (4 * 4 - 8) / 2 * 10 + (16 * 4 - 96) / 2 * 100]
      // Samples: 2 * (0 - 8) / 2 * 10 and 2 * (16 * 8 - 96) / 2 * 100
      expectClose(got.dk, [-3120, 0, 0, 0, -80, 0, 0, 0, 3200, 0, 0, 0], { abs: 1e-2 });
    });

    test('is causal to the bit: a gradient reaches only the keys that its row sees', async () => {
      const sizes = sizesOf(tested(variant), 4, 2);
      const { tensors, rows, dout, visible } = prepare(mixed, sizes);
      const outWidth = sizes.heads * sizes.headDim;
      const compute = async () => {
        await run(gpu, [attentionBackwardKeyValue(tensors, { rows, ...sizes, variant })]);
        return columns(await gpu.read(tensors.dqkv, 'f32'), sizes);
      };
      const base = await compute();
      const kvWidth = sizes.kvHeads * sizes.headDim;
      const rowOf = (all: Float32Array, row: number) =>
        [...all.subarray(row * kvWidth, (row + 1) * kvWidth)].join();
      for (const moved of [2, 10, 17]) {
        gpu.upload(
          tensors.dout,
          dout.map((d, i) => (Math.floor(i / outWidth) === moved ? 2 * d + 1 : d)),
        );
        const got = await compute();
        const reached = visible.flatMap((_, row) =>
          rowOf(got.dk, row) === rowOf(base.dk, row) && rowOf(got.dv, row) === rowOf(base.dv, row)
            ? []
            : [row],
        );
        expect(reached).toEqual(visible[moved]);
      }
    });

    test('leaves queries and rows past the rows in use alone, folded over two dimensions', async () => {
      const sizes = sizesOf(4, 2, 2);
      const groups = [
        { prompt: 49, responses: [] },
        { prompt: 31, responses: [] },
      ];
      const { tensors, width, qkv, dout, visible } = prepare(groups, sizes);
      const rows = new Variable('rows', 49, 80);
      await run(gpu, [folded(attentionBackwardKeyValue(tensors, { ...sizes, rows, variant }))]);
      const want = attentionBackwardKeyValueReference(qkv, dout, visible, sizes);
      const dqkv = await gpu.read(tensors.dqkv, 'f32');
      const got = columns(dqkv, sizes);
      expectClose(got.dk.subarray(0, 49 * 8), want.dk.subarray(0, 49 * 8), tolerance);
      expectClose(got.dv.subarray(0, 49 * 8), want.dv.subarray(0, 49 * 8), tolerance);
      expectUntouched(dqkv, 49 * width);
      expectUntouched(got.dq, 0);
    });

    test('refuses head sizes, heads and tensors that do not fit together', () => {
      const sizes = sizesOf(4, 4, 2);
      const { tensors } = prepare([{ prompt: 6, responses: [] }], sizes);
      const bind = (change: object, other: object = {}) =>
        attentionBackwardKeyValue(
          { ...tensors, ...change },
          { rows: 6, ...sizes, variant, ...other },
        );
      const turned = (role: 'dout' | 'delta' | 'dqkv', ...shape: number[]) => ({
        [role]: { ...tensors[role], shape },
      });
      expect(() => bind({})).not.toThrow();
      expect(() => bind({}, { rows: 7 })).toThrow('rows may reach 7, past the 6 held');
      expect(() => bind({}, { headDim: 6 })).toThrow('head dim 6 is not 4 * n');
      expect(() => bind({}, { kvHeads: 3 })).toThrow('4 heads do not divide over 3 kv heads');
      expect(() => bind(turned('dout', 12, 8))).toThrow(
        "attention-backward-key-value: dout must be (6, 16), got (12, 8) from 'dout'",
      );
      expect(() => bind(turned('delta', 24))).toThrow('delta must be (6, 4)');
      expect(() => bind(turned('dqkv', 12, 16))).toThrow('dqkv must be (6, 32)');
    });
  },
);
