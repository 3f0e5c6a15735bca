import { describe, expect, test } from 'vitest';
import { limDebias, noiseDrowns } from '../../kernels/lim-debias.ts';
import { noScore } from '../../kernels/lim-score.ts';
import { limDebiasReference } from '../reference/lim-debias.ts';
import { limScoreReference } from '../reference/lim-score.ts';
import { openTestGpu, run, tensorOf } from '../support/gpu.ts';
import { rewardMatrix, type TestMatrix } from '../support/reward-matrix.ts';

/** The kernel on the float64 scores of a matrix, rounded to f32. */
async function debiased(matrix: TestMatrix, curve: readonly number[]): Promise<number[]> {
  const { prompts, epochs, sums, samples } = matrix;
  const gpu = await openTestGpu();
  const deficits = curve.map((mean) => Math.fround(1 - mean));
  const scores = limScoreReference(
    sums,
    samples,
    deficits.map((deficit) => 1 - deficit),
  ).map((score) => (Number.isNaN(score) ? noScore : score));
  const tensors = {
    sums: tensorOf(gpu, 'sums', sums, [prompts, epochs]),
    samples: tensorOf(gpu, 'samples', samples, [prompts, epochs]),
    deficits: tensorOf(
      gpu,
      'deficits',
      Float32Array.from([...deficits, ...deficits, ...deficits, ...deficits]),
      [4, epochs],
    ),
    scores: tensorOf(gpu, 'scores', Float32Array.from(scores), [prompts]),
  };
  await run(gpu, [limDebias(tensors)]);
  const got = await gpu.read(tensors.scores, 'f32');
  gpu.destroy(...Object.values(tensors));
  return [...got];
}

const flat = (epochs: number, mean: number): number[] => new Array<number>(epochs).fill(mean);

describe('lim-debias', () => {
  test.each([
    [1, 1],
    [65, 5],
    [259, 6],
    [1027, 21],
    [130, 1000],
  ])('matches the float64 reference at (%i, %i)', async (prompts, epochs) => {
    const matrix = rewardMatrix(prompts, epochs, prompts + epochs);
    // Some counts are other than 8.
    for (const [i, count] of matrix.samples.entries()) {
      if (count > 0 && i % 5 === 0) matrix.samples[i] = 9 + (i % 7);
    }
    const curve = Array.from({ length: epochs }, (_, k) => Math.fround(0.2 + (0.6 * k) / epochs));
    const got = await debiased(matrix, curve);
    const want = limDebiasReference(matrix.sums, matrix.samples, curve);
    for (const [p, score] of want.entries()) {
      if (Number.isNaN(score)) expect(got[p]).toBe(noScore);
      // 1e-4: rounding of a distance and of a noise of up to 8 times the score.
      else expect(Math.abs(got[p] - score)).toBeLessThan(1e-4 * Math.max(1, Math.abs(score)));
    }
  });

  test('follows the definition by hand', async () => {
    const matrix = {
      prompts: 4,
      epochs: 2,
      // Six and six of eight; four of eight; a single sample; nothing.
      sums: Float32Array.of(6, 6, 4, 4, 1, 0, 0, 0),
      samples: Uint32Array.of(8, 8, 8, 8, 1, 1, 0, 0),
    };
    const got = await debiased(matrix, [0.75, 0.5]);
    const scale = 0.25 ** 2 + 0.5 ** 2;
    expect(got[0]).toBeCloseTo(1 - (0.25 ** 2 - (2 * 0.75 * 0.25) / 7) / scale, 5);
    expect(got[1]).toBeCloseTo(1 - (0.25 ** 2 - (2 * 0.5 * 0.5) / 7) / scale, 5);
    expect(got[2]).toBeCloseTo(1 - (0.25 ** 2 + 0.5 ** 2) / scale, 5);
    expect(got[3]).toBe(noScore);
  });

  test('takes the sampling noise out: the mean over samples is the score of the chances', async () => {
    // Every outcome of 8 answers, as often as its chance says, of a prompt exactly on the curve.
    const choose = (n: number, r: number): number =>
      r === 0 ? 1 : (choose(n, r - 1) * (n - r + 1)) / r;
    for (const mean of [0.3, 0.7, 0.9]) {
      const outcomes = Array.from({ length: 9 }, (_, right) => right);
      const chances = outcomes.map((r) => choose(8, r) * mean ** r * (1 - mean) ** (8 - r));
      const matrix = {
        prompts: 9,
        epochs: 1,
        sums: Float32Array.from(outcomes),
        samples: new Uint32Array(9).fill(8),
      };
      const expected = (scores: readonly number[]) =>
        scores.reduce((sum, score, r) => sum + chances[r] * score, 0);
      const plain = limScoreReference(matrix.sums, matrix.samples, [mean]);
      // 1 - m (1 - m) / n / (1 - m)^2: 0.708 at m = 0.7, -0.125 at 0.9.
      expect(expected(plain)).toBeCloseTo(1 - mean / 8 / (1 - mean), 6);
      expect(expected(await debiased(matrix, [mean]))).toBeCloseTo(1, 3);
    }
  });

  test('leaves to float64 a score that drowns in its noise, and what has no scale', async () => {
    const half = { sums: Float32Array.of(4), samples: Uint32Array.of(8) };
    const one = { prompts: 1, epochs: 1, ...half };
    // Distance 250,000 times the scale and noise 35,714 times; then 576 and 625 times.
    const [far] = await debiased(one, [0.999]);
    expect(far).toBeLessThan(-200_000);
    const many = {
      prompts: 1,
      epochs: 200,
      sums: new Float32Array(200).fill(7),
      samples: new Uint32Array(200).fill(8),
    };
    const [near] = await debiased(many, flat(200, 0.995));
    expect(near).toBe(noiseDrowns);
    expect(await debiased({ ...one, sums: Float32Array.of(8) }, [1])).toEqual([0]);
  });

  test('refuses tensors of other shapes', async () => {
    const gpu = await openTestGpu();
    const matrix = tensorOf(gpu, 'sums', new Float32Array(6), [3, 2]);
    const samples = tensorOf(gpu, 'samples', new Uint32Array(6), [3, 2]);
    const deficits = gpu.tensor('deficits', [4, 3], 'f32', 'rewards');
    const scores = gpu.tensor('scores', [3], 'f32', 'rewards');
    expect(() => limDebias({ sums: matrix, samples, deficits, scores })).toThrow(
      "lim-debias: deficits must be (4, 2), got (4, 3) from 'deficits'",
    );
    gpu.destroy(matrix, samples, deficits, scores);
  });
});
