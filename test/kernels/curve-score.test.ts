import { describe, expect, test } from 'vitest';
import { curveScore, type CurveStatistic } from '../../kernels/curve-score.ts';
import { noScore } from '../../kernels/lim-score.ts';
import { curveScoreReference } from '../reference/curve-score.ts';
import { openTestGpu, run } from '../support/gpu.ts';
import {
  type Form,
  forms,
  matrixOf,
  rewardMatrix,
  tensorsIn,
  type TestMatrix,
} from '../support/reward-matrix.ts';

const statistics: readonly CurveStatistic[] = ['mean', 'variance', 'group'];

async function scoresOf(
  matrix: TestMatrix,
  form: Form,
  statistic: CurveStatistic,
): Promise<number[]> {
  const gpu = await openTestGpu();
  const tensors = matrixOf(gpu, matrix, form);
  const scores = gpu.tensor('scores', [matrix.prompts], 'f32', 'rewards');
  await run(gpu, [curveScore({ ...tensors, scores }, { statistic })]);
  const got = await gpu.read(scores, 'f32');
  gpu.destroy(scores, ...tensorsIn(tensors));
  return [...got];
}

describe.each(forms)('curve-score of %s', (form) => {
  test.each([
    [1, 1],
    [65, 5],
    [259, 6],
    [1027, 21],
    [130, 1000],
  ])('matches the float64 reference at (%i, %i)', async (prompts, epochs) => {
    const matrix = rewardMatrix(prompts, epochs, prompts + epochs);
    const want = curveScoreReference(matrix.sums, matrix.samples, epochs);
    for (const statistic of statistics) {
      const got = await scoresOf(matrix, form, statistic);
      for (const [p, row] of want.entries()) {
        if (Number.isNaN(row.mean)) expect(got[p]).toBe(noScore);
        // 1e-5: rounding of up to 1000 signals in [0, 1], added up in blocks.
        else expect(Math.abs(got[p] - row[statistic])).toBeLessThan(1e-5);
      }
    }
  });

  test('follows the definitions by hand', async () => {
    const matrix = {
      prompts: 3,
      epochs: 4,
      sums: Float32Array.of(0, 2, 6, 8, 4, 0, 4, 0, 0, 0, 0, 0),
      samples: Uint32Array.of(8, 8, 8, 8, 8, 0, 8, 0, 0, 0, 0, 0),
    };
    expect(await scoresOf(matrix, form, 'mean')).toEqual([0.5, 0.5, noScore]);
    // Deviations -1/2, -1/4, 1/4, 1/2.
    expect(await scoresOf(matrix, form, 'variance')).toEqual([0.15625, 0, noScore]);
    expect(await scoresOf(matrix, form, 'group')).toEqual([0.09375, 0.25, noScore]);
  });
});

test('refuses scores of another length', async () => {
  const gpu = await openTestGpu();
  const tensors = matrixOf(gpu, rewardMatrix(3, 2, 1), 'samples');
  const scores = gpu.tensor('scores', [2], 'f32', 'rewards');
  expect(() => curveScore({ ...tensors, scores }, { statistic: 'mean' })).toThrow(
    "curve-score: scores must be (3), got (2) from 'scores'",
  );
  gpu.destroy(scores, ...tensorsIn(tensors));
});
