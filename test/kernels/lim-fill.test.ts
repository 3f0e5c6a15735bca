import { describe, expect, test } from 'vitest';
import { limFill } from '../../kernels/lim-fill.ts';
import { limFillReference } from '../reference/lim-fill.ts';
import { openTestGpu, run } from '../support/gpu.ts';
import {
  type Form,
  forms,
  matrixOf,
  rewardMatrix,
  type TestMatrix,
  valuesOf,
} from '../support/reward-matrix.ts';

/** The filled matrix as one number an entry, NaN where it is missing. */
async function fill(matrix: TestMatrix, form: Form): Promise<number[]> {
  const gpu = await openTestGpu();
  const { prompts, epochs } = matrix;
  const raw = matrixOf(gpu, matrix, form);
  const make = (name: string, dtype: 'f32' | 'u32') =>
    gpu.tensor(name, [prompts, epochs], dtype, 'rewards');
  if (form === 'values') {
    const values = make('filled values', 'f32');
    await run(gpu, [limFill(raw, { values })]);
    return [...(await gpu.read(values, 'f32'))];
  }
  const filled = { sums: make('filled sums', 'f32'), samples: make('filled samples', 'u32') };
  await run(gpu, [limFill(raw, filled)]);
  const samples = await gpu.read(filled.samples, 'u32');
  return [...valuesOf({ sums: await gpu.read(filled.sums, 'f32'), samples })];
}

describe.each(forms)('lim-fill of %s', (form) => {
  test.each([
    [1, 1],
    [65, 7],
    [200, 21],
    [3, 1000],
  ])('fills and drops as the reference at (%i, %i)', async (prompts, epochs) => {
    const matrix = rewardMatrix(prompts, epochs, 5, 0.04);
    const got = await fill(matrix, form);
    for (let p = 0; p < prompts; p++) {
      const row = Array.from({ length: epochs }, (_, k) => p * epochs + k);
      const accuracies = row.map((i) =>
        matrix.samples[i] === 0 ? -1 : matrix.sums[i] / matrix.samples[i],
      );
      const want = limFillReference(accuracies);
      expect(row.map((i) => got[i])).toEqual(want ?? row.map(() => NaN));
    }
  });

  test('takes the next epoch, one step only, and drops what is still missing', async () => {
    const matrix = {
      prompts: 4,
      epochs: 3,
      sums: Float32Array.of(0, 3, 1, 0, 0, 2, 4, 4, 0, 1, 0, 2),
      samples: Uint32Array.of(0, 4, 4, 0, 0, 4, 4, 4, 0, 4, 0, 4),
    };
    const [none, quarter, half] = [NaN, 0.25, 0.5];
    expect(await fill(matrix, form)).toEqual([
      ...[0.75, 0.75, quarter],
      ...[none, none, none],
      ...[none, none, none],
      ...[quarter, half, half],
    ]);
  });
});

describe('lim-fill', () => {
  test('refuses outputs of another shape or form', async () => {
    const gpu = await openTestGpu();
    const sums = gpu.tensor('sums', [2, 3], 'f32', 'rewards');
    const samples = gpu.tensor('samples', [2, 3], 'u32', 'rewards');
    const other = gpu.tensor('filled', [3, 2], 'f32', 'rewards');
    expect(() => limFill({ sums, samples }, { sums: other, samples })).toThrow(
      'lim-fill: filled sums must be (2, 3)',
    );
    expect(() => limFill({ values: sums }, { values: other })).toThrow(
      'lim-fill: filled values must be (2, 3)',
    );
    expect(() => limFill({ sums, samples }, { values: sums })).toThrow('differ in form');
  });
});
