import type { ExperimentConfig } from '../config.ts';
import type { UpdateRecord } from '../results.ts';
import { METRICS } from '../run-folder/names.ts';
import { at, iterationsOf, trainingOrder, updatesPerEpoch } from '../run-plan.ts';
import { AppendedFile, DamageError } from './appended-file.ts';
import type { FoundCheckpoint } from './checkpoint.ts';
import { CompletionLog } from './completion-log.ts';
import { readProgress, readRecord, type Progress } from './progress.ts';
import type { RunArchive } from './run-archive.ts';

/** What a resume has read: how the run stood, and what went before. */
export interface Kept {
  readonly found: FoundCheckpoint;
  readonly progress: Progress;
  readonly records: readonly UpdateRecord[];
  readonly log: AppendedFile;
  readonly completions: CompletionLog;
  /** Files that the run goes on without. */
  readonly damaged: readonly string[];
}

/** The run that a checkpoint has to be of. */
export interface KnownRun {
  readonly config: ExperimentConfig;
  readonly seeds: readonly number[];
  readonly poolSize: number;
}

/**
 * What a checkpoint says, checked, with the files that belong to it.
 *
 * @param strict Also refuse files that the run can do without.
 * @throws DamageError
 */
export async function readKept(
  archive: RunArchive,
  { config, seeds, poolSize }: KnownRun,
  found: FoundCheckpoint,
  strict: boolean,
): Promise<Kept> {
  const { store } = archive;
  const { file, files, firstLayout } = found;
  const { experiment, base } = config;
  const methods = trainingOrder(config);
  const { progress, records: held } = readProgress(
    found.progress,
    found.selections,
    {
      methods,
      seeds,
      poolSize,
      pretraining: base.updates,
      length: (method, prompts) => iterationsOf(config, method, prompts),
    },
    firstLayout,
    file,
  );
  if (found.pretraining === null && !(found.ppo && found.matrix && found.base.size > 0)) {
    throw new DamageError(`${file} is damaged: it holds no network`);
  }
  const log = new AppendedFile(METRICS);
  let records = held;
  if (records) for (const record of records) log.add(JSON.stringify(record));
  else {
    const mark = files.get(METRICS);
    const lines = mark ? await log.resume(store, mark) : [];
    records = lines.map((line, i) => readRecord(line, `${METRICS} line ${i + 1}`));
    if (records.length !== progress.updates) {
      throw new DamageError(
        `${METRICS} is damaged: ${records.length} updates, ${file} has ${progress.updates}`,
      );
    }
  }
  const full = methods[progress.methodIndex] === 'full';
  const epochs = full
    ? Math.ceil(progress.iteration / updatesPerEpoch(config, poolSize))
    : experiment.epochs;
  const completions = CompletionLog.of(config, at(seeds, progress.seedIndex, 'seed'));
  const damaged = await completions.load(store, epochs, firstLayout ? undefined : files);
  const [first] = damaged;
  if (strict && !firstLayout && first !== undefined) throw new DamageError(`${first} is damaged`);
  // Of finished FULL passes: what the report and whoever looks at the run will read.
  await archive.expect(progress.written);
  return { found, progress, records, log, completions, damaged };
}
