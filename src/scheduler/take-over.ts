import type { ExperimentConfig } from '../config.ts';
import { lineOf, parseEvent } from '../run-folder/events.ts';
import { checkpointName, EVENTS } from '../run-folder/names.ts';
import { iterationsOf, onlineEpochs, plannedUpdates } from '../run-plan.ts';
import { passConfig } from '../shared-pass.ts';
import { poolPromptsOf } from '../tasks/registry.ts';
import { AppendedFile, checkMark, DamageError, markedPieces } from './appended-file.ts';
import { CheckpointError, Checkpoints, type FoundCheckpoint } from './checkpoint.ts';
import type { HostMatrix } from './reward-matrix.ts';
import type { RunStore } from './run-store.ts';
import { readStanding } from './standing.ts';

/** A run of one seed, as its folder's config tells. */
export interface SeedRun {
  readonly config: ExperimentConfig;
  readonly configHash: string;
  readonly seed: number;
}

/**
 * Begins a run with the FULL pass of another: an empty store then holds what the run itself would
 * have left behind at the end of FULL, and a resume goes on from there, to the same bytes. Only times
 * tell the two apart.
 *
 * @param pass A run of `passConfig(run.config)` that is finished.
 * @throws CheckpointError if the pass is of another experiment or seed, is not finished, or is
 *   damaged.
 */
export async function takeOverPass(
  from: RunStore,
  pass: SeedRun,
  to: RunStore,
  run: SeedRun,
): Promise<void> {
  const { config, configHash, seed } = run;
  const pool = poolPromptsOf(config.task);
  const shared = passConfig(config);
  const same = JSON.stringify(shared) === JSON.stringify(pass.config) && pass.seed === seed;
  if (pool === undefined || !shared || !same) {
    throw new CheckpointError('a run can only begin with the FULL pass of its own config and seed');
  }
  const end = iterationsOf(config, 'full', pool);
  const found = await new Checkpoints(from).find(
    { configHash: pass.configHash, seeds: [seed] },
    async (one) => {
      await expectWhole(from, one, end);
      return one;
    },
    () => undefined, // a damaged newest checkpoint ends in a refusal, as the one before is too early
  );
  if (!found) throw new CheckpointError('the FULL pass has no checkpoint');
  const files = Object.fromEntries(found.files);
  for (const [path, mark] of found.files) {
    if (path !== EVENTS) await to.write(path, markedPieces(from, path, mark));
  }
  const events = new AppendedFile(EVENTS);
  const total = plannedUpdates(config, pool, 1, {});
  for (const line of await linesOf(from, found)) events.add(restarted(line, run, total));
  await events.flush(to);
  await new Checkpoints(to).write(
    checkpointName({ seedIndex: 0, method: 'full', update: end }),
    { ...found, configHash, online: untouched(config, pool) },
    { ...files, [EVENTS]: events.mark },
  );
}

/** The matrix of online methods before the first of them; undefined if a run has none. */
function untouched(config: ExperimentConfig, pool: number): HostMatrix | undefined {
  const cells = pool * onlineEpochs(config, pool);
  if (cells === 0) return undefined;
  return {
    accuracySums: new Float32Array(cells),
    rewardSums: new Float32Array(cells),
    samples: new Uint32Array(cells),
  };
}

/** @throws DamageError unless a checkpoint is whole and of the end of a FULL pass. */
async function expectWhole(store: RunStore, found: FoundCheckpoint, end: number): Promise<void> {
  const { file, files, layout, progress, matrix } = found;
  const { updates } = readStanding(progress, file);
  if (layout !== 3 || !matrix || updates !== end) {
    throw new DamageError(`${file}: is not of the end of FULL, after ${end} updates`);
  }
  for (const [path, mark] of files) await checkMark(store, path, mark);
}

async function linesOf(store: RunStore, { files, file }: FoundCheckpoint): Promise<string[]> {
  const mark = files.get(EVENTS);
  if (!mark) throw new CheckpointError(`${file}: has no events`);
  return new AppendedFile(EVENTS).resume(store, mark);
}

/** A line of the log, with the number of updates of the run that it begins. */
function restarted(line: string, { config, seed }: SeedRun, totalUpdates: number): string {
  const event = parseEvent(line, EVENTS);
  if (event.type !== 'started') return line;
  const { adapter, host } = event;
  const started = { type: 'started', adapter, host, config, seeds: [seed], totalUpdates } as const;
  return lineOf(started, event.after) ?? line;
}
