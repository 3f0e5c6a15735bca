// One cursor for every view: an update on the charts is a data epoch of FULL on the matrix.
import type { ExperimentConfig } from '../src/index.ts';
import { fullUpdatesOf, poolSizeOf } from './link.ts';

/** The update that all views show. If neither field is set, the views show the fixed read-out. */
export interface Cursor {
  /** Update of the slider. */
  readonly pinned?: number;
  /** Update under the pointer, while the pointer is over a view. */
  readonly pointed?: number;
}

export const updateOf = ({ pinned, pointed }: Cursor): number | undefined => pointed ?? pinned;

/** FULL's data epoch, from 0, of an update; undefined for the base and after FULL's end. */
export function epochAt(config: ExperimentConfig, update: number | undefined): number | undefined {
  if (update === undefined || update < 1 || update > fullUpdatesOf(config)) return undefined;
  const epoch = Math.floor(((update - 1) * config.rollout.prompts) / poolSizeOf(config));
  return Math.min(epoch, config.experiment.epochs - 1);
}

/** The last update of a data epoch of FULL. */
export const updateEnding = (config: ExperimentConfig, epoch: number): number =>
  (fullUpdatesOf(config) / config.experiment.epochs) * (epoch + 1);
