import type { MissingRule } from '../vocabulary/signals.ts';
import { thetaBound } from './bound.ts';
import { ExactCurve, exactScore } from './exact.ts';
import { fillRows } from './fill.ts';
import type { RewardMatrix } from './matrix.ts';
import type { LimResult } from './score.ts';

/** LIM scores that no device computed. */
export type HostScores = Pick<LimResult, 'scores' | 'meanCurve' | 'kept' | 'unscored' | 'bound'>;

/**
 * LIM scores of a matrix in host memory, in float64. The prompts kept are those that `scoreMatrix`
 * keeps, whose scores near the threshold are float64 too; other scores differ from its f32 scores by
 * rounding.
 */
export function scoreOnHost(
  matrix: RewardMatrix,
  { theta, rule, unsolved }: { theta: number; rule: MissingRule; unsolved: number },
): HostScores {
  const rows = rule === 'limr' ? fillRows(matrix) : matrix;
  const { prompts, epochs, samples } = rows;
  const curve = new ExactCurve(epochs);
  curve.add(rows);
  const deficits = curve.deficits();
  const present = new Array<boolean>(epochs).fill(false);
  for (const [i, count] of samples.entries()) if (count > 0) present[i % epochs] = true;
  const scores = new Float64Array(prompts);
  const kept: number[] = [];
  const unscored: number[] = [];
  for (let row = 0; row < prompts; row++) {
    const score = exactScore(rows, row, deficits);
    scores[row] = score;
    if (Number.isNaN(score)) unscored.push(row);
    else if (score >= theta) kept.push(row);
  }
  return {
    scores,
    meanCurve: deficits.map((deficit, k) => (present[k] ? 1 - deficit : NaN)),
    kept,
    unscored,
    bound: thetaBound(
      deficits.filter((_, k) => present[k]),
      theta,
      unsolved,
    ),
  };
}
