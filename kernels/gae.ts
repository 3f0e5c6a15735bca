import code from '../shaders/gae.wgsl?raw';
import { defineKernel, type Dispatch, type TensorsOf } from './lib/kernel.ts';
import { expectCapacity, expectShape, rank1, rank2 } from './lib/tensor.ts';
import { type Size, valueOf } from './lib/variable.ts';

export const gaeKernel = defineKernel('gae', code, {
  params: ['sequence_count', 'gamma', 'gae_lambda'],
  tensors: { sequences: 'u32', rewards: 'f32', values: 'f32', advantages: 'f32', returns: 'f32' },
});

/**
 * Advantages and returns of a rollout of whole episodes. Math and shapes: `shaders/gae.wgsl`.
 *
 * @param hyper.sequenceCount Sequences in use, at most the rows of `sequences`.
 * @param hyper.gamma Discount per token, in [0, 1].
 * @param hyper.gaeLambda Bias against variance, in [0, 1]; at 1 the returns are Monte Carlo.
 * @throws ShapeError unless all action arrays have the shape of `rewards`.
 */
export function gae(
  tensors: TensorsOf<typeof gaeKernel>,
  hyper: { readonly sequenceCount: Size; readonly gamma: Size; readonly gaeLambda: Size },
): Dispatch {
  const [sequences] = rank2('gae', 'sequences', tensors.sequences);
  expectShape('gae', 'sequences', tensors.sequences, [sequences, 2]);
  expectCapacity('gae', 'sequenceCount', hyper.sequenceCount, sequences);
  const actions = rank1('gae', 'rewards', tensors.rewards);
  for (const role of ['values', 'advantages', 'returns'] as const) {
    expectShape('gae', role, tensors[role], [actions]);
  }
  const params = {
    sequence_count: hyper.sequenceCount,
    gamma: hyper.gamma,
    gae_lambda: hyper.gaeLambda,
  };
  return gaeKernel.bind(tensors, params, () => [Math.ceil(valueOf(hyper.sequenceCount) / 64)]);
}
