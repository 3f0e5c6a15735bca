import { type ExperimentConfig, startsFromFolder } from '../config.ts';
import type { Evaluation } from '../results.ts';
import {
  iterationsOf,
  readoutsReached,
  scoredIterations,
  trainingText,
  updatesPerEpoch,
} from '../run-plan.ts';
import { promptsRolledOut } from '../rollout-order.ts';
import { trainedFolder } from '../run-folder/names.ts';
import type { MethodName } from '../selection/methods.ts';
import type { Task } from '../tasks/task.ts';
import type { Base } from './base.ts';
import type { Evaluator } from './evaluator.ts';
import type { ExperimentHost } from './experiment-host.ts';
import { iterate } from './iteration.ts';
import type { Pool } from './pool.ts';
import { progressEvent } from './progress.ts';
import { columnOf, meansOf, readMatrix } from './reward-matrix.ts';
import type { RunArchive } from './run-archive.ts';
import type { RunLog } from './run-log.ts';
import { trainedFiles } from './trained-files.ts';
import type { TrustedBuffers } from './trusted-buffers.ts';
import type { WorkClock } from './work-clock.ts';

/** What a method is trained with. */
export interface MethodTools {
  readonly host: ExperimentHost;
  readonly config: ExperimentConfig;
  readonly task: Task;
  readonly seeds: readonly number[];
  readonly base: Base;
  readonly log: RunLog;
  readonly archive: RunArchive;
  readonly buffers: TrustedBuffers;
  readonly evaluator: Evaluator;
  readonly clock: WorkClock;
  /** PPO iterations of the whole run, as far as is known. */
  readonly totalUpdates: () => number;
  /** Awaited before every iteration. False ends the stage early. */
  readonly mayContinue: () => Promise<boolean>;
  /** Whether the time for a checkpoint has come. */
  readonly checkpointDue: () => boolean;
  readonly checkpoint: () => Promise<void>;
}

/** A method with what it trains on. */
export interface MethodPlace {
  readonly pool: Pool;
  readonly method: MethodName;
  /** Places in the pool. */
  readonly prompts: readonly number[];
}

/**
 * Trains a method from the base, or goes on with it where its progress stands: iterations, columns
 * of the reward matrix, read-outs and checkpoints.
 *
 * @returns False when stopped on the way.
 * @throws NonFiniteUpdateError at the update whose loss is not finite.
 */
export async function trainMethod(tools: MethodTools, place: MethodPlace): Promise<boolean> {
  const { host, config, task, base, log, archive, buffers, clock } = tools;
  const { pool, method, prompts } = place;
  const { progress } = log;
  const length = iterationsOf(config, method, prompts.length);
  log.enter(pool.seed, method, trainingText(method, length));
  const { trainer, decoder } = buffers.current;
  if (progress.iteration === 0) await trainer.reset(base.source, pool.seed);
  const verify = log.judging((request) => host.verify(request), 'training');
  const { completions } = archive;
  const forIteration = { config, task, pool, decoder, trainer, verify, completions };
  while (progress.iteration < length) {
    if (!(await tools.mayContinue())) return false;
    clock.startLap();
    const { iteration } = progress;
    const record = await iterate(forIteration, { method, prompts, iteration });
    log.tell({ type: 'update', ...record });
    await lookAround(tools, place, length);
    clock.endLap();
    const { updates } = progress;
    host.emit(progressEvent(updates, tools.totalUpdates(), clock.pace, record.metrics));
  }
  await keepTrained(tools, place);
  return true;
}

/** What an iteration may complete: a column of the matrix, a read-out, the time to a checkpoint. */
async function lookAround(tools: MethodTools, place: MethodPlace, length: number): Promise<void> {
  const { config, task, log } = tools;
  const { pool, method, prompts } = place;
  const { iteration } = log.progress;
  const perEpoch = updatesPerEpoch(config, task.poolPrompts);
  const scored = iteration <= scoredIterations(config, task.poolPrompts);
  if (method === 'full' && scored && iteration % perEpoch === 0) {
    await tellColumn(tools, pool.seed, iteration / perEpoch - 1);
  }
  const readouts = readoutsReached(config, method, prompts.length, iteration);
  if (readouts.length > 0) await evaluate(tools, place, readouts);
  const { checkpointEvery } = config.experiment;
  if (iteration % checkpointEvery === 0 || iteration === length || tools.checkpointDue()) {
    await tools.checkpoint();
  }
}

async function tellColumn(
  { host, config, log, buffers }: MethodTools,
  seed: number,
  epoch: number,
): Promise<void> {
  const means = meansOf(await readMatrix(host.gpu, buffers.current.matrix));
  const column = columnOf(means, config.experiment.epochs, epoch);
  log.tell({ type: 'column', seed, epoch, ...column });
}

async function evaluate(
  { config, log, buffers, evaluator }: MethodTools,
  { pool: { seed }, method, prompts }: MethodPlace,
  readouts: readonly number[],
): Promise<void> {
  if (!evaluator.evaluates) return;
  const { rollout, experiment } = config;
  const { iteration } = log.progress;
  const samples = promptsRolledOut(config, prompts.length, iteration) * rollout.samples;
  const accuracy = await evaluator.evaluate(buffers.current.decoder, seed);
  for (const readout of readouts) {
    const epochs = experiment.budget === 'epochs' ? { epochs: readout } : {};
    const found: Evaluation = { seed, update: iteration, ...epochs, samples, ...accuracy };
    log.tell({ type: 'evaluation', method, ...found });
  }
}

/** Writes what a method has trained of a given model. Others than FULL may have no prompts. */
async function keepTrained(
  { host: { given }, config, seeds, log, archive, buffers }: MethodTools,
  { pool: { seed }, method }: MethodPlace,
): Promise<void> {
  if (!given || !startsFromFolder(config) || log.progress.iteration === 0) return;
  const { actor } = await buffers.current.trainer.save();
  const { folder, files } = await trainedFiles(config, given, actor.parameters);
  await archive.writeTrained(trainedFolder(folder, method, seed, seeds), files);
}
