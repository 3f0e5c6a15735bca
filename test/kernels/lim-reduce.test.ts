import { describe, expect, test } from 'vitest';
import { limReduce } from '../../kernels/lim-reduce.ts';
import { limReduceReference } from '../reference/lim-reduce.ts';
import { expectClose, openTestGpu, run, seeded, tensorOf } from '../support/gpu.ts';

async function reduce(
  partials: Float32Array,
  entries: Uint32Array,
  epochs: number,
  stripes: number,
  divide: boolean,
) {
  const gpu = await openTestGpu();
  const out_partials = gpu.tensor('out', [stripes, epochs], 'f32', 'rewards');
  const out_entries = gpu.tensor('counts', [stripes, epochs], 'u32', 'rewards');
  const inputs = {
    partials: tensorOf(gpu, 'partials', partials, [partials.length / epochs, epochs]),
    entries: tensorOf(gpu, 'entries', entries, [partials.length / epochs, epochs]),
  };
  await run(gpu, [limReduce({ ...inputs, out_partials, out_entries }, { divide })]);
  return {
    partials: await gpu.read(out_partials, 'f32'),
    entries: await gpu.read(out_entries, 'u32'),
  };
}

describe('lim-reduce', () => {
  test.each([
    [1, 1, 1, true],
    [7, 3, 1, true],
    [130, 21, 3, false],
    [64, 1000, 1, true],
    [1000, 5, 16, false],
  ])(
    'matches the float64 reference at (%i, %i) to %i rows',
    async (rows, epochs, stripes, divide) => {
      const partials = seeded(rows * epochs, rows).map(Math.abs);
      const entries = Uint32Array.from(partials, (value) => Math.floor(value * 100));
      const got = await reduce(partials, entries, epochs, stripes, divide);
      const want = limReduceReference(partials, entries, epochs, stripes, divide);
      expectClose(got.partials, want.partials, { abs: 0, rel: 2e-6 });
      expect([...got.entries]).toEqual(want.entries);
    },
  );

  test('divides by the entries in the last pass, and leaves an epoch without any at 0', async () => {
    const got = await reduce(Float32Array.of(3, 0, 1, 0), Uint32Array.of(4, 0, 4, 0), 2, 1, true);
    expect([...got.partials]).toEqual([0.5, 0]);
  });

  test('refuses outputs of another width', async () => {
    const gpu = await openTestGpu();
    const partials = gpu.tensor('partials', [2, 3], 'f32', 'rewards');
    const entries = gpu.tensor('entries', [2, 3], 'u32', 'rewards');
    const out_partials = gpu.tensor('out', [1, 2], 'f32', 'rewards');
    const out_entries = gpu.tensor('counts', [1, 2], 'u32', 'rewards');
    expect(() =>
      limReduce({ partials, entries, out_partials, out_entries }, { divide: true }),
    ).toThrow('lim-reduce: out_partials must be (1, 3)');
  });
});
