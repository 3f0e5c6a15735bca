import { describe, expect, test } from 'vitest';
import { decodeMoveCache } from '../../kernels/decode-move-cache.ts';
import { decodeMoveCacheReference } from '../reference/decode-move-cache.ts';
import { openTestGpu, run, tensorOf } from '../support/gpu.ts';

describe('decode-move-cache', () => {
  test.each([
    [4, 8, 'f32'],
    [9, 40, 'f32'],
    [9, 40, 'f16'],
  ] as const)(
    'moves what was written of the moved rows: %i slots of %i, %s',
    async (slots, width, dtype) => {
      const gpu = await openTestGpu();
      // Rows 1 and 3 came from 7 and 5; behind the four running rows, what partner says is void.
      const partner = [0, 7, 2, 5, 7, 5, 1, 3, 99];
      const running = partner.map((_, row) => row < 4);
      const lengths = [1, slots, 2, 3, 4, 4, 1, 2, 3];
      const capacity = partner.length;
      const data = Array.from({ length: capacity }, (_row, row) =>
        Array.from({ length: slots }, (_slot, t) =>
          Array.from({ length: width }, (_column, c) => row * 1000 + t * 100 + c),
        ),
      );
      // As halves, the numbers are bits.
      const cache = gpu.tensor('cache', [capacity, slots, width], dtype, 'kv-cache');
      const numbers = dtype === 'f16' ? Uint16Array : Float32Array;
      gpu.upload(cache, numbers.from(data.flat(2)));
      const status = lengths.flatMap((length, row) => [length, running[row] ? 0 : 1]);
      const step = decodeMoveCache(
        {
          status: tensorOf(gpu, 'status', status, [capacity, 2], 'u32'),
          partner: tensorOf(gpu, 'partner', partner, [capacity], 'u32'),
          cache,
        },
        { rows: capacity - 1 },
      );
      await run(gpu, [step]);
      const want = decodeMoveCacheReference(data, lengths, running, partner);
      expect([...(await gpu.read(cache))]).toEqual(want.flat(2));
    },
  );

  test('refuses a cache that is no whole vec4s', async () => {
    const gpu = await openTestGpu();
    const tensors = {
      status: gpu.tensor('status', [2, 2], 'u32', 'rollout'),
      partner: gpu.tensor('partner', [2], 'u32', 'rollout'),
      cache: gpu.tensor('cache', [2, 3, 6], 'f32', 'rollout'),
    };
    expect(() => decodeMoveCache(tensors, { rows: 2 })).toThrow(
      'decode-move-cache: cache must be (R, T, 4 n), got (2, 3, 6)',
    );
    const cache = gpu.tensor('cache', [2, 3, 12], 'f16', 'rollout');
    expect(() => decodeMoveCache({ ...tensors, cache }, { rows: 2 })).toThrow('(R, T, 8 n)');
  });
});
