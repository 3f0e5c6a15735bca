import code from '../shaders/logits-backward.wgsl?raw';
import { defineKernel, linearGrid, type Dispatch, type TensorsOf } from './lib/kernel.ts';
import { laneConstants, serialLanes, type Lanes } from './lib/lanes.ts';
import { expectCapacity, expectShape, rank2 } from './lib/tensor.ts';
import { type Size, valueOf } from './lib/variable.ts';

export const logitsBackwardKernel = defineKernel('logits-backward', code, {
  params: ['count', 'vocabulary', 'temperature', 'dentropy'],
  tensors: {
    targets: 'u32',
    lse: 'f32',
    entropy: 'f32',
    dlogprob: 'f32',
    weights: 'f32',
    logits: 'f32',
  },
});

/**
 * Turns logits into their gradient in place. Math: `shaders/logits-backward.wgsl`.
 *
 * @param options.dentropy Coefficient of the weighted mean entropy in the minimised loss.
 * @throws ShapeError unless all action arrays have one entry per row of `logits`.
 */
export function logitsBackward(
  tensors: TensorsOf<typeof logitsBackwardKernel>,
  options: {
    readonly count: Size;
    readonly temperature: Size;
    readonly dentropy: Size;
    readonly lanes?: Lanes;
  },
): Dispatch {
  const [actions, vocabulary] = rank2('logits-backward', 'logits', tensors.logits);
  for (const role of ['targets', 'lse', 'entropy', 'dlogprob', 'weights'] as const) {
    expectShape('logits-backward', role, tensors[role], [actions]);
  }
  expectCapacity('logits-backward', 'count', options.count, actions);
  const lanes = options.lanes ?? serialLanes;
  return logitsBackwardKernel.bind(
    tensors,
    {
      count: options.count,
      vocabulary,
      temperature: options.temperature,
      dentropy: options.dentropy,
    },
    () => linearGrid(Math.ceil(valueOf(options.count) / lanes.rows)),
    { constants: laneConstants(lanes) },
  );
}
