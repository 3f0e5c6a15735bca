import { describe, expect, test } from 'vitest';
import { limScore, noScore } from '../../kernels/lim-score.ts';
import { limMeanReference } from '../reference/lim-mean.ts';
import { limScoreReference } from '../reference/lim-score.ts';
import { openTestGpu, run, tensorOf } from '../support/gpu.ts';
import { rewardMatrix, type TestMatrix } from '../support/reward-matrix.ts';

async function scoresOf(matrix: TestMatrix, deficits: readonly number[], lanes: number) {
  const gpu = await openTestGpu();
  const { prompts, epochs } = matrix;
  const sums = tensorOf(gpu, 'sums', matrix.sums, [prompts, epochs]);
  const samples = tensorOf(gpu, 'samples', matrix.samples, [prompts, epochs]);
  const fourfold = [deficits, deficits, deficits, deficits].flat();
  const curve = tensorOf(gpu, 'deficits', Float32Array.from(fourfold), [4, epochs]);
  const scores = gpu.tensor('scores', [prompts], 'f32', 'rewards');
  await run(gpu, [limScore({ sums, samples, deficits: curve, scores }, { lanes })]);
  const got = await gpu.read(scores);
  gpu.destroy(sums, samples, curve, scores);
  return got;
}

/** Within 1e-5 * max(1, |want|); where there is no score, the kernel says so. */
function expectScores(got: Float32Array, want: readonly number[]): void {
  expect(got.length).toBe(want.length);
  for (const [i, score] of want.entries()) {
    if (Number.isNaN(score)) expect(got[i]).toBe(noScore);
    else if (!(Math.abs(got[i] - score) <= 1e-5 * Math.max(1, Math.abs(score)))) {
      expect.fail(`[${i}]: got ${got[i]}, want ${score}`);
    }
  }
}

describe('lim-score', () => {
  test.each([
    [1, 1, 1],
    [1, 1000, 1],
    [65, 21, 1],
    [1000, 1000, 1],
    [70_000, 2, 1],
    [6, 3, 1],
    [1031, 33, 4],
    [1, 1, 4],
    [67, 5, 4],
    [131, 21, 8],
    [33, 1000, 32],
    [9, 100, 64],
  ])('matches the float64 reference at (%i, %i) with %i lanes', async (prompts, epochs, lanes) => {
    const matrix = rewardMatrix(prompts, epochs, prompts + epochs);
    const { deficits } = limMeanReference(matrix.sums, matrix.samples, epochs);
    const want = limScoreReference(
      matrix.sums,
      matrix.samples,
      deficits.map((deficit) => 1 - deficit),
    );
    expectScores(await scoresOf(matrix, deficits, lanes), want);
  });

  test.each([1, 8])('follows the definition by hand, with %i lanes', async (lanes) => {
    // Curve (1/2, 3/4); 1 - ((1/4 - 1/2)^2 + (1 - 3/4)^2) / (1/4 + 1/16) = 1 - 0.125 / 0.3125.
    const matrix = {
      prompts: 4,
      epochs: 2,
      sums: Float32Array.of(1, 4, 4, 4, 0, 0, 0, 3),
      samples: Uint32Array.of(4, 4, 4, 4, 4, 4, 0, 4),
    };
    const got = await scoresOf(matrix, [0.5, 0.25], lanes);
    expect(got[0]).toBeCloseTo(0.6, 6);
    // Always solved: exactly 0. Never solved: 1 - (1/4 + 9/16) / (5/16). On the curve: 1.
    expect(got[1]).toBe(0);
    expect(got[2]).toBeCloseTo(1 - 0.8125 / 0.3125, 5);
    expect(got[3]).toBe(1);
  });

  test('a prompt without entries has no score', async () => {
    const matrix = {
      prompts: 1,
      epochs: 3,
      sums: new Float32Array(3),
      samples: new Uint32Array(3),
    };
    expect([...(await scoresOf(matrix, [0.5, 0.5, 0.5], 1))]).toEqual([noScore]);
  });

  test('an all-ones curve gives 0 to what is always solved and no score to the rest', async () => {
    const matrix = {
      prompts: 2,
      epochs: 2,
      sums: Float32Array.of(8, 8, 8, 9),
      samples: new Uint32Array(4).fill(8),
    };
    expect([...(await scoresOf(matrix, [0, 0], 1))]).toEqual([0, noScore]);
  });

  test('goes past 65,535 workgroups', async () => {
    const prompts = 65_536 * 256 + 5;
    const sums = new Float32Array(prompts);
    const samples = new Uint32Array(prompts).fill(1);
    for (let p = 0; p < prompts; p += 3) sums[p] = 1;
    const got = await scoresOf({ prompts, epochs: 1, sums, samples }, [0.25], 1);
    expect(got.findIndex((score, p) => score !== (p % 3 === 0 ? 0 : -8))).toBe(-1);
  });

  test('refuses a curve of another length', async () => {
    const gpu = await openTestGpu();
    const sums = gpu.tensor('sums', [2, 3], 'f32', 'rewards');
    const samples = gpu.tensor('samples', [2, 3], 'u32', 'rewards');
    const deficits = gpu.tensor('deficits', [1, 2], 'f32', 'rewards');
    const scores = gpu.tensor('scores', [2], 'f32', 'rewards');
    expect(() => limScore({ sums, samples, deficits, scores }, { lanes: 1 })).toThrow(
      "lim-score: deficits must be (4, 3), got (1, 2) from 'deficits'",
    );
  });
});
