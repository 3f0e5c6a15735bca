import { describe, expect, test } from 'vitest';
import { attentionDecodeScores } from '../../kernels/attention-decode-scores.ts';
import { attentionDecodeScoresReference } from '../reference/attention-decode-scores.ts';
import {
  decodeCase,
  decodeRows,
  type DecodeRow,
  type DecodeShape,
} from '../support/decode-case.ts';
import { expectClose, openTestGpu, run, tensorOf } from '../support/gpu.ts';

/** Scores of all rows; what the kernel leaves alone stays -7. */
async function scoresOf(shape: DecodeShape, rows: readonly DecodeRow[], scale: number, split = 1) {
  const gpu = await openTestGpu();
  const given = decodeCase(shape, rows);
  const { heads, kvHeads, headDim, columns, promptRows, fused, cached, keys } = given;
  const capacity = rows.length;
  const stale = new Float32Array(capacity * heads * keys).fill(-7);
  const tensors = {
    episodes: tensorOf(gpu, 'episodes', given.episodes, [capacity, 6], 'u32'),
    status: tensorOf(gpu, 'status', given.status, [capacity, 2], 'u32'),
    qkv: tensorOf(gpu, 'qkv', given.qkv, [capacity, fused]),
    prompt_qkv: tensorOf(gpu, 'prompt_qkv', given.promptQkv, [promptRows, fused]),
    cache: tensorOf(gpu, 'cache', given.cache, [capacity, columns, cached]),
    scores: tensorOf(gpu, 'scores', stale, [capacity, heads, keys]),
  };
  const options = { rows: capacity, heads, kvHeads, headDim, keys, scale, split };
  await run(gpu, [attentionDecodeScores(tensors, options)]);
  const all = await gpu.read(tensors.scores);
  return {
    given,
    scores: (row: number, head: number) =>
      all.subarray((row * heads + head) * keys, (row * heads + head + 1) * keys),
  };
}

describe('attention-decode-scores', () => {
  test.each<[DecodeShape, number]>([
    [{ heads: 1, kvHeads: 1, headDim: 4, columns: 1, promptRows: 1 }, 1],
    [{ heads: 4, kvHeads: 4, headDim: 16, columns: 9, promptRows: 40 }, 37],
    [{ heads: 6, kvHeads: 2, headDim: 24, columns: 5, promptRows: 23 }, 30],
    [{ heads: 4, kvHeads: 1, headDim: 64, columns: 33, promptRows: 100 }, 3],
  ])('matches float64: %o, %i rows', async (shape, count) => {
    const rows = decodeRows(shape, count);
    for (const split of [1, 7, 32]) {
      const { given, scores } = await scoresOf(shape, rows, 0.3, split);
      for (const [i, row] of rows.entries()) {
        for (let head = 0; head < shape.heads; head++) {
          const want = attentionDecodeScoresReference(given, i, row, head, 0.3);
          const got = scores(i, head);
          expectClose(got.subarray(0, want.length), want, { abs: 1e-5, rel: 1e-6 });
          expect(got.subarray(want.length).every((score) => score === -7)).toBe(true);
        }
      }
    }
  });

  test('leaves finished rows alone', async () => {
    const shape = { heads: 2, kvHeads: 1, headDim: 8, columns: 4, promptRows: 6 };
    const row = { start: 0, prompt: 3, length: 2 };
    const { scores } = await scoresOf(shape, [row, { ...row, finished: true }], 1);
    expect(scores(0, 1)[4]).not.toBe(-7);
    expect([...scores(1, 0), ...scores(1, 1)].every((score) => score === -7)).toBe(true);
  });

  test('refuses heads that do not divide, odd head sizes and other rows', async () => {
    const gpu = await openTestGpu();
    const f32 = (name: string, shape: number[]) => gpu.tensor(name, shape, 'f32', 'rollout');
    const tensors = {
      episodes: gpu.tensor('episodes', [2, 6], 'u32', 'rollout'),
      status: gpu.tensor('status', [2, 2], 'u32', 'rollout'),
      qkv: f32('qkv', [3, 24]),
      prompt_qkv: f32('prompt_qkv', [5, 24]),
      cache: f32('cache', [2, 3, 16]),
      scores: f32('scores', [2, 2, 8]),
    };
    const options = { rows: 2, heads: 2, kvHeads: 2, headDim: 4, keys: 8, scale: 0.5, split: 1 };
    const refused = (change: Partial<typeof options>) =>
      expect(() => attentionDecodeScores(tensors, { ...options, ...change }));
    refused({ heads: 3 }).toThrow('attention-decode-scores: 3 heads do not divide over 2 kv heads');
    refused({ headDim: 6 }).toThrow('attention-decode-scores: head dim 6 is not 4 * n');
    refused({}).toThrow("attention-decode-scores: qkv must be (2, 24), got (3, 24) from 'qkv'");
    refused({ keys: 9 }).toThrow(
      "attention-decode-scores: scores must be (2, 2, 9), got (2, 2, 8) from 'scores'",
    );
  });
});
