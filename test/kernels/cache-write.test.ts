import { describe, expect, test } from 'vitest';
import { cacheWrite } from '../../kernels/cache-write.ts';
import { cacheWriteReference } from '../reference/cache-write.ts';
import { openTestGpu, run, seeded, tensorOf } from '../support/gpu.ts';

describe('cache-write', () => {
  test.each([
    [1, 1, 1, 8, 4],
    [9, 5, 7, 24, 16],
    [300, 300, 4, 96, 48],
  ])(
    'writes one slot of each running row: capacity %i, %i rows, %i slots, %i wide, %i cached',
    async (capacity, rows, slots, fused, columns) => {
      const gpu = await openTestGpu();
      const size = capacity * slots * columns;
      const old = seeded(size, 1);
      const qkv = seeded(capacity * fused, 2);
      // Lengths from 0 to full; every fourth row has finished.
      const status = Array.from({ length: capacity }, (_, row) => [
        (row + 1) % (slots + 1),
        row % 4 === 3 ? 1 : 0,
      ]).flat();
      const tensors = {
        status: tensorOf(gpu, 'status', status, [capacity, 2], 'u32'),
        qkv: tensorOf(gpu, 'qkv', qkv, [capacity, fused]),
        cache: tensorOf(gpu, 'cache', old, [capacity, slots, columns]),
      };
      await run(gpu, [cacheWrite(tensors, { rows, cacheColumns: columns })]);
      const want = cacheWriteReference(old, qkv, status, { rows, slots, columns });
      expect(await gpu.read(tensors.cache)).toEqual(Float32Array.from(want));
      expect(Float32Array.from(want)).not.toEqual(old);
    },
  );

  test('refuses a cache that is no part of the fused row', async () => {
    const gpu = await openTestGpu();
    const tensors = {
      status: gpu.tensor('status', [2, 2], 'u32', 'rollout'),
      qkv: gpu.tensor('qkv', [2, 8], 'f32', 'rollout'),
      cache: gpu.tensor('cache', [2, 3, 8], 'f32', 'rollout'),
    };
    expect(() => cacheWrite(tensors, { rows: 2, cacheColumns: 8 })).toThrow(
      'cache-write: 8 of 8 columns',
    );
    expect(() => cacheWrite(tensors, { rows: 2, cacheColumns: 4 })).toThrow(
      "cache-write: cache must be (2, 3, 4), got (2, 3, 8) from 'cache'",
    );
  });
});
