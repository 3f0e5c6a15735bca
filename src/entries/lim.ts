// limr-lab/lim: a reward matrix to scores to a selection of prompts.
import type { RewardMatrix, ValueMatrix } from '../lim/matrix.ts';
import { type LimOptions, type LimResult, scoreMatrix as scoreOnGpu } from '../lim/score.ts';
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

export { Device, type DeviceOptions } from './device.ts';
export type { LimOptions, LimResult } from '../lim/score.ts';
export type { MissingRule } from '../vocabulary/signals.ts';
export type { ThetaBound } from '../lim/bound.ts';
export type { RewardMatrix, ValueMatrix } from '../lim/matrix.ts';
export type { Cut, Scored } from '../lim/selection/cut.ts';
export { selectLim } from '../lim/selection/lim.ts';
export { linearScores, selectLinear } from '../lim/selection/linear.ts';
export { type Selection, SelectionError } from '../lim/selection/method.ts';
export { selectRandom } from '../lim/selection/rand.ts';
export { AdapterError, type AdapterChoice, DeviceLostError } from '../gpu/device.ts';
export { ShapeError } from '../../kernels/lib/errors.ts';
