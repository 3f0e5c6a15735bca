import type { ExperimentConfig } from './config.ts';
import type { Evaluation } from './results.ts';

type Budget = Pick<ExperimentConfig, 'experiment' | 'rollout'>;

/** What read-outs are counted in, for a person: with `s` at its end for more than one. */
export const readoutUnit = ({ experiment }: Pick<ExperimentConfig, 'experiment'>) =>
  experiment.budget === 'updates' ? 'update' : 'data epoch';

/**
 * PPO iterations that a method on `prompts` prompts has done at a read-out: the read-out itself, or,
 * where methods are compared at equal epochs, the iterations that hold so many passes over its
 * prompts, the last one whole.
 */
export const updatesAt = ({ experiment, rollout }: Budget, readout: number, prompts: number) =>
  experiment.budget === 'updates' ? readout : Math.ceil((readout * prompts) / rollout.prompts);

/** The read-out that an evaluation belongs to, in the unit of the config's read-outs. */
export const readoutOf = (
  { experiment }: Pick<ExperimentConfig, 'experiment'>,
  evaluation: Pick<Evaluation, 'update' | 'epochs'>,
): number => (experiment.budget === 'updates' ? evaluation.update : (evaluation.epochs ?? NaN));
