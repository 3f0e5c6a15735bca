// One cursor for every view: an update on the charts is a data epoch of FULL on the matrix.
import type { ExperimentConfig } from '../src/index.ts';
import { fullUpdatesOf, poolSizeOf } from './link.ts';

/** Where the views stand; undefined where nobody points: they show the fixed read-out. */
export interface Cursor {
  /** What the slider says. */
  readonly pinned?: number;
  /** What the pointer says, while it is over a view. */
  readonly pointed?: number;
}

export const updateOf = ({ pinned, pointed }: Cursor): number | undefined => pointed ?? pinned;

/** FULL's data epoch, from 0, that one of its updates belongs to; none for the base and past its end. */
export function epochAt(config: ExperimentConfig, update: number | undefined): number | undefined {
  if (update === undefined || update < 1 || update > fullUpdatesOf(config)) return undefined;
  const epoch = Math.floor(((update - 1) * config.rollout.prompts) / poolSizeOf(config));
  return Math.min(epoch, config.experiment.epochs - 1);
}

/** The update that ends a data epoch of FULL. */
export const updateEnding = (config: ExperimentConfig, epoch: number): number =>
  (fullUpdatesOf(config) / config.experiment.epochs) * (epoch + 1);
