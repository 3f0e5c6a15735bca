// The course of a run, as far as its config alone decides it.
import type { ExperimentConfig } from './config.ts';
import { methodLabel, type MethodName } from './vocabulary/methods.ts';
import { updatesAt } from './readouts.ts';

/** Methods in the order in which they are trained: FULL first, for the others come from its rewards. */
export const trainingOrder = ({ experiment }: ExperimentConfig): readonly MethodName[] => [
  'full',
  ...experiment.methods.filter((method) => method !== 'full'),
];

/** PPO iterations of a data epoch of FULL on a pool of so many prompts. */
export const updatesPerEpoch = ({ rollout }: ExperimentConfig, pool: number): number =>
  Math.ceil(pool / rollout.prompts);

/** PPO iterations of a method on `prompts` prompts, of FULL the pool's. */
export function iterationsOf(
  config: ExperimentConfig,
  method: MethodName,
  prompts: number,
): number {
  const { experiment } = config;
  if (method === 'full') return experiment.epochs * updatesPerEpoch(config, prompts);
  return prompts === 0 ? 0 : updatesAt(config, experiment.armLength, prompts);
}

/**
 * Read-outs that a method on `prompts` prompts reaches with an iteration: one at most, but for equal
 * epochs of a subset smaller than a rollout. The end of a method is always a read-out.
 *
 * @param iteration Iterations done.
 */
export function readoutsReached(
  config: ExperimentConfig,
  method: MethodName,
  prompts: number,
  iteration: number,
): number[] {
  const { experiment } = config;
  const epochs = method === 'full' ? experiment.epochs : experiment.armLength;
  const end = experiment.budget === 'updates' ? iterationsOf(config, method, prompts) : epochs;
  return [...new Set([...experiment.readouts, end])].filter(
    (readout) => readout <= end && updatesAt(config, readout, prompts) === iteration,
  );
}

/**
 * PPO iterations of a whole run.
 *
 * @param pool Prompts of the pool.
 * @param sizes Prompts of each method of the first seed, as far as they are known: a method of
 *   unknown size counts with an eighth of the pool.
 */
export function plannedUpdates(
  config: ExperimentConfig,
  pool: number,
  seeds: number,
  sizes: Readonly<Partial<Record<MethodName, number>>>,
): number {
  const known = { ...sizes, full: pool };
  const lengths = trainingOrder(config).map((method) =>
    iterationsOf(config, method, known[method] ?? Math.ceil(pool / 8)),
  );
  return seeds * lengths.reduce((sum, length) => sum + length, 0);
}

/** A method's training as a heading. */
export const trainingText = (method: MethodName, iterations: number): string =>
  method === 'full'
    ? `PPO on the full pool, ${iterations} updates, recording every prompt's reward`
    : iterations === 0
      ? `${methodLabel(method)} kept no prompt: nothing to train on`
      : `PPO from the base on the ${methodLabel(method)} subset, ${iterations} updates`;

/** @throws RangeError for a place that a list of a run's seeds or methods has not. */
export function at<Item>(list: readonly Item[], index: number, what: string): Item {
  const item = list[index];
  if (item === undefined) throw new RangeError(`the run has no ${what} ${index} of ${list.length}`);
  return item;
}
