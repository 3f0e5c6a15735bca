import { describe, expect, test } from 'vitest';
import { noScore } from '../../kernels/lim-score.ts';
import { linearScore, undecided } from '../../kernels/linear-score.ts';
import { linearScoreReference } from '../reference/linear-score.ts';
import { openTestGpu, run } from '../support/gpu.ts';
import {
  type Form,
  forms,
  matrixOf,
  rewardMatrix,
  tensorsIn,
  type TestMatrix,
} from '../support/reward-matrix.ts';

const options = { rise: 0.1 };
const notRising = -1;

async function scoresOf(matrix: TestMatrix, form: Form): Promise<number[]> {
  const gpu = await openTestGpu();
  const tensors = matrixOf(gpu, matrix, form);
  const scores = gpu.tensor('scores', [matrix.prompts], 'f32', 'rewards');
  await run(gpu, [linearScore({ ...tensors, scores }, options)]);
  const got = await gpu.read(scores, 'f32');
  gpu.destroy(scores, ...tensorsIn(tensors));
  return [...got];
}

/** Rows of mean signals over 8 samples an entry, NaN where an entry is missing. */
function curves(...rows: readonly (readonly number[])[]): TestMatrix {
  const all = rows.flat();
  return {
    prompts: rows.length,
    epochs: rows[0].length,
    sums: Float32Array.from(all, (value) => (Number.isNaN(value) ? 0 : value * 8)),
    samples: Uint32Array.from(all, (value) => (Number.isNaN(value) ? 0 : 8)),
  };
}

describe.each(forms)('linear-score of %s', (form) => {
  test.each([
    [1, 1],
    [1, 2],
    [65, 5],
    [259, 6],
    [1027, 21],
    [130, 1000],
    [20_000, 3],
  ])('matches the float64 reference at (%i, %i)', async (prompts, epochs) => {
    const matrix = rewardMatrix(prompts, epochs, prompts + epochs);
    const got = await scoresOf(matrix, form);
    const want = linearScoreReference(matrix.sums, matrix.samples, epochs);
    let scored = 0;
    for (const [p, { rise, r2, present }] of want.entries()) {
      if (present === 0 && got[p] === noScore) continue;
      if (present <= 1) expect(got[p]).toBe(present === 0 ? noScore : notRising);
      else if (got[p] === undecided) {
        // Of signals in [0, 1] over many epochs only what rises by RISE, to 1e-4 of it for each missing one.
        expect(Math.abs(rise - 0.1)).toBeLessThan(1e-4 * epochs);
      } else if (rise < 0.1) expect(got[p]).toBe(notRising);
      else {
        scored++;
        // 1e-4: rounding of the signals over the least deviation of a curve that rises by 0.1.
        expect(Math.abs(got[p] - r2)).toBeLessThan(1e-4);
      }
    }
    if (prompts > 60 && epochs > 1) expect(scored).toBeGreaterThan(prompts / 5);
  });

  test('follows the definition by hand', async () => {
    const got = await scoresOf(
      curves(
        [0, 0.25, 0.5, 0.75],
        // Slope 0.2 about the mean 0.375: 0.04 * 5 of a total of 0.3125 is explained.
        [0, 0.5, 0.25, 0.75],
        [0.5, 0.5, 0.5, 0.5],
        [0.75, 0.5, 0.25, 0],
        [0, NaN, 0.5, 0.75],
        [NaN, NaN, 0.5, NaN],
        [NaN, NaN, NaN, NaN],
      ),
      form,
    );
    expect(got[0]).toBeCloseTo(1, 5);
    expect(got[1]).toBeCloseTo(0.2 / 0.3125, 5);
    expect(got[2]).toBe(notRising);
    expect(got[3]).toBe(notRising);
    expect(got[4]).toBeCloseTo(1, 5);
    expect(got[5]).toBe(notRising);
    expect(got[6]).toBe(noScore);
  });

  test('leaves to float64 a rise of 0.1, and a curve whose signals drown its slope', async () => {
    const got = await scoresOf(
      curves(
        // Slope 0.0125, four epochs of it.
        [0.5, 0.375, 0.375, 0.5, 0.5],
        // Slope 0.025: a rise of 0.1 exactly, which is not more than 0.1.
        [0, 0.125, 0, 0.125, 0.125],
        // A rise of 0.5 a thousand up: its deviation is 1/5600 of its height.
        [1000, 1000.125, 1000.25, 1000.375, 1000.5],
      ),
      form,
    );
    expect(got[0]).toBe(notRising);
    expect(got[1]).toBe(undecided);
    expect(got[2]).toBe(undecided);
  });
});

test('refuses scores of another length', async () => {
  const gpu = await openTestGpu();
  const tensors = matrixOf(gpu, rewardMatrix(3, 2, 1), 'samples');
  const scores = gpu.tensor('scores', [2], 'f32', 'rewards');
  expect(() => linearScore({ ...tensors, scores }, options)).toThrow(
    "linear-score: scores must be (3), got (2) from 'scores'",
  );
  gpu.destroy(scores, ...tensorsIn(tensors));
});
