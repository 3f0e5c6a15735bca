import type { ExperimentConfig } from '../config.ts';
import type { Gpu } from '../gpu/device.ts';
import { unsolvedSignal } from '../lim/matrix.ts';
import { scoreMatrix } from '../lim/score.ts';
import { firstColumns, isStill, type Stillness, stillnessOf } from '../lim/stillness.ts';
import type { RewardMatrixTensors } from '../ppo/trainer.ts';
import { selectLim } from '../selection/lim.ts';
import { narrowingSettings } from '../selection/online-lim.ts';
import { readMatrix } from './reward-matrix.ts';

/** What a look at the ranking of a pool found. */
export interface Narrowing extends Stillness {
  /** Places of the prompts to go on with; undefined if the ranking has not come to rest. */
  readonly narrowed: readonly number[] | undefined;
}

/**
 * Scores the matrix of an online method where it lies, after a data epoch, and narrows the pool to
 * what LIM keeps if the ranking has come to rest. A pool of which LIM keeps nothing stays whole.
 *
 * @param epochs Data epochs that are complete.
 * @returns Undefined if there are too few of them.
 */
export async function narrowingOf(
  gpu: Gpu,
  { lim, online }: ExperimentConfig,
  tensors: RewardMatrixTensors,
  { epochs, seed }: { readonly epochs: number; readonly seed: number },
): Promise<Narrowing | undefined> {
  const { leastEpochs, resamples } = narrowingSettings(online?.onlineLim);
  if (epochs < leastEpochs) return undefined;
  const matrix = { sums: tensors.accuracySums, samples: tensors.samples };
  const result = await scoreMatrix(gpu, matrix, {
    theta: lim.theta,
    rule: lim.compat,
    unsolved: unsolvedSignal.accuracy,
  });
  const prompts = result.scores.length;
  const scored = prompts - result.unscored.length;
  const { indices } = await selectLim(
    result,
    lim.count === undefined ? { threshold: lim.theta } : { count: Math.min(lim.count, scored) },
  );
  const { accuracySums, samples } = await readMatrix(gpu, tensors);
  const all = { prompts, epochs: samples.length / prompts, sums: accuracySums, samples };
  const count = indices.length;
  const { compat: rule } = lim;
  const found = stillnessOf(firstColumns(all, epochs), { count, resamples, rule, seed });
  return { ...found, narrowed: count > 0 && isStill(found) ? [...indices] : undefined };
}
