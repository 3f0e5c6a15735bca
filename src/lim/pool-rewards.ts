import type { Gpu } from '../gpu/device.ts';
import type { PoolRewards } from '../selection/method.ts';
import { type MatrixTensors, type RewardMatrix, rowOf, type ValueMatrix } from './matrix.ts';
import { scoreRows } from './row-scores.ts';

/** Rewards in the buffers that a pass filled. The buffers must not change while they are used. */
export const rewardsOnDevice = (gpu: Gpu, matrix: MatrixTensors): PoolRewards => ({
  scoreCurves: (score) => scoreRows(gpu, matrix, score),
});

/** Rewards in host memory: scores are float64. */
export const rewardsInMemory = (matrix: RewardMatrix | ValueMatrix): PoolRewards => ({
  scoreCurves: ({ exact }) => Promise.resolve({ scores: curveScores(matrix, exact) }),
});

/** The float64 score of each prompt's curve. */
export const curveScores = (
  matrix: RewardMatrix | ValueMatrix,
  score: (curve: Float64Array) => number,
): Float64Array =>
  Float64Array.from({ length: matrix.prompts }, (_, prompt) => score(rowOf(matrix, prompt)));
