import code from '../shaders/token-rewards.wgsl?raw';
import boundCode from '../shaders/lib/bound.wgsl?raw';
import klCode from '../shaders/lib/kl.wgsl?raw';
import { defineKernel, type Dispatch, type TensorsOf } from './lib/kernel.ts';
import { klParams, type KlTerm } from './lib/kl-estimator.ts';
import { laneConstants, serialLanes, type Lanes } from './lib/lanes.ts';
import { expectCapacity, expectShape, rank1, rank2 } from './lib/tensor.ts';
import { type Size, valueOf } from './lib/variable.ts';

export const tokenRewardsKernel = defineKernel('token-rewards', [boundCode, klCode, code], {
  params: ['sequence_count', 'kl_estimator', 'kl_coef', 'kl_clamp', 'reward_low', 'reward_high'],
  tensors: {
    sequences: 'u32',
    old_logprobs: 'f32',
    ref_logprobs: 'f32',
    sequence_rewards: 'f32',
    token_rewards: 'f32',
    mean_kl: 'f32',
  },
});

/**
 * Rewards per action from KL and sequence rewards. Math and shapes: `shaders/token-rewards.wgsl`.
 *
 * @param hyper.sequenceCount Sequences in use.
 * @param hyper.kl The penalty inside the reward; with `coef` 0 the mean KL is still measured.
 * @param hyper.rewardRange Clamp of the sequence reward, both ends included. Default [-10, 10].
 * @throws ShapeError unless the arrays over actions agree, and the arrays over sequences agree.
 */
export function tokenRewards(
  tensors: TensorsOf<typeof tokenRewardsKernel>,
  hyper: {
    readonly sequenceCount: Size;
    readonly kl: KlTerm;
    readonly rewardRange?: readonly [number, number];
    readonly lanes?: Lanes;
  },
): Dispatch {
  const [sequences] = rank2('token-rewards', 'sequences', tensors.sequences);
  expectShape('token-rewards', 'sequences', tensors.sequences, [sequences, 2]);
  for (const role of ['sequence_rewards', 'mean_kl'] as const) {
    expectShape('token-rewards', role, tensors[role], [sequences]);
  }
  const actions = rank1('token-rewards', 'old_logprobs', tensors.old_logprobs);
  for (const role of ['ref_logprobs', 'token_rewards'] as const) {
    expectShape('token-rewards', role, tensors[role], [actions]);
  }
  expectCapacity('token-rewards', 'sequenceCount', hyper.sequenceCount, sequences);
  const [low, high] = hyper.rewardRange ?? [-10, 10];
  const lanes = hyper.lanes ?? serialLanes;
  return tokenRewardsKernel.bind(
    tensors,
    {
      sequence_count: hyper.sequenceCount,
      ...klParams(hyper.kl),
      reward_low: low,
      reward_high: high,
    },
    () => [Math.ceil(valueOf(hyper.sequenceCount) / lanes.rows)],
    { constants: laneConstants(lanes) },
  );
}
