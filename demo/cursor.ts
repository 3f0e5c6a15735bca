// One cursor for every view: an update on the charts is a data epoch of FULL on the matrix.
import { updatesPerEpoch, type ExperimentConfig } from '../src/index.ts';

/**
 * FULL's data epoch, from 0, of an update; undefined for the base and after FULL's end.
 *
 * @param pool Prompts of the pool.
 */
export function epochAt(
  config: ExperimentConfig,
  pool: number,
  update: number | undefined,
): number | undefined {
  if (update === undefined || update < 1) return undefined;
  const epoch = Math.floor((update - 1) / updatesPerEpoch(config, pool));
  return epoch < config.experiment.epochs ? epoch : undefined;
}

/** The last update of a data epoch of FULL. */
export const updateEnding = (config: ExperimentConfig, pool: number, epoch: number): number =>
  updatesPerEpoch(config, pool) * (epoch + 1);
