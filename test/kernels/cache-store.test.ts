import { describe, expect, test } from 'vitest';
import { cacheStore } from '../../kernels/cache-store.ts';
import { parallelLanes, serialLanes } from '../../kernels/lib/lanes.ts';
import { Variable } from '../../kernels/lib/variable.ts';
import { float32OfHalves } from '../../src/formats/half.ts';
import { cacheStoreReference } from '../reference/cache-store.ts';
import { folded } from '../support/folded.ts';
import { openTestGpu, run, seeded, tensorOf } from '../support/gpu.ts';

const shapes = [
  { heads: 1, kvHeads: 1, headDim: 4, rows: 1, first: 0, held: 1 },
  { heads: 3, kvHeads: 1, headDim: 12, rows: 67, first: 5, held: 80 },
  { heads: 4, kvHeads: 2, headDim: 16, rows: 130, first: 31, held: 161 },
] as const;

describe.each([
  ['one thread', serialLanes],
  ['32 threads', parallelLanes],
])('cache-store with %s a row', (_, lanes) => {
  test.each([...shapes])(
    'keeps keys and values of $rows rows, $headDim wide',
    async ({ heads, kvHeads, headDim, rows, first, held }) => {
      const gpu = await openTestGpu();
      const [fused, cached] = [(heads + 2 * kvHeads) * headDim, 2 * kvHeads * headDim];
      const data = seeded(rows * fused, 3, 100);
      const table = Array.from({ length: rows }, (_row, i) => [
        ...data.subarray(i * fused, (i + 1) * fused),
      ]);
      for (const storage of ['f32', 'f16'] as const) {
        const cache = gpu.tensor('cache', [held, cached], storage, 'kv-cache');
        const numbers = storage === 'f16' ? Uint16Array : Float32Array;
        // 1.0 as a half, so that what is left alone reads alike in both.
        const before = storage === 'f16' ? 0x3c00 : 1;
        gpu.upload(cache, new numbers(held * cached).fill(before));
        const qkv = tensorOf(gpu, 'qkv', data, [rows, fused]);
        // One row fewer than the buffer has.
        const used = new Variable('rows', Math.max(1, rows - 1), rows);
        const options = { rows: used, first: new Variable('first', first, held - 1) };
        const shape = { heads, kvHeads, headDim };
        const step = cacheStore({ qkv, cache }, { ...options, ...shape, lanes });
        await run(gpu, [rows > lanes.rows ? folded(step) : step]);
        const want = Array.from({ length: held }, () => new Array<number>(cached).fill(1));
        const kept = cacheStoreReference(table, heads * headDim, storage).slice(0, used.value);
        want.splice(first, kept.length, ...kept);
        const got =
          storage === 'f16'
            ? float32OfHalves(await gpu.read(cache, 'f16'))
            : await gpu.read(cache, 'f32');
        expect([...got]).toEqual(want.flat());
      }
    },
  );
});

describe('cache-store', () => {
  test('leaves out the queries', async () => {
    const gpu = await openTestGpu();
    const qkv = tensorOf(gpu, 'qkv', [9, 9, 9, 9, 1, 2, 3, 4, 5, 6, 7, 8], [1, 12]);
    const cache = gpu.tensor('cache', [2, 8], 'f32', 'kv-cache');
    await run(gpu, [
      cacheStore({ qkv, cache }, { rows: 1, first: 1, heads: 1, kvHeads: 1, headDim: 4 }),
    ]);
    expect([...(await gpu.read(cache, 'f32'))]).toEqual([
      0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8,
    ]);
  });

  test('refuses odd heads, other widths and places past the cache', async () => {
    const gpu = await openTestGpu();
    const tensors = {
      qkv: gpu.tensor('qkv', [3, 16], 'f32', 'rollout'),
      cache: gpu.tensor('cache', [4, 8], 'f32', 'kv-cache'),
    };
    const options = { rows: 3, first: 1, heads: 2, kvHeads: 1, headDim: 4 };
    const refused = (change: Partial<typeof options>) =>
      expect(() => cacheStore(tensors, { ...options, ...change }));
    expect(() => cacheStore(tensors, options)).not.toThrow();
    refused({ headDim: 6 }).toThrow('cache-store: head dim 6 is not 4 * n');
    refused({ heads: 3 }).toThrow("cache-store: qkv must be (3, 20), got (3, 16) from 'qkv'");
    refused({ rows: 4 }).toThrow('rows may reach 4, past the 3 held');
    refused({ first: 4 }).toThrow('first may reach 4, past the 3 held');
  });
});
