import code from '../shaders/reward-to-go.wgsl?raw';
import { defineKernel, type Dispatch, type TensorsOf } from './lib/kernel.ts';
import { expectCapacity, expectShape, rank1, rank2 } from './lib/tensor.ts';
import { type Size, valueOf } from './lib/variable.ts';

export const rewardToGoKernel = defineKernel('reward-to-go', code, {
  params: ['sequence_count', 'gamma'],
  tensors: { sequences: 'u32', token_rewards: 'f32', advantages: 'f32' },
});

/**
 * Discounted reward from each action on. Math and shapes: `shaders/reward-to-go.wgsl`.
 *
 * @param hyper.sequenceCount Sequences in use.
 * @param hyper.gamma Discount per token, in [0, 1].
 * @throws ShapeError unless `advantages` has the shape of `token_rewards`.
 */
export function rewardToGo(
  tensors: TensorsOf<typeof rewardToGoKernel>,
  hyper: { readonly sequenceCount: Size; readonly gamma: Size },
): Dispatch {
  const [sequences] = rank2('reward-to-go', 'sequences', tensors.sequences);
  expectShape('reward-to-go', 'sequences', tensors.sequences, [sequences, 2]);
  const actions = rank1('reward-to-go', 'token_rewards', tensors.token_rewards);
  expectShape('reward-to-go', 'advantages', tensors.advantages, [actions]);
  expectCapacity('reward-to-go', 'sequenceCount', hyper.sequenceCount, sequences);
  return rewardToGoKernel.bind(
    tensors,
    { sequence_count: hyper.sequenceCount, gamma: hyper.gamma },
    () => [Math.ceil(valueOf(hyper.sequenceCount) / 64)],
  );
}
