import { describe, expect, test } from 'vitest';
import { attentionDecodeMix } from '../../kernels/attention-decode-mix.ts';
import { attentionDecodeMixReference } from '../reference/attention-decode-mix.ts';
import { attentionDecodeScoresReference } from '../reference/attention-decode-scores.ts';
import {
  decodeCase,
  decodeRows,
  type DecodeRow,
  type DecodeShape,
} from '../support/decode-case.ts';
import { expectClose, openTestGpu, run, tensorOf } from '../support/gpu.ts';

/** Output of all rows from float64 scores; what the kernel leaves alone stays -7. */
async function mix(shape: DecodeShape, rows: readonly DecodeRow[], scale: number) {
  const gpu = await openTestGpu();
  const given = decodeCase(shape, rows);
  const { heads, kvHeads, headDim, columns, promptRows, fused, cached, keys } = given;
  const capacity = rows.length;
  const scores = new Float32Array(capacity * heads * keys);
  const want = new Float64Array(capacity * heads * headDim);
  for (const [i, row] of rows.entries()) {
    for (let head = 0; head < heads; head++) {
      const own = attentionDecodeScoresReference(given, i, row, head, scale).map(Math.fround);
      scores.set(own, (i * heads + head) * keys);
      const out = attentionDecodeMixReference(given, i, row, head, own);
      want.set(row.finished ? out.fill(-7) : out, (i * heads + head) * headDim);
    }
  }
  const stale = new Float32Array(capacity * heads * headDim).fill(-7);
  const tensors = {
    episodes: tensorOf(gpu, 'episodes', given.episodes, [capacity, 6], 'u32'),
    status: tensorOf(gpu, 'status', given.status, [capacity, 2], 'u32'),
    scores: tensorOf(gpu, 'scores', scores, [capacity, heads, keys]),
    prompt_qkv: tensorOf(gpu, 'prompt_qkv', given.promptQkv, [promptRows, fused]),
    cache: tensorOf(gpu, 'cache', given.cache, [capacity, columns, cached]),
    out: tensorOf(gpu, 'out', stale, [capacity, heads * headDim]),
  };
  await run(gpu, [attentionDecodeMix(tensors, { rows: capacity, heads, kvHeads, headDim, keys })]);
  return { got: await gpu.read(tensors.out), want };
}

describe('attention-decode-mix', () => {
  test.each<[DecodeShape, number]>([
    [{ heads: 1, kvHeads: 1, headDim: 4, columns: 1, promptRows: 1 }, 1],
    [{ heads: 4, kvHeads: 4, headDim: 16, columns: 9, promptRows: 40 }, 37],
    [{ heads: 6, kvHeads: 2, headDim: 24, columns: 5, promptRows: 23 }, 30],
    [{ heads: 4, kvHeads: 1, headDim: 64, columns: 33, promptRows: 100 }, 3],
  ])('matches float64: %o, %i rows', async (shape, count) => {
    // At scale 10 a few keys hold all the weight, and the running maximum moves often.
    for (const scale of [0.2, 10]) {
      const { got, want } = await mix(shape, decodeRows(shape, count), scale);
      expectClose(got, want, { abs: 1e-5 });
    }
  });

  test('leaves finished rows alone', async () => {
    const shape = { heads: 2, kvHeads: 1, headDim: 8, columns: 4, promptRows: 6 };
    const row = { start: 1, prompt: 3, length: 2 };
    const { got, want } = await mix(shape, [row, { ...row, finished: true }], 0.5);
    expectClose(got, want, { abs: 1e-6 });
    expect(got[16]).toBe(-7);
  });

  test('refuses an output of other heads', async () => {
    const gpu = await openTestGpu();
    const f32 = (name: string, shape: number[]) => gpu.tensor(name, shape, 'f32', 'rollout');
    const tensors = {
      episodes: gpu.tensor('episodes', [2, 6], 'u32', 'rollout'),
      status: gpu.tensor('status', [2, 2], 'u32', 'rollout'),
      scores: f32('scores', [2, 2, 8]),
      prompt_qkv: f32('prompt_qkv', [5, 24]),
      cache: f32('cache', [2, 3, 16]),
      out: f32('out', [2, 12]),
    };
    const options = { rows: 2, heads: 2, kvHeads: 2, headDim: 4, keys: 8 };
    expect(() => attentionDecodeMix(tensors, options)).toThrow(
      "attention-decode-mix: out must be (2, 8), got (2, 12) from 'out'",
    );
  });
});
