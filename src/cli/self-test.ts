import type { Gpu } from '../gpu/device.ts';
import { ExactCurve, exactScore } from '../lim/exact.ts';
import { scoreMatrix } from '../lim/score.ts';
import { scoreTolerance } from '../selection/cut.ts';
import { RandomStream } from '../random.ts';
import { headErrors, type RoundedStorage, roundedStorages } from '../variants/head-errors.ts';
import { type CheckedVariant, checkVariants, isWithinRounding } from '../variants/self-check.ts';

/** The differences between an adapter's results and the same computation in float64. */
export interface SelfTest {
  readonly passed: boolean;
  /** The variants that plans use from every family, forward and backward. */
  readonly variants: readonly CheckedVariant[];
  /** Largest error of the LIM scores of 1,000 prompts, each divided by max(1, |score|). */
  readonly reductionError: number;
  /**
   * Of each storage of a base, the root mean square error of logits: those of a drawn head, over their
   * own root mean square in f32.
   */
  readonly logitErrors: Readonly<Record<RoundedStorage, number>>;
  /** Total time, compilation included. */
  readonly milliseconds: number;
}

/**
 * The presets' value. Not read from their config: a bare page, which has no packages, runs this
 * too.
 */
const HEAD_DIM = 16;

/**
 * Computes the most important training kernels and a reduction, and compares them with float64; and
 * logits with a base in each storage.
 */
export async function selfTest(gpu: Gpu): Promise<SelfTest> {
  const started = performance.now();
  const use = { headDim: HEAD_DIM, training: true, cache: 'f32' } as const;
  const variants = await checkVariants(gpu, use);
  const reductionError = await scoreError(gpu);
  const logitErrors = await headErrors(gpu);
  const isPassed =
    variants.every(isWithinRounding) &&
    reductionError < scoreTolerance &&
    roundedStorages.every((storage) => logitErrors[storage] < mostLogitErrors[storage]);
  return {
    passed: isPassed,
    variants,
    reductionError,
    logitErrors,
    milliseconds: performance.now() - started,
  };
}

/** Rounding makes 0.0002, 0.0043 and 0.063 of normal numbers: several times as much is a fault. */
const mostLogitErrors = { f16: 0.001, int8: 0.012, int4: 0.18 } as const;

async function scoreError(gpu: Gpu): Promise<number> {
  const [prompts, epochs] = [1000, 7];
  const stream = new RandomStream(2, 'test');
  const samples = new Uint32Array(prompts * epochs).fill(8);
  const sums = Float32Array.from(samples, () => stream.below(9));
  const matrix = { prompts, epochs, sums, samples };
  // No score reaches 2, so no score is computed again in float64.
  const { scores } = await scoreMatrix(gpu, matrix, { theta: 2 });
  const curve = new ExactCurve(epochs);
  curve.add(matrix);
  const deficits = curve.deficits();
  let worst = 0;
  for (const [prompt, score] of scores.entries()) {
    const want = exactScore(matrix, prompt, deficits);
    const error = Math.abs(score - want) / Math.max(1, Math.abs(want));
    worst = Math.max(worst, error); // keeps NaN
  }
  return worst;
}
