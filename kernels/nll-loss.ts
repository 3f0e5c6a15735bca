import code from '../shaders/nll-loss.wgsl?raw';
import { defineKernel, linearGrid, type Dispatch, type TensorsOf } from './lib/kernel.ts';
import { expectCapacity, expectShape, rank1 } from './lib/tensor.ts';
import { type Size, valueOf } from './lib/variable.ts';

export const nllLossKernel = defineKernel('nll-loss', code, {
  params: ['action_count'],
  tensors: { logprobs: 'f32', action_weights: 'f32', grad_logprobs: 'f32', action_stats: 'f32' },
});

/**
 * Supervised loss per action and its gradient. Math and shapes: `shaders/nll-loss.wgsl`.
 *
 * @throws ShapeError unless all arrays are over the same actions.
 */
export function nllLoss(
  tensors: TensorsOf<typeof nllLossKernel>,
  { actionCount }: { readonly actionCount: Size },
): Dispatch {
  const actions = rank1('nll-loss', 'logprobs', tensors.logprobs);
  expectShape('nll-loss', 'action_weights', tensors.action_weights, [actions]);
  expectShape('nll-loss', 'grad_logprobs', tensors.grad_logprobs, [actions]);
  expectShape('nll-loss', 'action_stats', tensors.action_stats, [actions, 4]);
  expectCapacity('nll-loss', 'actionCount', actionCount, actions);
  return nllLossKernel.bind(tensors, { action_count: actionCount }, () =>
    linearGrid(Math.ceil(valueOf(actionCount) / 64)),
  );
}
