// limr-lab/lim: a reward matrix to scores to a selection of prompts.
import type { RewardMatrix, ValueMatrix } from '../lim/matrix.ts';
import { type LimOptions, type LimResult, scoreMatrix as scoreOnGpu } from '../lim/score.ts';
import { curveScores, limScores, rewardsInMemory } from '../lim/pool-rewards.ts';
import type { Cut } from '../selection/cut.ts';
import { linear, linearScore } from '../selection/linear.ts';
import type { MissingRule } from '../vocabulary/signals.ts';
import type { Selection } from '../selection/method.ts';
import { type Device, gpuOf } from './device.ts';

/**
 * LIM scores of a reward matrix, computed on the device. A prompt scores high when its curve of
 * mean signals over the data epochs follows the mean curve of all prompts. Scores within 1e-5 of
 * the threshold are computed again in float64: rounding never decides which prompts are kept.
 *
 * @throws ShapeError when sizes contradict each other, or when there is nothing to score.
 */
export const scoreMatrix = (
  device: Device,
  matrix: RewardMatrix | ValueMatrix,
  options: LimOptions = {},
): Promise<LimResult> => scoreOnGpu(gpuOf(device), matrix, options);

/**
 * LIM scores in float64, without a device; NaN for a prompt that has none.
 *
 * @param rule How missing entries count. Default `corrected`.
 */
export const exactScores = (
  matrix: RewardMatrix | ValueMatrix,
  rule: MissingRule = 'corrected',
): Float64Array => limScores(matrix, rule);

/**
 * Our LINEAR score of each prompt: R^2 of the least-squares line through its mean signals, over the
 * data epochs in which it is present. The score is -1 unless the line rises by more than 0.1 over
 * the whole run, and NaN for a prompt that is never present.
 */
export const linearScores = (matrix: RewardMatrix | ValueMatrix): Float64Array =>
  curveScores(matrix, linearScore);

/**
 * LINEAR, by our definition (LIMR's authors published none): keeps prompts whose learning curve is
 * close to a rising straight line, by `linearScores`. A prompt whose line does not rise is never
 * kept. If `count` exceeds the rising prompts, the selection is shorter and says so.
 *
 * @throws SelectionError if `count` exceeds the number of prompts with a score.
 */
export const selectLinear = (matrix: RewardMatrix | ValueMatrix, cut: Cut): Promise<Selection> =>
  linear.choose(
    { prompts: matrix.prompts, seed: 0, rewards: rewardsInMemory(matrix), source: 'the matrix' },
    cut,
  );

export { Device, type DeviceOptions } from './device.ts';
export type { LimOptions, LimResult } from '../lim/score.ts';
export { type MissingRule, missingRules } from '../vocabulary/signals.ts';
export { thetaBound, type ThetaBound } from '../lim/bound.ts';
export { type RewardMatrix, unsolvedSignal, type ValueMatrix } from '../lim/matrix.ts';
export type { Cut, Scored } from '../selection/cut.ts';
export { selectLim } from '../selection/lim.ts';
export { type Selection, SelectionError } from '../selection/method.ts';
export { selectRandom } from '../selection/rand.ts';
export { AdapterError, type AdapterChoice, DeviceLostError } from '../gpu/device.ts';
export { AllocationError } from '../gpu/memory.ts';
export { ShaderError, ShapeError } from '../../kernels/lib/errors.ts';
