import type { ExperimentConfig } from '../config.ts';
import type { ModelConfig } from '../model/config.ts';
import { parameterLayout } from '../model/parameters.ts';
import { plannedUpdates } from '../run-plan.ts';
import { isSupervised } from '../selection/methods.ts';
import type { TaskShape } from '../tasks/task.ts';
import { needsCritic } from '../vocabulary/estimators.ts';

/** The work of a run's rollouts and updates, before it is done. Evaluations are not counted. */
export interface RunCost {
  /** PPO iterations of all seeds and methods; see `plannedUpdates`. */
  readonly updates: number;
  /** Tokens of all responses, if each response is as long as it may be. */
  readonly responseTokens: number;
  /** Floating-point operations that these tokens take. */
  readonly operations: number;
}

/** Predicts the work of a run that starts from a given model. */
export function costOf(
  config: ExperimentConfig,
  task: Pick<TaskShape, 'poolPrompts' | 'maxResponseTokens'>,
  model: ModelConfig,
  seeds: number,
): RunCost {
  const { rollout, experiment } = config;
  const updates = plannedUpdates(config, task.poolPrompts, seeds, {});
  // Supervised methods sample nothing, and their files are not read for a prediction.
  const methods = experiment.methods.filter((method) => !isSupervised(method));
  const sampling = { ...config, experiment: { ...experiment, methods } };
  const responseTokens =
    plannedUpdates(sampling, task.poolPrompts, seeds, {}) *
    rollout.prompts *
    rollout.samples *
    task.maxResponseTokens;
  const parameters = parameterLayout(model, 'lm').count;
  return {
    updates,
    responseTokens,
    operations: responseTokens * parameters * operationsPerParameter(config),
  };
}

/**
 * Operations per parameter and response token: 2 for each pass over the model, which multiplies and
 * adds once (Kaplan et al. 2020, arXiv:2001.08361, section 2.1). Attention, prompts and adapters
 * are left out.
 */
function operationsPerParameter(config: ExperimentConfig): number {
  const { ppo, adapter, gradientCheckpointing = false } = config;
  const pass = 2;
  // Forward, layers once more, gradients of inputs, and gradients of weights that are not frozen.
  const update = (2 + Number(gradientCheckpointing) + Number(!adapter)) * pass * ppo.updateEpochs;
  const sampled = pass;
  const old = ppo.oldLogprobs === 'first-pass' ? 0 : pass;
  const reference = ppo.klCoef === 0 ? 0 : pass;
  const critic = needsCritic(ppo.estimator) ? pass + update : 0;
  return sampled + old + reference + update + critic;
}
