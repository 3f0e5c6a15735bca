// An iteration of a method that learns rows with their responses.
import { ConfigError } from '../config-error.ts';
import { type ExperimentConfig, taughtFilesOf, taughtTogether } from '../config.ts';
import type { InputFiles } from '../formats/input-files.ts';
import type { LearningRow } from '../formats/learning-rows.ts';
import type { LrSchedule } from '../optim/lr-schedule.ts';
import { RandomStream } from '../random.ts';
import type { UpdateRecord } from '../results.ts';
import { iterationsOf, longestTaught } from '../run-plan.ts';
import { methodCode, type MethodName } from '../selection/methods.ts';
import type { SupervisedUpdates } from '../supervised/updates.ts';
import type { Task } from '../tasks/task.ts';

/** The rows that a run's supervised methods learn, by the methods' names. */
export type TaughtRows = ReadonlyMap<MethodName, readonly LearningRow[]>;

/**
 * Reads the files of a config's supervised methods.
 *
 * @throws ConfigError if a file is missing, or the task has no texts; FormatError naming file and row.
 */
export async function openTaughtRows(
  config: ExperimentConfig,
  task: Task,
  files: InputFiles,
): Promise<TaughtRows> {
  const opened = new Map<MethodName, readonly LearningRow[]>();
  for (const [method, path] of taughtFilesOf(config)) {
    const source = await files.open(path);
    if (!source) throw new ConfigError(`experiment.methods: ${path} does not exist`);
    if (!task.learned) {
      throw new ConfigError(`experiment.methods: the task ${task.name} has no texts to learn`);
    }
    opened.set(method, await task.learned(source, longestTaught(config, task)));
  }
  return opened;
}

/** The rate of a method's updates. */
function scheduleOf(config: ExperimentConfig, method: MethodName, rows: number): LrSchedule {
  const { sft = {}, adapter } = config;
  return {
    schedule: sft.schedule ?? 'constant',
    learningRate: sft.learningRate ?? (adapter ? 2e-4 : 1e-5),
    warmupUpdates: sft.warmupUpdates ?? 0,
    horizonUpdates: iterationsOf(config, method, rows),
    minimumShare: 0,
  };
}

/** The iteration to do. */
export interface TaughtPlace {
  readonly method: MethodName;
  readonly seed: number;
  readonly rows: readonly LearningRow[];
  /** Iterations of the method before this one. */
  readonly iteration: number;
}

/**
 * Does one update on the next rows of an endless order, in which each data epoch is a shuffle of its
 * own. An epoch ends with a smaller update where its rows are not enough for a whole one.
 *
 * @throws NonFiniteError if the update is not finite.
 */
export async function iterateTaught(
  config: ExperimentConfig,
  updates: SupervisedUpdates,
  { method, seed, rows, iteration }: TaughtPlace,
): Promise<UpdateRecord> {
  const started = performance.now();
  const together = taughtTogether(config);
  const perEpoch = Math.ceil(rows.length / together);
  const epoch = Math.floor(iteration / perEpoch);
  const order = new RandomStream(seed, 'promptOrder', methodCode(method), epoch).shuffle([...rows]);
  const first = (iteration % perEpoch) * together;
  const done = await updates.update(
    order.slice(first, first + together),
    scheduleOf(config, method, rows.length),
  );
  const seconds = (performance.now() - started) / 1000;
  return {
    seed,
    method,
    update: iteration + 1,
    epoch,
    metrics: {
      supervised_loss: done.loss,
      actor_grad_norm: done.gradNorm,
      actor_lr: done.learningRate,
      tokens_per_second: done.tokens / seconds,
      step_ms: seconds * 1000,
    },
  };
}
