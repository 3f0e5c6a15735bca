import code from '../shaders/policy-loss.wgsl?raw';
import boundCode from '../shaders/lib/bound.wgsl?raw';
import klCode from '../shaders/lib/kl.wgsl?raw';
import { defineKernel, linearGrid, type Dispatch, type TensorsOf } from './lib/kernel.ts';
import { klParams, type KlTerm } from './lib/kl-estimator.ts';
import { noLimit } from './lib/no-limit.ts';
import { expectCapacity, expectShape, rank1 } from './lib/tensor.ts';
import { type Size, valueOf } from './lib/variable.ts';

export const policyLossKernel = defineKernel('policy-loss', [boundCode, klCode, code], {
  params: [
    'action_count',
    'clip_low',
    'clip_high',
    'dual_clip',
    'log_ratio_clamp',
    'kl_estimator',
    'kl_coef',
    'kl_clamp',
  ],
  tensors: {
    logprobs: 'f32',
    action_source: 'u32',
    action_weights: 'f32',
    old_logprobs: 'f32',
    advantages: 'f32',
    ref_logprobs: 'f32',
    grad_logprobs: 'f32',
    action_stats: 'f32',
  },
});

/** Hyperparameters of the policy loss. */
export interface PolicyLossHyper {
  /** The ratio is clipped from below at `1 - clipLow`. */
  readonly clipLow: Size;
  /** The ratio is clipped from above at `1 + clipHigh`. */
  readonly clipHigh: Size;
  /** Above 1: bounds the loss of a negative advantage A at `-dualClip * A`. Off when absent. */
  readonly dualClip?: Size;
  /** Bound on the absolute log-ratio. Off when absent, as in the reference run. */
  readonly logRatioClamp?: Size;
  /** KL to the reference as a loss term. Off when absent: the reward may hold a KL term then. */
  readonly kl?: KlTerm;
}

/**
 * Policy loss per action and its gradient. Math and shapes: `shaders/policy-loss.wgsl`.
 *
 * @param tensors.ref_logprobs Bound but not read when the loss has no KL term; any rollout array
 *   will do then, such as `old_logprobs`.
 * @param hyper.actionCount Actions of the micro-batch in use.
 * @throws ShapeError unless micro-batch arrays agree with each other and rollout arrays do.
 */
export function policyLoss(
  tensors: TensorsOf<typeof policyLossKernel>,
  hyper: PolicyLossHyper & { readonly actionCount: Size },
): Dispatch {
  const actions = rank1('policy-loss', 'logprobs', tensors.logprobs);
  for (const role of ['action_source', 'action_weights', 'grad_logprobs'] as const) {
    expectShape('policy-loss', role, tensors[role], [actions]);
  }
  expectShape('policy-loss', 'action_stats', tensors.action_stats, [actions, 4]);
  const held = rank1('policy-loss', 'old_logprobs', tensors.old_logprobs);
  for (const role of ['advantages', 'ref_logprobs'] as const) {
    expectShape('policy-loss', role, tensors[role], [held]);
  }
  expectCapacity('policy-loss', 'actionCount', hyper.actionCount, actions);
  return policyLossKernel.bind(
    tensors,
    {
      action_count: hyper.actionCount,
      clip_low: hyper.clipLow,
      clip_high: hyper.clipHigh,
      dual_clip: hyper.dualClip ?? noLimit,
      log_ratio_clamp: hyper.logRatioClamp ?? noLimit,
      ...klParams(hyper.kl ?? { estimator: 'k3', coef: 0 }),
    },
    () => linearGrid(Math.ceil(valueOf(hyper.actionCount) / 64)),
  );
}
