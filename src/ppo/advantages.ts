import { gae } from '../../kernels/gae.ts';
import { groupBaseline } from '../../kernels/group-baseline.ts';
import type { Dispatch } from '../../kernels/lib/kernel.ts';
import type { KlTerm } from '../../kernels/lib/kl-estimator.ts';
import type { Lanes } from '../../kernels/lib/lanes.ts';
import type { Tensor } from '../../kernels/lib/tensor.ts';
import { type Size, valueOf } from '../../kernels/lib/variable.ts';
import { moments } from '../../kernels/moments.ts';
import { momentsPartial } from '../../kernels/moments-partial.ts';
import { rewardToGo } from '../../kernels/reward-to-go.ts';
import { tokenRewards } from '../../kernels/token-rewards.ts';
import { whiten } from '../../kernels/whiten.ts';
import { ConfigError } from '../config-error.ts';
import { type AdvantageEstimator, estimatorFaults, estimators } from '../vocabulary/estimators.ts';

/** Arrays of a rollout of S sequences in G groups with A actions; f32 unless stated. */
export interface AdvantageTensors {
  /** u32 (S, 2): first action, action count. */
  readonly sequences: Tensor;
  /** u32 (G, 2): first sequence, sequence count. */
  readonly groups: Tensor;
  /** (S) In: the verifier's reward. */
  readonly sequenceRewards: Tensor;
  /** (A) In: log-probabilities under the policy that sampled, recomputed by the trainer. */
  readonly oldLogprobs: Tensor;
  /** (A) In: log-probabilities under the frozen reference. */
  readonly refLogprobs: Tensor;
  /** (A) In: the critic's values; only `gae` needs them. */
  readonly values?: Tensor;
  /** (S) Scratch: rewards minus their group's baseline. */
  readonly shapedRewards: Tensor;
  /** (A) Out: the reward that each action gets. */
  readonly tokenRewards: Tensor;
  /** (S) Out: mean KL estimate of each sequence. */
  readonly meanKl: Tensor;
  /** (A) Scratch: advantages before whitening, for estimators that whiten. */
  readonly rawAdvantages: Tensor;
  /** (2048, 4) Scratch. */
  readonly momentPartials: Tensor;
  /** (4) Out: mean, variance, count of the advantages before whitening. */
  readonly moments: Tensor;
  /** (A) Out: advantages, as the policy loss takes them. */
  readonly advantages: Tensor;
  /** (A) Out: targets of the critic; only `gae` needs them. */
  readonly returns?: Tensor;
}

export interface AdvantageHyper {
  readonly sequenceCount: Size;
  readonly groupCount: Size;
  readonly actionCount: Size;
  /** KL to the reference inside the reward. */
  readonly kl: KlTerm;
  /** Clamp of the (shaped) sequence reward. Default [-10, 10]. */
  readonly rewardRange?: readonly [number, number];
  /** Discount per token; 1 with a group baseline. */
  readonly gamma: Size;
  /** Trades bias against variance in `gae`. */
  readonly gaeLambda: Size;
  /** Whether whitening divides by the deviation. Default true. */
  readonly whitenScale?: boolean;
  readonly lanes?: Lanes;
}

/**
 * The dispatches from sequence rewards to advantages.
 *
 * @throws ConfigError when `gae` lacks values or returns, or when the estimator does not allow the
 *   discount.
 * @throws ShapeError when arrays disagree.
 */
export function advantageDispatches(
  estimator: AdvantageEstimator,
  tensors: AdvantageTensors,
  hyper: AdvantageHyper,
): Dispatch[] {
  const { baseline, critic, whitened } = estimators[estimator];
  const { sequenceCount, groupCount, actionCount, gamma, gaeLambda } = hyper;
  const [fault] = estimatorFaults(estimator, { gamma: valueOf(gamma) });
  if (fault) throw new ConfigError(`${estimator}: ${fault.setting} ${fault.must}`);
  const options = hyper.lanes ? { lanes: hyper.lanes } : {};
  const dispatches: Dispatch[] = [];
  if (baseline) {
    dispatches.push(
      groupBaseline(
        {
          groups: tensors.groups,
          sequence_rewards: tensors.sequenceRewards,
          shaped_rewards: tensors.shapedRewards,
        },
        { groupCount, baseline },
      ),
    );
  }
  dispatches.push(
    tokenRewards(
      {
        sequences: tensors.sequences,
        old_logprobs: tensors.oldLogprobs,
        ref_logprobs: tensors.refLogprobs,
        sequence_rewards: baseline ? tensors.shapedRewards : tensors.sequenceRewards,
        token_rewards: tensors.tokenRewards,
        mean_kl: tensors.meanKl,
      },
      {
        sequenceCount,
        kl: hyper.kl,
        ...(hyper.rewardRange ? { rewardRange: hyper.rewardRange } : {}),
        ...options,
      },
    ),
  );
  const { sequences } = tensors;
  const advantages = whitened ? tensors.rawAdvantages : tensors.advantages;
  if (critic) {
    const { values, returns } = tensors;
    if (!values || !returns) throw new ConfigError(`${estimator}: needs a critic's values`);
    dispatches.push(
      gae(
        { sequences, rewards: tensors.tokenRewards, values, advantages, returns },
        { sequenceCount, gamma, gaeLambda },
      ),
    );
  } else {
    dispatches.push(
      rewardToGo(
        { sequences, token_rewards: tensors.tokenRewards, advantages },
        { sequenceCount, gamma },
      ),
    );
  }
  const { momentPartials: partials, moments: statistics } = tensors;
  dispatches.push(
    momentsPartial({ values: advantages, partials }, { count: actionCount }),
    moments({ partials, moments: statistics }, options),
  );
  if (whitened) {
    dispatches.push(
      whiten(
        { raw: advantages, moments: statistics, whitened: tensors.advantages },
        { count: actionCount, scale: hyper.whitenScale ?? true },
      ),
    );
  }
  return dispatches;
}
