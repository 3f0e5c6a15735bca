import code from '../shaders/value-loss.wgsl?raw';
import { defineKernel, linearGrid, type Dispatch, type TensorsOf } from './lib/kernel.ts';
import { noLimit } from './lib/no-limit.ts';
import { expectCapacity, expectShape, rank1 } from './lib/tensor.ts';
import { type Size, valueOf } from './lib/variable.ts';

export const valueLossKernel = defineKernel('value-loss', code, {
  params: ['action_count', 'value_clip'],
  tensors: {
    values: 'f32',
    action_source: 'u32',
    action_weights: 'f32',
    old_values: 'f32',
    returns: 'f32',
    grad_values: 'f32',
    action_stats: 'f32',
  },
});

/**
 * Value loss per action and its gradient. Math and shapes: `shaders/value-loss.wgsl`.
 *
 * @param hyper.actionCount Actions of the micro-batch in use.
 * @param hyper.valueClip Largest absolute change from the rollout's value that counts; no limit
 *   when absent.
 * @throws ShapeError unless micro-batch arrays agree with each other and rollout arrays do.
 */
export function valueLoss(
  tensors: TensorsOf<typeof valueLossKernel>,
  hyper: { readonly actionCount: Size; readonly valueClip?: Size },
): Dispatch {
  const actions = rank1('value-loss', 'values', tensors.values);
  for (const role of ['action_source', 'action_weights', 'grad_values'] as const) {
    expectShape('value-loss', role, tensors[role], [actions]);
  }
  expectShape('value-loss', 'action_stats', tensors.action_stats, [actions, 4]);
  const held = rank1('value-loss', 'old_values', tensors.old_values);
  expectShape('value-loss', 'returns', tensors.returns, [held]);
  expectCapacity('value-loss', 'actionCount', hyper.actionCount, actions);
  return valueLossKernel.bind(
    tensors,
    { action_count: hyper.actionCount, value_clip: hyper.valueClip ?? noLimit },
    () => linearGrid(Math.ceil(valueOf(hyper.actionCount) / 64)),
  );
}
