import type { Gpu } from '../gpu/device.ts';
import type { LimKind, PoolRewards } from '../selection/method.ts';
import type { MissingRule } from '../vocabulary/signals.ts';
import { ShapeError } from '../../kernels/lib/errors.ts';
import { ExactCurve, exactScore } from './exact.ts';
import { fillRows } from './fill.ts';
import {
  firstEpochs,
  type MatrixTensors,
  type RewardMatrix,
  rowOf,
  sampled,
  type ValueMatrix,
} from './matrix.ts';
import { scoreRows } from './row-scores.ts';
import { scoreMatrix } from './score.ts';

/**
 * Rewards in the buffers that a pass filled. The buffers must not change while they are used.
 *
 * @param rule How LIM scores treat missing entries.
 */
export const rewardsOnDevice = (
  gpu: Gpu,
  matrix: MatrixTensors,
  rule: MissingRule = 'corrected',
): PoolRewards => ({
  scoreCurves: (score) => scoreRows(gpu, matrix, score),
  scoreLim: (kind) => scoreMatrix(gpu, matrix, { ...kind, rule }),
});

/** Rewards in host memory: scores are float64. */
export const rewardsInMemory = (
  matrix: RewardMatrix | ValueMatrix,
  rule: MissingRule = 'corrected',
): PoolRewards => ({
  scoreCurves: ({ exact }) => Promise.resolve({ scores: curveScores(matrix, exact) }),
  scoreLim: (kind) => Promise.resolve().then(() => ({ scores: limScores(matrix, rule, kind) })),
});

/** The float64 score of each prompt's curve. */
export const curveScores = (
  matrix: RewardMatrix | ValueMatrix,
  score: (curve: Float64Array) => number,
): Float64Array =>
  Float64Array.from({ length: matrix.prompts }, (_, prompt) => score(rowOf(matrix, prompt)));

/** The float64 LIM score of each prompt; NaN if it has none. */
export function limScores(
  matrix: RewardMatrix | ValueMatrix,
  rule: MissingRule,
  { epochs = matrix.epochs, debias = false }: LimKind = {},
): Float64Array {
  if (epochs > matrix.epochs) {
    throw new ShapeError(`lim: ${epochs} data epochs wanted, the matrix has ${matrix.epochs}`);
  }
  if (debias && 'values' in matrix) {
    throw new ShapeError('lim: to debias, the number of samples behind each entry must be known');
  }
  const counted = firstEpochs('values' in matrix ? sampled(matrix) : matrix, epochs);
  const rows = rule === 'limr' ? fillRows(counted) : counted;
  const curve = new ExactCurve(epochs);
  curve.add(rows);
  const deficits = curve.deficits();
  return Float64Array.from({ length: rows.prompts }, (_, row) =>
    exactScore(rows, row, deficits, debias),
  );
}
