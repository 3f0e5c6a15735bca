import type { ExperimentConfig } from '../config.ts';
import type { Evaluation } from '../results.ts';
import {
  iterationsOf,
  readoutsReached,
  scoredIterations,
  trainingText,
  updatesPerEpoch,
} from '../run-plan.ts';
import { promptsRolledOut, turnsOf } from '../rollout-order.ts';
import { isSupervised, type MethodName, onlineOf } from '../selection/methods.ts';
import type { OnlineUpdate } from '../selection/online.ts';
import type { Task } from '../tasks/task.ts';
import type { Base } from './base.ts';
import type { Evaluator } from './evaluator.ts';
import type { ExperimentHost } from './experiment-host.ts';
import { iterate, type IterationTools } from './iteration.ts';
import { keepTrained } from './kept-weights.ts';
import { narrowingOf } from './narrowing.ts';
import { iterateOnline, type OnlineTools } from './online-iteration.ts';
import type { Pool } from './pool.ts';
import { progressEvent } from './progress.ts';
import { clearMatrix, columnOf, meansOf, readMatrix } from './reward-matrix.ts';
import type { RunArchive } from './run-archive.ts';
import type { RunLog } from './run-log.ts';
import { iterateTaught, type TaughtRows } from './supervised-iteration.ts';
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
  /** What supervised methods learn. */
  readonly taught: TaughtRows;
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
  /** Places in the pool, or of the rows that a supervised method learns. */
  readonly prompts: readonly number[];
}

/**
 * Trains a method from the base, or goes on with it where its progress stands: iterations, columns
 * of the reward matrix, read-outs and checkpoints.
 *
 * @returns False when stopped on the way.
 * @throws NonFiniteUpdateError, or NonFiniteError of a supervised method, at the update whose loss is not
 *   finite.
 */
export async function trainMethod(tools: MethodTools, place: MethodPlace): Promise<boolean> {
  const { host, config, task, base, log, archive, buffers, clock } = tools;
  const { pool, method, prompts } = place;
  const { progress } = log;
  const length = iterationsOf(config, method, prompts.length);
  log.enter(pool.seed, method, trainingText(config, method, length));
  const { trainer, decoder, online } = buffers.current;
  if (progress.iteration === 0) {
    await trainer.reset(base.source, pool.seed);
    if (online && onlineOf(method)) clearMatrix(host.gpu, online.matrix);
  }
  const verify = log.judging((request) => host.verify(request), 'training');
  const completions = archive.completions.of(method);
  const forIteration = { config, task, pool, decoder, trainer, verify, completions };
  const chooses = onlineTraining(tools, place, forIteration);
  const { supervised } = buffers.current;
  const rows = tools.taught.get(method);
  while (progress.iteration < length) {
    if (!(await tools.mayContinue())) return false;
    clock.startLap();
    const { iteration } = progress;
    const record =
      rows && supervised
        ? await iterateTaught(config, supervised, { method, seed: pool.seed, rows, iteration })
        : chooses
          ? await iterateOnline(chooses(), { method, iteration })
          : await iterate(forIteration, { method, prompts, iteration });
    log.tell({ type: 'update', ...record });
    await lookAround(tools, place, length);
    clock.endLap();
    const { updates } = progress;
    host.emit(progressEvent(updates, tools.totalUpdates(), clock.pace, record.metrics));
  }
  await keepOnlineMatrix(tools, place);
  if (progress.iteration > 0) await keepTrained(tools, place);
  return true;
}

/**
 * What the iterations of an online method use, its policy being where the iterations so far have
 * brought it; undefined for other methods.
 */
function onlineTraining(
  { host: { gpu }, config, log, buffers }: MethodTools,
  { pool, method }: MethodPlace,
  forIteration: IterationTools,
): (() => OnlineTools) | undefined {
  const own = onlineOf(method);
  const { online } = buffers.current;
  if (!own || !online) return undefined;
  const { seed } = pool;
  const policy = own.policy({
    seed,
    code: own.code,
    pool: pool.size,
    samples: config.rollout.samples,
    settings: config.online ?? {},
    turnsOf: (prompts, iteration) => turnsOf(config, prompts, iteration),
  });
  for (const update of log.progress.online) policy.learn(update);
  const narrow = (epochs: number) => narrowingOf(gpu, config, online.matrix, { epochs, seed });
  return () => {
    const isNarrowed = log.progress.online.some(({ narrowed }) => narrowed);
    return {
      ...forIteration,
      policy,
      recorder: online.recorder,
      narrow: own.narrows && !isNarrowed ? narrow : undefined,
    };
  };
}

/** Writes the matrix that an online method has filled. */
async function keepOnlineMatrix(
  { host: { gpu }, seeds, archive, buffers }: MethodTools,
  { pool, method }: MethodPlace,
): Promise<void> {
  const { online } = buffers.current;
  if (!online || !onlineOf(method)) return;
  await archive.writeOnlineMatrix(pool, seeds, method, await readMatrix(gpu, online.matrix));
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
  const sampled = isSupervised(method) ? 0 : promptsRolledOut(config, prompts.length, iteration);
  const samples = onlineOf(method)
    ? onlineSamples(log.progress.online)
    : { samples: sampled * rollout.samples };
  const accuracy = await evaluator.evaluate(buffers.current.decoder, seed);
  for (const readout of readouts) {
    const epochs = experiment.budget === 'epochs' ? { epochs: readout } : {};
    const found: Evaluation = { seed, update: iteration, ...epochs, ...samples, ...accuracy };
    log.tell({ type: 'evaluation', method, ...found });
  }
}

/** Responses that an online method has generated, and those that its updates were made from. */
function onlineSamples(updates: readonly OnlineUpdate[]) {
  const groups = updates.flatMap((update) => update.groups);
  const sum = (of: typeof groups): number => of.reduce((all, { samples }) => all + samples, 0);
  return { samples: sum(groups), samplesTrained: sum(groups.filter(({ trained }) => trained)) };
}
