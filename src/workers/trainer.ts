import type { ExperimentEvent } from '../results.ts';
import { connect, type Connection, type StartWorker } from '../threads/connect.ts';
import type { TrainerApi } from './protocol.ts';

/** The worker that owns the device and trains. */
export type Trainer = Connection<TrainerApi>;

const startTrainer: StartWorker = (Worker) =>
  new Worker(new URL('./trainer.worker.ts', import.meta.url), { type: 'module' });

// The worker first ends an iteration and an evaluation, which take long on a software adapter.
const CLOSE_MS = 180_000;

/**
 * Starts a worker with its own device, ready to `start` a run. Close it before the process exits.
 */
export async function connectTrainer(): Promise<Connection<TrainerApi>> {
  const connection = await connect<TrainerApi>('trainer', startTrainer);
  return { ...connection, close: (graceMs = CLOSE_MS) => connection.close(graceMs) };
}

/**
 * All events of the current run, batch by batch, until it has ended. There is one reader at a time.
 */
export async function* eventsOf(
  trainer: Connection<TrainerApi>,
): AsyncGenerator<readonly ExperimentEvent[], void, void> {
  for (;;) {
    const batch = await trainer.api.events();
    if (batch.length === 0) return;
    yield batch;
  }
}
