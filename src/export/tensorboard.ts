import { fileVersion, scalarRecord } from './event-file.ts';
import { byTraining, type ExportFile, trainingName } from './files.ts';
import { type ExportRun, type RunRow, scalarsOf } from './run-rows.ts';

/**
 * An event file for each training, in a folder of its own, which TensorBoard shows as a run. A step
 * is an update. Tags are `update/KEY` and `evaluation/...`; numbers are rounded to f32, and a
 * number that does not exist is left out. A wall time is the seconds of work on the training's
 * updates, from 0: a run records no dates, and equal runs give equal files.
 */
export async function* eventFilesOf(
  runs: readonly ExportRun[],
): AsyncGenerator<ExportFile, void, void> {
  for (const run of runs) {
    for await (const training of byTraining(run)) {
      const folder = `${run.name}/${trainingName(training)}`;
      yield { path: `${folder}/events.out.tfevents.0.limr`, content: recordsOf(training.rows) };
    }
  }
}

async function* recordsOf(rows: AsyncIterable<RunRow>): AsyncGenerator<Uint8Array, void, void> {
  yield fileVersion();
  for await (const row of rows) {
    const scalars = [...scalarsOf(row)].filter(([, value]) => Number.isFinite(value));
    if (scalars.length === 0) continue;
    yield scalarRecord({
      step: row.update,
      wallTime: row.seconds,
      scalars: scalars.map(([name, value]) => [`${row.kind}/${name}`, value]),
    });
  }
}
