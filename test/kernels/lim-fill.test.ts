import { describe, expect, test } from 'vitest';
import { limFill } from '../../kernels/lim-fill.ts';
import { limFillReference } from '../reference/lim-fill.ts';
import { openTestGpu, run, tensorOf } from '../support/gpu.ts';
import { rewardMatrix, type TestMatrix } from '../support/reward-matrix.ts';

async function fill({ prompts, epochs, sums, samples }: TestMatrix) {
  const gpu = await openTestGpu();
  const filled_sums = gpu.tensor('filled sums', [prompts, epochs], 'f32', 'rewards');
  const filled_samples = gpu.tensor('filled samples', [prompts, epochs], 'u32', 'rewards');
  const matrix = {
    sums: tensorOf(gpu, 'sums', sums, [prompts, epochs]),
    samples: tensorOf(gpu, 'samples', samples, [prompts, epochs]),
  };
  await run(gpu, [limFill({ ...matrix, filled_sums, filled_samples })]);
  return { sums: await gpu.read(filled_sums), samples: await gpu.readU32(filled_samples) };
}

describe('lim-fill', () => {
  test.each([
    [1, 1],
    [65, 7],
    [200, 21],
    [3, 1000],
  ])('fills and drops as the reference at (%i, %i)', async (prompts, epochs) => {
    const matrix = rewardMatrix(prompts, epochs, 5, 0.04);
    const got = await fill(matrix);
    for (let p = 0; p < prompts; p++) {
      const row = Array.from({ length: epochs }, (_, k) => p * epochs + k);
      const accuracies = row.map((i) =>
        matrix.samples[i] === 0 ? -1 : matrix.sums[i] / matrix.samples[i],
      );
      const want = limFillReference(accuracies);
      if (want) expect(row.map((i) => got.sums[i] / got.samples[i])).toEqual(want);
      else expect(row.every((i) => got.samples[i] === 0)).toBe(true);
    }
  });

  test('takes the next epoch, one step only, and drops what is still missing', async () => {
    const got = await fill({
      prompts: 4,
      epochs: 3,
      sums: Float32Array.of(0, 3, 1, 0, 0, 2, 4, 4, 0, 1, 0, 2),
      samples: Uint32Array.of(0, 4, 4, 0, 0, 4, 4, 4, 0, 4, 0, 4),
    });
    expect([...got.samples]).toEqual([4, 4, 4, 0, 0, 0, 0, 0, 0, 4, 4, 4]);
    expect([...got.sums.slice(0, 3)]).toEqual([3, 3, 1]);
    expect([...got.sums.slice(9)]).toEqual([1, 2, 2]);
  });

  test('refuses outputs of another shape', async () => {
    const gpu = await openTestGpu();
    const sums = gpu.tensor('sums', [2, 3], 'f32', 'rewards');
    const samples = gpu.tensor('samples', [2, 3], 'u32', 'rewards');
    const filled_sums = gpu.tensor('filled', [3, 2], 'f32', 'rewards');
    expect(() => limFill({ sums, samples, filled_sums, filled_samples: samples })).toThrow(
      'lim-fill: filled_sums must be (2, 3)',
    );
  });
});
