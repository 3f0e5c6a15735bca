import type { ExperimentConfig } from './config.ts';
import type { Evaluation } from './results.ts';
import { iterationsFor } from './rollout-order.ts';

type Budget = Pick<ExperimentConfig, 'experiment' | 'rollout' | 'task'>;

/** The unit of read-outs in words, in the singular. The plural adds an `s`. */
export const readoutUnit = ({ experiment }: Pick<ExperimentConfig, 'experiment'>) =>
  experiment.budget === 'updates' ? 'update' : 'data epoch';

/**
 * Number of PPO iterations that a method on `prompts` prompts has done at a read-out. With equal
 * updates this is the read-out itself. With equal epochs it is the number of iterations that
 * complete so many passes over its prompts.
 */
export const updatesAt = (config: Budget, readout: number, prompts: number): number =>
  config.experiment.budget === 'updates' ? readout : iterationsFor(config, prompts, readout);

/** The read-out that an evaluation belongs to, in the unit of the config's read-outs. */
export const readoutOf = (
  { experiment }: Pick<ExperimentConfig, 'experiment'>,
  evaluation: Pick<Evaluation, 'update' | 'epochs'>,
): number => (experiment.budget === 'updates' ? evaluation.update : (evaluation.epochs ?? NaN));

/** The evaluations of a method at a read-out: at most one a seed. */
export const evaluationsAt = (
  config: Pick<ExperimentConfig, 'experiment'>,
  evaluations: readonly Evaluation[],
  readout: number,
): Evaluation[] => evaluations.filter((one) => readoutOf(config, one) === readout);
