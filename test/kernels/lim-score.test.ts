import { describe, expect, test } from 'vitest';
import { deficitBytes, limScore, noScore } from '../../kernels/lim-score.ts';
import type { Tensor } from '../../kernels/lib/tensor.ts';
import type { Gpu } from '../../src/gpu/device.ts';
import { limMeanReference } from '../reference/lim-mean.ts';
import { limScoreReference } from '../reference/lim-score.ts';
import { openTestGpu, run } from '../support/gpu.ts';
import {
  type Form,
  forms,
  matrixOf,
  rewardMatrix,
  tensorsIn,
  type TestMatrix,
  valuesOf,
} from '../support/reward-matrix.ts';

/** (4, K) deficits, four times the same. */
function curveOf(gpu: Gpu, deficits: readonly number[]): Tensor {
  const epochs = deficits.length;
  const held = gpu.tensor('deficits', [deficitBytes(epochs) / 4], 'f32', 'uniforms');
  gpu.upload(held, Float32Array.from([deficits, deficits, deficits, deficits].flat()));
  return { ...held, shape: [4, epochs] };
}

async function scoresOf(
  matrix: TestMatrix,
  deficits: readonly number[],
  lanes: number,
  form: Form,
): Promise<Float32Array> {
  const gpu = await openTestGpu();
  const tensors = matrixOf(gpu, matrix, form);
  const curve = curveOf(gpu, deficits);
  const scores = gpu.tensor('scores', [matrix.prompts], 'f32', 'rewards');
  await run(gpu, [limScore({ ...tensors, deficits: curve, scores }, { lanes })]);
  const got = await gpu.read(scores, 'f32');
  gpu.destroy(curve, scores, ...tensorsIn(tensors));
  return got;
}

/** Scores by the definition, for deficits of the curve. */
const wanted = (matrix: TestMatrix, deficits: readonly number[]): number[] =>
  limScoreReference(
    matrix.sums,
    matrix.samples,
    deficits.map((deficit) => 1 - deficit),
  );

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

describe.each(forms)('lim-score of %s', (form) => {
  test.each([
    [1, 1, 1],
    [6, 3, 1],
    [1, 4, 1],
    [259, 5, 1],
    [65, 21, 1],
    [1027, 23, 1],
    [514, 256, 1],
    [9, 257, 1],
    [1000, 1000, 1],
    [70_000, 2, 1],
    [1031, 33, 4],
    [1, 1, 4],
    [67, 5, 4],
    [131, 21, 8],
    [33, 1000, 32],
    [9, 100, 64],
  ])('matches the float64 reference at (%i, %i) with %i lanes', async (prompts, epochs, lanes) => {
    const matrix = rewardMatrix(prompts, epochs, prompts + epochs);
    const { deficits } = limMeanReference(matrix.sums, matrix.samples, epochs);
    const got = await scoresOf(matrix, deficits, lanes, form);
    expectScores(got, wanted(matrix, deficits));
  });

  test.each([1, 8])('follows the definition by hand, with %i lanes', async (lanes) => {
    // Curve (1/2, 3/4); 1 - ((1/4 - 1/2)^2 + (1 - 3/4)^2) / (1/4 + 1/16) = 1 - 0.125 / 0.3125.
    const matrix = {
      prompts: 4,
      epochs: 2,
      sums: Float32Array.of(1, 4, 4, 4, 0, 0, 0, 3),
      samples: Uint32Array.of(4, 4, 4, 4, 4, 4, 0, 4),
    };
    const got = await scoresOf(matrix, [0.5, 0.25], lanes, form);
    expect(got[0]).toBeCloseTo(0.6, 6);
    // Always solved: exactly 0. Never solved: 1 - (1/4 + 9/16) / (5/16). On the curve: 1.
    expect(got[1]).toBe(0);
    expect(got[2]).toBeCloseTo(1 - 0.8125 / 0.3125, 5);
    expect(got[3]).toBe(1);
  });

  test.each([
    [3, 1],
    [6, 1],
    [6, 4],
  ])('a prompt without entries has no score: %i epochs, %i lanes', async (epochs, lanes) => {
    const matrix = {
      prompts: 2,
      epochs,
      sums: new Float32Array(2 * epochs),
      samples: new Uint32Array(2 * epochs).fill(1, epochs),
    };
    const deficits = new Array<number>(epochs).fill(0.5);
    expect([...(await scoresOf(matrix, deficits, lanes, form))]).toEqual([noScore, 0]);
    // Nor where the curve is all ones.
    const ones = new Array<number>(epochs).fill(0);
    expect([...(await scoresOf(matrix, ones, lanes, form))]).toEqual([noScore, noScore]);
  });

  test.each([
    [2, 1],
    [5, 1],
    [5, 4],
  ])(
    'an all-ones curve gives 0 to what is always solved and no score to the rest: %i epochs, %i lanes',
    async (epochs, lanes) => {
      const sums = new Float32Array(2 * epochs).fill(8);
      sums[2 * epochs - 1] = 9;
      const samples = new Uint32Array(2 * epochs).fill(8);
      const matrix = { prompts: 2, epochs, sums, samples };
      const ones = new Array<number>(epochs).fill(0);
      expect([...(await scoresOf(matrix, ones, lanes, form))]).toEqual([0, noScore]);
    },
  );

  test.each([
    [21, 1],
    [300, 1],
    [21, 4],
  ])('keeps its digits where the curve is nearly 1: %i epochs, %i lanes', async (epochs, lanes) => {
    // Thirds have no f32: what is scored are the numbers that the tensors hold.
    const matrix = rewardMatrix(300, epochs, 4, 0.05);
    matrix.sums.forEach((_, i) => {
      matrix.sums[i] = matrix.samples[i] - (i % 97 === 0 ? 2 / 3 : i % 89 === 0 ? 1e-6 : 0);
    });
    const held =
      form === 'samples'
        ? matrix
        : {
            ...matrix,
            sums: valuesOf(matrix).map((r) => (Number.isNaN(r) ? 0 : r)),
            samples: matrix.samples.map((n) => Math.min(n, 1)),
          };
    const deficits = Array.from({ length: epochs }, (_, k) => Math.fround(1e-6 * (1 + k / 7)));
    expectScores(await scoresOf(held, deficits, lanes, form), wanted(held, deficits));
  });
});

describe('lim-score', () => {
  test('goes past 65,535 workgroups', async () => {
    const prompts = 65_536 * 256 + 5;
    const sums = new Float32Array(prompts);
    const samples = new Uint32Array(prompts).fill(1);
    for (let p = 0; p < prompts; p += 3) sums[p] = 1;
    const got = await scoresOf({ prompts, epochs: 1, sums, samples }, [0.25], 1, 'samples');
    expect(got.findIndex((score, p) => score !== (p % 3 === 0 ? 0 : -8))).toBe(-1);
  });

  test('refuses a curve of another length, or in too small a buffer', async () => {
    const gpu = await openTestGpu();
    const sums = gpu.tensor('sums', [2, 3], 'f32', 'rewards');
    const samples = gpu.tensor('samples', [2, 3], 'u32', 'rewards');
    const deficits = gpu.tensor('deficits', [1, 2], 'f32', 'rewards');
    const scores = gpu.tensor('scores', [2], 'f32', 'rewards');
    expect(() => limScore({ sums, samples, deficits, scores }, { lanes: 1 })).toThrow(
      "lim-score: deficits must be (4, 3), got (1, 2) from 'deficits'",
    );
    const sums4 = gpu.tensor('sums', [2, 4], 'f32', 'rewards');
    const short = gpu.tensor('deficits', [4, 4], 'f32', 'uniforms');
    expect(() => limScore({ values: sums4, deficits: short, scores }, { lanes: 1 })).toThrow(
      'lim-score: deficits needs 4096 bytes, got 64',
    );
  });
});
