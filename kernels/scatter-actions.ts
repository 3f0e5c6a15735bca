import code from '../shaders/scatter-actions.wgsl?raw';
import { defineKernel, linearGrid, type Dispatch, type TensorsOf } from './lib/kernel.ts';
import { expectCapacity, expectShape, rank1 } from './lib/tensor.ts';
import { type Size, valueOf } from './lib/variable.ts';

export const scatterActionsKernel = defineKernel('scatter-actions', code, {
  params: ['action_count'],
  tensors: { source: 'f32', action_source: 'u32', destination: 'f32' },
});

/**
 * Writes a micro-batch's per-action numbers into an array over the whole rollout. Shapes:
 * `shaders/scatter-actions.wgsl`.
 *
 * @param options.actionCount Actions of the micro-batch in use.
 * @throws ShapeError unless `action_source` has the shape of `source`.
 */
export function scatterActions(
  tensors: TensorsOf<typeof scatterActionsKernel>,
  options: { readonly actionCount: Size },
): Dispatch {
  const actions = rank1('scatter-actions', 'source', tensors.source);
  expectShape('scatter-actions', 'action_source', tensors.action_source, [actions]);
  rank1('scatter-actions', 'destination', tensors.destination);
  expectCapacity('scatter-actions', 'actionCount', options.actionCount, actions);
  return scatterActionsKernel.bind(tensors, { action_count: options.actionCount }, () =>
    linearGrid(Math.ceil(valueOf(options.actionCount) / 64)),
  );
}
