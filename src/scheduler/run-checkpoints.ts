import { checkpointName, type CheckpointPlace } from '../run-folder/names.ts';
import type { Checkpoint } from './checkpoint.ts';
import type { RunArchive } from './run-archive.ts';
import type { Standing } from './standing.ts';

/** Longest that a run works between two checkpoints, unless one update takes longer. */
const CHECKPOINT_SECONDS = 300;

/** What every checkpoint of a run says of it. */
type RunOfCheckpoints = Pick<Checkpoint, 'configHash' | 'seeds' | 'adapter' | 'host'>;

/** What the next iteration computes with. */
export type ComputedState = Pick<
  Checkpoint,
  'base' | 'baseDigest' | 'pretraining' | 'ppo' | 'matrix' | 'online'
>;

/** A moment of a run that it can go on from. */
export interface Moment {
  readonly place: CheckpointPlace;
  readonly standing: Standing;
  /** Text that is equal where nothing was computed in between. */
  readonly fingerprint: string;
}

/** When a run writes a checkpoint, and what of it is known before its tensors are read back. */
export class RunCheckpoints {
  readonly #archive: RunArchive;
  readonly #run: RunOfCheckpoints;
  readonly #seconds: number;
  #written: string | undefined;
  #writtenAt = performance.now();

  constructor(archive: RunArchive, run: RunOfCheckpoints, seconds = CHECKPOINT_SECONDS) {
    this.#archive = archive;
    this.#run = run;
    this.#seconds = seconds;
  }

  /** Whether the run has worked long enough since the last one, by the clock. */
  get due(): boolean {
    return performance.now() - this.#writtenAt >= this.#seconds * 1000;
  }

  /** The run stands where its checkpoint on disk does. */
  resumed(fingerprint: string): void {
    this.#written = fingerprint;
  }

  /**
   * Writes a checkpoint, unless the last one is of the same moment: a stop right behind it has nothing
   * to add.
   *
   * @throws CheckpointWriteError
   */
  async write(
    { place, standing, fingerprint }: Moment,
    state: () => Promise<ComputedState>,
  ): Promise<void> {
    if (fingerprint !== this.#written) {
      await this.#archive.writeCheckpoint(checkpointName(place), {
        ...this.#run,
        progress: standing,
        ...(await state()),
      });
      this.#written = fingerprint;
    }
    this.#writtenAt = performance.now();
  }
}
