// The parts of a run's course that its config alone determines.
import { type ExperimentConfig, taughtTogether } from './config.ts';
import {
  type ByMethod,
  isSupervised,
  methodLabel,
  type MethodName,
  onlineOf,
} from './selection/methods.ts';
import { updatesAt } from './readouts.ts';
import { iterationsFor } from './rollout-order.ts';
import type { TaskShape } from './tasks/task.ts';
import { estimatorLabel } from './vocabulary/estimators.ts';

/** Methods in training order. FULL is first, as the other selections come from its rewards. */
export const trainingOrder = ({ experiment }: ExperimentConfig): readonly MethodName[] => [
  'full',
  ...experiment.methods.filter((method) => method !== 'full'),
];

/** PPO iterations of one data epoch of FULL on a pool of `pool` prompts. */
export const updatesPerEpoch = (config: ExperimentConfig, pool: number): number =>
  iterationsFor(config, pool, 1);

/**
 * Columns of the reward matrix of online methods: stretches of as many iterations as a data epoch of
 * FULL has; 0 if no method is online.
 */
export function onlineEpochs(config: ExperimentConfig, pool: number): number {
  const iterations = config.experiment.methods.map((method) =>
    onlineOf(method) ? iterationsOf(config, method, pool) : 0,
  );
  return Math.ceil(Math.max(...iterations) / updatesPerEpoch(config, pool));
}

/**
 * Prompts that a method trains on: the pool for FULL and for online methods, rows for supervised ones,
 * else its selection's; undefined if that is not known yet.
 */
export const promptsOf = (
  method: MethodName,
  pool: number,
  sizes: ByMethod<number>,
): number | undefined => (method === 'full' || onlineOf(method) ? pool : sizes[method]);

/** Most tokens of a row that supervised methods learn. */
export const longestTaught = (
  { sft }: Pick<ExperimentConfig, 'sft'>,
  { maxPromptTokens, maxResponseTokens }: Pick<TaskShape, 'maxPromptTokens' | 'maxResponseTokens'>,
): number => sft?.maxTokens ?? maxPromptTokens + maxResponseTokens;

/** How long a method but FULL is trained, in the unit of the budget. */
const armLengthOf = ({ experiment, sft }: ExperimentConfig, method: MethodName): number =>
  (isSupervised(method) ? sft?.length : undefined) ?? experiment.armLength;

/** Updates of a method at a read-out, as `updatesAt`, for supervised ones too: an epoch is of their rows. */
const updatesOf = (
  config: ExperimentConfig,
  method: MethodName,
  readout: number,
  prompts: number,
): number =>
  isSupervised(method) && config.experiment.budget === 'epochs'
    ? readout * Math.ceil(prompts / taughtTogether(config))
    : updatesAt(config, readout, prompts);

/** PPO iterations of FULL whose rewards enter the matrix, on a pool of `pool` prompts. */
export const scoredIterations = (config: ExperimentConfig, pool: number): number =>
  config.experiment.epochs * updatesPerEpoch(config, pool);

/**
 * PPO iterations of a method on `prompts` prompts. For FULL and for online methods, `prompts` is the
 * size of the pool.
 */
export function iterationsOf(
  config: ExperimentConfig,
  method: MethodName,
  prompts: number,
): number {
  const { experiment } = config;
  if (method === 'full') {
    const { fullLength } = experiment;
    return fullLength === undefined
      ? scoredIterations(config, prompts)
      : updatesAt(config, fullLength, prompts);
  }
  return prompts === 0 ? 0 : updatesOf(config, method, armLengthOf(config, method), prompts);
}

/**
 * Limit on the tokens of responses that a method samples after so many iterations; undefined for the
 * task's own.
 */
export const responseLimit = (
  { rollout }: Pick<ExperimentConfig, 'rollout'>,
  iteration: number,
): number | undefined => rollout.responseLengths?.findLast(({ from }) => from <= iteration)?.tokens;

/**
 * Read-outs that a method on `prompts` prompts reaches with an iteration. An iteration reaches at
 * most one, except at equal epochs with fewer prompts than a rollout. The end of a method is always
 * a read-out.
 *
 * @param iteration Number of iterations done.
 */
export function readoutsReached(
  config: ExperimentConfig,
  method: MethodName,
  prompts: number,
  iteration: number,
): number[] {
  const { experiment } = config;
  const { fullLength = experiment.epochs } = experiment;
  const epochs = method === 'full' ? fullLength : armLengthOf(config, method);
  const end = experiment.budget === 'updates' ? iterationsOf(config, method, prompts) : epochs;
  return [...new Set([...experiment.readouts, end])].filter(
    (readout) => readout <= end && updatesOf(config, method, readout, prompts) === iteration,
  );
}

/**
 * PPO iterations of a whole run.
 *
 * @param pool Prompts of the pool.
 * @param sizes Prompts of each method for the first seed, if known. A method of unknown size counts
 *   as an eighth of the pool.
 */
export function plannedUpdates(
  config: ExperimentConfig,
  pool: number,
  seeds: number,
  sizes: ByMethod<number>,
): number {
  const known: ByMethod<number> = { ...sizes, full: pool };
  const lengths = trainingOrder(config).map((method) =>
    iterationsOf(config, method, known[method] ?? Math.ceil(pool / 8)),
  );
  return seeds * lengths.reduce((sum, length) => sum + length, 0);
}

/** A heading for the training of a method. */
export function trainingText(
  { ppo: { estimator } }: Pick<ExperimentConfig, 'ppo'>,
  method: MethodName,
  iterations: number,
): string {
  const learner = estimatorLabel(estimator);
  if (method === 'full') {
    return `${learner} on the full pool, ${iterations} updates, recording every prompt's reward`;
  }
  if (isSupervised(method)) {
    return `supervised fine-tuning from the base under ${methodLabel(method)}, ${iterations} updates`;
  }
  if (onlineOf(method)) {
    return `${learner} from the base on the pool under ${methodLabel(method)}, ${iterations} updates`;
  }
  return iterations === 0
    ? `${methodLabel(method)} kept no prompt: nothing to train on`
    : `${learner} from the base on the ${methodLabel(method)} subset, ${iterations} updates`;
}

/**
 * The item at an index of a run's seeds or methods. @throws RangeError if there is no such item.
 */
export function at<Item>(list: readonly Item[], index: number, what: string): Item {
  const item = list[index];
  if (item === undefined) throw new RangeError(`the run has no ${what} ${index} of ${list.length}`);
  return item;
}
