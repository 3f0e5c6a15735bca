import { actionStats } from '../../kernels/action-stats.ts';
import { rowsOf, type Tensor } from '../../kernels/lib/tensor.ts';
import { policyLoss } from '../../kernels/policy-loss.ts';
import { scatterActions } from '../../kernels/scatter-actions.ts';
import { valueLoss } from '../../kernels/value-loss.ts';
import type { ExperimentConfig } from '../config.ts';
import type { Gpu } from '../gpu/device.ts';
import type { Plan } from '../gpu/plan.ts';
import type { Activations } from '../model/activations.ts';
import type { LanguageHead, ValueHead } from '../model/heads.ts';
import type { PackedBatch } from '../model/packed-batch.ts';
import { trunkBackward, trunkForward } from '../model/transformer.ts';
import type { Trainable } from '../optim/trainable.ts';

/** A network that is trained, and the three parts of its update. */
export interface Network {
  readonly trainable: Trainable;
  readonly clear: Plan;
  /** Runs once per piece of a minibatch. */
  readonly gradients: Plan;
  readonly update: Plan;
}

/** Buffers that the updates of both networks read and write in turn. */
export interface UpdateBuffers {
  readonly batch: PackedBatch;
  readonly activations: Activations;
  /** f32 (A, 4): a loss's statistics of each action. */
  readonly stats: Tensor;
  /** f32, one entry per action of the rollout. */
  readonly experience: Readonly<
    Record<'oldLogprobs' | 'refLogprobs' | 'advantages' | 'values' | 'returns', Tensor>
  >;
}

/**
 * The policy, which minimises the clipped loss of its actions.
 *
 * @param totals f32 (8): `action-stats` sums over the actions of all updates here.
 */
export function actorNetwork(
  gpu: Gpu,
  actor: Trainable,
  totals: Tensor,
  head: LanguageHead,
  { batch, activations, stats, experience }: UpdateBuffers,
  { ppo, rollout }: Pick<ExperimentConfig, 'ppo' | 'rollout'>,
): Network {
  const kl = { estimator: ppo.klEstimator, coef: ppo.klCoef };
  return {
    trainable: actor,
    clear: gpu.plan('clear actor gradients', actor.clear),
    gradients: gpu.plan('actor gradients', [
      ...trunkForward(actor.network, batch, activations),
      ...head.forwardBackward(
        actor.network,
        actor.networkGradients,
        (chunk) => [
          ...(ppo.oldLogprobs === 'first-pass'
            ? [
                scatterActions(
                  {
                    source: chunk.logprobs,
                    action_source: chunk.source,
                    destination: experience.oldLogprobs,
                  },
                  { actionCount: chunk.count },
                ),
              ]
            : []),
          policyLoss(
            {
              logprobs: chunk.logprobs,
              action_source: chunk.source,
              action_weights: chunk.weights,
              old_logprobs: experience.oldLogprobs,
              advantages: experience.advantages,
              ref_logprobs: experience.refLogprobs,
              grad_logprobs: chunk.dlogprob,
              action_stats: rowsOf(stats, chunk.first, chunk.logprobs.shape[0] ?? 0),
            },
            {
              actionCount: chunk.count,
              clipLow: ppo.clipLow,
              clipHigh: ppo.clipHigh,
              ...(ppo.klIn === 'loss' ? { kl } : {}),
            },
          ),
        ],
        { temperature: rollout.logprobTemperature, dentropy: -ppo.entropyCoef },
      ),
      actionStats(
        {
          action_stats: stats,
          action_weights: batch.actionWeights,
          extras: head.entropy,
          totals,
        },
        { actionCount: batch.actions, lanes: activations.lanes },
      ),
      ...trunkBackward(actor.network, actor.networkGradients, batch, activations),
    ]),
    update: gpu.plan('actor update', actor.update),
  };
}

/**
 * The value function, which minimises its clipped squared error. @param totals As for the policy.
 */
export function criticNetwork(
  gpu: Gpu,
  critic: Trainable,
  totals: Tensor,
  head: ValueHead,
  { batch, activations, stats, experience }: UpdateBuffers,
  { ppo }: Pick<ExperimentConfig, 'ppo'>,
): Network {
  return {
    trainable: critic,
    clear: gpu.plan('clear critic gradients', critic.clear),
    gradients: gpu.plan('critic gradients', [
      ...trunkForward(critic.network, batch, activations),
      ...head.forwardBackward(critic.network, critic.networkGradients, [
        valueLoss(
          {
            values: head.values,
            action_source: batch.actionSource,
            action_weights: batch.actionWeights,
            old_values: experience.values,
            returns: experience.returns,
            grad_values: head.dvalues,
            action_stats: stats,
          },
          { actionCount: batch.actions, valueClip: ppo.valueClip },
        ),
      ]),
      actionStats(
        { action_stats: stats, action_weights: batch.actionWeights, extras: head.values, totals },
        { actionCount: batch.actions, lanes: activations.lanes },
      ),
      ...trunkBackward(critic.network, critic.networkGradients, batch, activations),
    ]),
    update: gpu.plan('critic update', critic.update),
  };
}
