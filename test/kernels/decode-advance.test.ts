import { describe, expect, test } from 'vitest';
import { decodeAdvance } from '../../kernels/decode-advance.ts';
import { decodeAdvanceReference } from '../reference/decode-advance.ts';
import { openTestGpu, run, tensorOf } from '../support/gpu.ts';

describe('decode-advance', () => {
  test.each([
    [1, 1],
    [67, 67],
    [200, 131],
  ])('sets positions: capacity %i, %i rows', async (capacity, rows) => {
    const gpu = await openTestGpu();
    const prompts = Array.from({ length: capacity }, (_, row) => 1 + ((row * 7) % 13));
    const lengths = prompts.map((_, row) => 1 + ((row * 5) % 11));
    const tensors = {
      episodes: tensorOf(
        gpu,
        'episodes',
        prompts.flatMap((prompt, row) => [9, row, 3, 100, prompt, 50]),
        [capacity, 6],
        'u32',
      ),
      status: tensorOf(
        gpu,
        'status',
        lengths.flatMap((length, row) => [length, row % 3]),
        [capacity, 2],
        'u32',
      ),
      positions: tensorOf(gpu, 'positions', new Uint32Array(capacity).fill(77)),
    };
    const step = decodeAdvance(tensors, { rows });
    await run(gpu, [step]);
    const want = decodeAdvanceReference(prompts, lengths).fill(77, rows);
    expect([...(await gpu.read(tensors.positions, 'u32'))]).toEqual(want);
  });

  test('refuses episodes of other rows', async () => {
    const gpu = await openTestGpu();
    const u32 = (name: string, shape: number[]) => gpu.tensor(name, shape, 'u32', 'rollout');
    const tensors = {
      episodes: u32('episodes', [3, 6]),
      status: u32('status', [2, 2]),
      positions: u32('positions', [2]),
    };
    expect(() => decodeAdvance(tensors, { rows: 2 })).toThrow(
      "decode-advance: episodes must be (2, 6), got (3, 6) from 'episodes'",
    );
  });
});
