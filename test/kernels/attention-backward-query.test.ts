import { beforeEach, describe, expect, test } from 'vitest';
import {
  attentionBackwardQuery,
  attentionBackwardQueryFamily,
} from '../../kernels/attention-backward-query.ts';
import { Variable } from '../../kernels/lib/variable.ts';
import { notHere } from '../support/variants.ts';
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
  const forward = attentionForwardReference(qkv, visible, sizes);
  const tensors = {
    spans: tensorOf(gpu, 'spans', spans, [rows, 6]),
    qkv: tensorOf(gpu, 'qkv', qkv, [rows, width]),
    out: tensorOf(gpu, 'out', Float32Array.from(forward.out), [rows, outWidth]),
    lse: tensorOf(gpu, 'lse', Float32Array.from(forward.lse), [rows, sizes.heads]),
    dout: tensorOf(gpu, 'dout', dout, [rows, outWidth]),
    delta: tensorOf(gpu, 'delta', marked(rows * sizes.heads), [rows, sizes.heads]),
    dqkv: tensorOf(gpu, 'dqkv', marked(rows * width), [rows, width]),
  };
  return { tensors, rows, width, outWidth, qkv, dout, visible };
}

/** The query columns of fused rows, and the others. */
function columns(dqkv: Float32Array, width: number, outWidth: number) {
  return {
    queries: dqkv.filter((_, i) => i % width < outWidth),
    others: dqkv.filter((_, i) => i % width >= outWidth),
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
const tolerance = { abs: 1e-5, rel: 4e-6 };

describe.each(attentionBackwardQueryFamily.ids)(
  'attention-backward-query, variant %s',
  (variant) => {
    beforeEach(({ skip }) => {
      skip(...notHere(gpu, attentionBackwardQueryFamily, variant));
    });

    test.each([
      ['a single row', [{ prompt: 1, responses: [] }], sizesOf(4, 1, 1)],
      ['one long segment', [{ prompt: 130, responses: [] }], sizesOf(4, 2, 2)],
      ['shared prompts', mixed, sizesOf(tested(variant), 4, 2)],
      ['rows of several workgroups', several, sizesOf(4, 2, 1)],
      ['shared prompts', ...widest(variant)],
    ])('matches the float64 reference on %s, %j, %o', async (_, groups, sizes) => {
      const { tensors, rows, width, outWidth, qkv, dout, visible } = prepare(groups, sizes);
      await run(gpu, [attentionBackwardQuery(tensors, { rows, ...sizes, variant })]);
      const want = attentionBackwardQueryReference(qkv, dout, visible, sizes);
      const got = columns(await gpu.read(tensors.dqkv, 'f32'), width, outWidth);
      expectClose(got.queries, want.dq, tolerance);
      expectUntouched(got.others, 0);
      expectClose(await gpu.read(tensors.delta, 'f32'), want.delta, tolerance);
    });

    test.each(windowsOf(variant))('takes nothing of keys before a window of %i', async (window) => {
      const sizes = sizesOf(4, 2, 1);
      const { tensors, rows, width, outWidth, qkv, dout, visible } = prepare(
        several,
        sizes,
        window,
      );
      await run(gpu, [attentionBackwardQuery(tensors, { rows, ...sizes, variant, window })]);
      const want = attentionBackwardQueryReference(qkv, dout, visible, sizes);
      const got = columns(await gpu.read(tensors.dqkv, 'f32'), width, outWidth);
      expectClose(got.queries, want.dq, tolerance);
      expectClose(await gpu.read(tensors.delta, 'f32'), want.delta, tolerance);
    });

    test.each(variant === 'tiles' ? [undefined] : [undefined, 3])(
      'matches finite differences of the forward reference, window %s',
      async (window) => {
        const sizes = sizesOf(4, 2, 1);
        const groups = [{ prompt: 3, responses: [2, 4] }];
        const { tensors, rows, width, outWidth, qkv, dout, visible } = prepare(
          groups,
          sizes,
          window,
        );
        await run(gpu, [attentionBackwardQuery(tensors, { rows, ...sizes, variant, window })]);
        const loss = (at: Float64Array) =>
          inner(dout, attentionForwardReference(at, visible, sizes).out);
        const want = slopes(loss, qkv).filter((_, i) => i % width < outWidth);
        const got = columns(await gpu.read(tensors.dqkv, 'f32'), width, outWidth);
        expectClose(got.queries, want, tolerance);
      },
    );

    test('turns the query towards the keys whose values the loss wants more of, by hand', async () => {
      // Two rows, one head. Row 1 weighs rows 0 and 1 by half each; the loss's slopes along their
      // values are 1 and 5, hence delta 3 and ds = 1/2 (1 - 3), 1/2 (5 - 3).
      const sizes: AttentionCase = { heads: 1, kvHeads: 1, headDim: 4, scale: 10 };
      const { tensors } = prepare([{ prompt: 2, responses: [] }], sizes);
      const qkv = [0, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 5, 0, 0, 0];
      gpu.upload(tensors.qkv, Float32Array.from(qkv));
      gpu.upload(tensors.out, Float32Array.of(1, 0, 0, 0, 3, 0, 0, 0));
      gpu.upload(tensors.lse, Float32Array.of(0, Math.log(2)));
      gpu.upload(tensors.dout, Float32Array.of(1, 0, 0, 0, 1, 0, 0, 0));
      await run(gpu, [attentionBackwardQuery(tensors, { rows: 2, ...sizes, variant })]);
      // dq of row 1 = 10 * (-1 * key 0 + 1 * key 1); row 0 sees one key only: nothing to turn to.
      const got = columns(await gpu.read(tensors.dqkv, 'f32'), 12, 4);
      expectClose(got.queries, [0, 0, 0, 0, -10, 10, 0, 0], { abs: 1e-5 });
      expectClose(await gpu.read(tensors.delta, 'f32'), [1, 3], { abs: 0 });
    });

    test('is causal to the bit: a gradient moves only the query of its own row', async () => {
      const sizes = sizesOf(tested(variant), 4, 2);
      const { tensors, rows, width, outWidth, dout } = prepare(mixed, sizes);
      const compute = async (): Promise<Float32Array> => {
        await run(gpu, [attentionBackwardQuery(tensors, { rows, ...sizes, variant })]);
        return columns(await gpu.read(tensors.dqkv, 'f32'), width, outWidth).queries;
      };
      const base = await compute();
      const moved = 10;
      const isMoved = (i: number): boolean => Math.floor(i / outWidth) === moved;
      gpu.upload(
        tensors.dout,
        dout.map((d, i) => (isMoved(i) ? 2 * d + 1 : d)),
      );
      const got = await compute();
      expect(got.filter((_, i) => !isMoved(i))).toEqual(base.filter((_, i) => !isMoved(i)));
      expect(got.filter((_, i) => isMoved(i))).not.toEqual(base.filter((_, i) => isMoved(i)));
    });

    test('leaves rows past the rows in use alone, folded over two dimensions', async () => {
      const sizes = sizesOf(4, 2, 2);
      const groups = [{ prompt: 9, responses: [80, 41] }];
      const { tensors, width, outWidth, qkv, dout, visible } = prepare(groups, sizes);
      const rows = new Variable('rows', 89, 130);
      await run(gpu, [folded(attentionBackwardQuery(tensors, { ...sizes, rows, variant }))]);
      const want = attentionBackwardQueryReference(qkv, dout, visible, sizes);
      const dqkv = await gpu.read(tensors.dqkv, 'f32');
      const { queries } = columns(dqkv, width, outWidth);
      const delta = await gpu.read(tensors.delta, 'f32');
      expectClose(queries.subarray(0, 89 * 8), want.dq.subarray(0, 89 * 8), tolerance);
      expectUntouched(dqkv, 89 * width);
      expectClose(delta.subarray(0, 89 * 2), want.delta.subarray(0, 89 * 2), tolerance);
      expectUntouched(delta, 89 * 2);
    });

    test('refuses head sizes, heads and tensors that do not fit together', () => {
      const sizes = sizesOf(4, 4, 2);
      const { tensors } = prepare([{ prompt: 6, responses: [] }], sizes);
      const bind = (change: object, other: object = {}) =>
        attentionBackwardQuery({ ...tensors, ...change }, { rows: 6, ...sizes, variant, ...other });
      const turned = (role: 'out' | 'dout' | 'delta' | 'dqkv', ...shape: number[]) => ({
        [role]: { ...tensors[role], shape },
      });
      expect(() => bind({})).not.toThrow();
      expect(() => bind({}, { rows: 7 })).toThrow('rows may reach 7, past the 6 held');
      expect(() => bind({}, { headDim: 6 })).toThrow('head dim 6 is not 4 * n');
      expect(() => bind({}, { kvHeads: 3 })).toThrow('4 heads do not divide over 3 kv heads');
      expect(() => bind(turned('out', 12, 8))).toThrow('out must be (6, 16)');
      expect(() => bind(turned('dout', 12, 8))).toThrow(
        "attention-backward-query: dout must be (6, 16), got (12, 8) from 'dout'",
      );
      expect(() => bind(turned('delta', 24))).toThrow('delta must be (6, 4)');
      expect(() => bind(turned('dqkv', 12, 16))).toThrow('dqkv must be (6, 32)');
    });
  },
);
