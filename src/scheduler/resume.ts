import * as v from 'valibot';
import type { ExperimentConfig } from '../config.ts';
import { FormatError } from '../formats/format-error.ts';
import { readSafetensors, SafetensorsError, toFloat32 } from '../formats/safetensors.ts';
import type { ExperimentEvent, UpdateRecord } from '../results.ts';
import { eventsOfLog, parseEvent, type Referred, type StoredEvent } from '../run-folder/events.ts';
import { EVENTS, METRICS, seedFiles } from '../run-folder/names.ts';
import { subsetPlaces } from '../run-folder/pool-rows.ts';
import { logOfOlderRun } from '../run-folder/older-events.ts';
import { at, updatesPerEpoch } from '../run-plan.ts';
import type { Task } from '../tasks/task.ts';
import type { ByMethod, MethodName } from '../selection/methods.ts';
import { DamageError, AppendedFile } from './appended-file.ts';
import type { FoundCheckpoint } from './checkpoint.ts';
import { SeedCompletions } from './completion-log.ts';
import { readOlderProgress } from './older-progress.ts';
import { keyOf } from './pool.ts';
import { advance, freshProgress, type Progress } from './progress.ts';
import { columnOf, meansOf } from './reward-matrix.ts';
import type { RunArchive } from './run-archive.ts';
import type { RunStore } from './run-store.ts';
import { checked, readRecord, readStanding, type Standing } from './standing.ts';

/** The run that is to continue. */
export interface RunToResume {
  readonly config: ExperimentConfig;
  readonly seeds: readonly number[];
  readonly task: Task;
  readonly rows: ByMethod<number>;
}

/** The data that a resume has read: the state of the run and its history. */
export interface ResumeState {
  readonly found: FoundCheckpoint;
  readonly standing: Standing;
  readonly progress: Progress;
  /** All events except the start of the run. */
  readonly events: readonly ExperimentEvent[];
  readonly files: Pick<RunArchive, 'records' | 'events' | 'completions'>;
  /** Damaged files that the run continues without. */
  readonly damaged: readonly string[];
}

/**
 * Reads and checks a checkpoint's content and the files that belong to it.
 *
 * @param strict Whether to refuse damaged files that the run can do without.
 * @throws DamageError
 */
export async function readResumeState(
  archive: RunArchive,
  run: RunToResume,
  found: FoundCheckpoint,
  strict: boolean,
): Promise<ResumeState> {
  const { store } = archive;
  const { config, seeds, task } = run;
  const { file, layout } = found;
  const hasBase = found.base.size > 0 || found.baseDigest !== undefined;
  if (found.pretraining === null && !(found.ppo && found.matrix && hasBase)) {
    throw new DamageError(`${file} is damaged: it holds no network`);
  }
  const history =
    layout === 3 ? await readHistory(store, found) : await olderHistory(store, run, found);
  const { log, records, standing } = history;
  if (standing.pretrained > (config.base?.updates ?? 0)) {
    throw new DamageError(`${file} is damaged: pretrained: ${standing.pretrained} is out of range`);
  }
  const progress = freshProgress();
  const events: ExperimentEvent[] = [];
  try {
    for await (const event of eventsOfLog(log, records, referredIn(store, run, found, log))) {
      advance(progress, event, run);
      if (event.type === 'scores') await archive.expect(event.files);
      if (event.type !== 'started') events.push(event);
    }
  } catch (cause) {
    if (cause instanceof RangeError) {
      throw new DamageError(`${EVENTS} is damaged: ${cause.message}`, { cause });
    }
    throw damageOf(cause);
  }
  const { seedIndex, methodIndex, iteration } = progress;
  if (history.iteration !== undefined && history.iteration !== iteration) {
    throw new DamageError(`${file} is damaged: iteration: ${history.iteration} is out of range`);
  }
  // Each seed's first method makes the selections that its other methods need.
  if (progress.seeds.length !== seedIndex + (methodIndex > 0 ? 1 : 0)) {
    throw new DamageError(`${file} is damaged: seeds: ${progress.seeds.length} were scored`);
  }
  const epochs =
    methodIndex === 0
      ? Math.min(
          Math.ceil(iteration / updatesPerEpoch(config, task.poolPrompts)),
          config.experiment.epochs,
        )
      : config.experiment.epochs;
  const completions = new SeedCompletions(config, at(seeds, seedIndex, 'seed'));
  const begun = { epochs, methods: methodIndex + 1 };
  const damaged = await completions.load(store, begun, layout === 1 ? undefined : found.files);
  const [first] = damaged;
  if (strict && layout > 1 && first !== undefined) throw new DamageError(`${first} is damaged`);
  const files = { records: history.recordFile, events: history.eventFile, completions };
  return { found, standing, progress, events, files, damaged };
}

/** What must be known of the files that a run goes on with. */
export const damageWarnings = ({ found, damaged }: ResumeState): string[] => [
  ...(found.layout === 1
    ? [`${found.file} is of version 0.1.0, which kept no digests: it is taken as it is`]
    : []),
  ...damaged.map((file) => `${file} is damaged: its responses are not shown`),
];

/** What must be known of results that two adapters or hosts have computed. */
export function moveWarnings(
  { found, progress }: ResumeState,
  { adapter, host }: Pick<FoundCheckpoint, 'adapter' | 'host'>,
): string[] {
  if (found.adapter === adapter && found.host === host) return [];
  return [
    `resumed on another adapter after ${progress.updates} updates: on ${adapter} ` +
      `in ${host}, before on ${found.adapter} in ${found.host}; bit-for-bit no longer holds`,
  ];
}

interface History {
  readonly standing: Standing;
  readonly log: readonly StoredEvent[];
  readonly records: readonly UpdateRecord[];
  readonly recordFile: AppendedFile;
  readonly eventFile: AppendedFile;
  /** The iteration that the checkpoint states, if the log alone does not tell it. */
  readonly iteration: number | undefined;
}

async function readHistory(store: RunStore, found: FoundCheckpoint): Promise<History> {
  const standing = readStanding(found.progress, found.file);
  const recordFile = new AppendedFile(METRICS);
  const records = await recordsIn(store, found, recordFile, standing.updates);
  const eventFile = new AppendedFile(EVENTS);
  const mark = found.files.get(EVENTS);
  if (!mark) throw new DamageError(`${found.file} is damaged: it has no events`);
  const lines = await eventFile.resume(store, mark);
  try {
    const log = lines.map((line, i) => parseEvent(line, `${EVENTS} line ${i + 1}`));
    return { standing, log, records, recordFile, eventFile, iteration: undefined };
  } catch (cause) {
    throw damageOf(cause);
  }
}

/** The history of a version without a log: builds a log from the run's other files. */
async function olderHistory(
  store: RunStore,
  { config, seeds, task }: RunToResume,
  found: FoundCheckpoint,
): Promise<History> {
  const { file, layout, adapter, host } = found;
  const of = { config, seeds, adapter, host, poolSize: task.poolPrompts };
  const older = readOlderProgress(found.progress, layout === 1 ? 1 : 2, of, file);
  const recordFile = new AppendedFile(METRICS);
  const { standing, iteration } = older;
  if (older.records) for (const record of older.records) recordFile.add(JSON.stringify(record));
  const records = older.records ?? (await recordsIn(store, found, recordFile, standing.updates));
  const log = logOfOlderRun({ ...older.run, records });
  const eventFile = new AppendedFile(EVENTS);
  for (const event of log) eventFile.add(JSON.stringify(event));
  return { standing, log, records, recordFile, eventFile, iteration };
}

async function recordsIn(
  store: RunStore,
  { files, file }: FoundCheckpoint,
  log: AppendedFile,
  updates: number,
): Promise<readonly UpdateRecord[]> {
  const mark = files.get(METRICS);
  const lines = mark ? await log.resume(store, mark) : [];
  if (lines.length !== updates) {
    throw new DamageError(`${METRICS} is damaged: ${lines.length} updates, ${file} has ${updates}`);
  }
  return lines.map((line, i) => readRecord(line, `${METRICS} line ${i + 1}`));
}

const scoreRows = v.array(v.object({ score: v.nullable(v.number()) }));

/** The data that a log refers to, from the run's files and the checkpoint to continue from. */
function referredIn(
  store: RunStore,
  { config, seeds, task }: RunToResume,
  { matrix }: FoundCheckpoint,
  log: readonly StoredEvent[],
): Referred {
  const scored = new Set(log.flatMap((event) => (event.type === 'scores' ? [event.seed] : [])));
  const { epochs } = config.experiment;
  const rewards = new Map<number, ReturnType<typeof meansOf>>();
  const read = async (path: string): Promise<Uint8Array> => {
    const bytes = await store.read(path);
    if (!bytes) throw new DamageError(`${path} is missing`);
    return bytes;
  };
  const rows = async <Schema extends v.GenericSchema>(path: string, schema: Schema) => {
    let value: unknown;
    try {
      value = JSON.parse(new TextDecoder().decode(await read(path)));
    } catch (cause) {
      if (!(cause instanceof SyntaxError)) throw cause;
      throw new DamageError(`${path} is damaged: not JSON`, { cause });
    }
    return checked(schema, value, path);
  };
  const meansOfSeed = async (seed: number) => {
    const path = seedFiles(seed, seeds).rewards;
    // The files are written when FULL is done. Before that, only the checkpoint has the rewards.
    if (!scored.has(seed)) {
      if (!matrix) throw new DamageError(`${EVENTS} is damaged: a column and no matrix`);
      return meansOf(matrix);
    }
    const bytes = await read(path);
    const { tensors } = readSafetensors(bytes, path);
    const mean = (name: string): Float32Array => {
      const entry = tensors.get(name);
      if (!entry) throw new DamageError(`${path} is damaged: no tensor '${name}'`);
      return toFloat32(entry, path);
    };
    return { accuracy: mean('accuracy'), reward: mean('reward') };
  };
  return {
    where: EVENTS,
    config,
    seeds,
    pool: (seed) =>
      Promise.resolve(task.pool(seed).map((one) => ({ text: one.text, ...keyOf(one) }))),
    async column(seed, epoch) {
      const means = rewards.get(seed) ?? (await meansOfSeed(seed));
      rewards.set(seed, means);
      return columnOf(means, epochs, epoch);
    },
    async scores(seed, methods) {
      const names = seedFiles(seed, seeds);
      const found = await rows(names.scores, scoreRows);
      const size = task.poolPrompts;
      if (found.length !== size) {
        throw new DamageError(`${names.scores} is damaged: ${found.length} prompts, not ${size}`);
      }
      const selections: Partial<Record<MethodName, number[]>> = {};
      for (const method of methods) {
        selections[method] = await rows(names.subset(method), subsetPlaces);
      }
      return { scores: Float64Array.from(found, ({ score }) => score ?? NaN), selections };
    },
  };
}

/** Turns an error from reading a log into a DamageError if the log is at fault. */
function damageOf(cause: unknown): unknown {
  const refused = cause instanceof FormatError || cause instanceof SafetensorsError;
  return refused ? new DamageError(`${cause.message} (damaged)`, { cause }) : cause;
}
