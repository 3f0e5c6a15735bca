import code from '../shaders/moments.wgsl?raw';
import { defineKernel, type Dispatch, type TensorsOf } from './lib/kernel.ts';
import { serialLanes, type Lanes } from './lib/lanes.ts';
import { expectShape } from './lib/tensor.ts';
import { momentsPartialShape } from './moments-partial.ts';

export const momentsKernel = defineKernel('moments', code, {
  params: ['partial_count'],
  tensors: { partials: 'f32', moments: 'f32' },
});

/**
 * Mean and population variance from partial moments. Math and shapes: `shaders/moments.wgsl`.
 *
 * @throws ShapeError unless `partials` has `momentsPartialShape` and `moments` is (4).
 */
export function moments(
  tensors: TensorsOf<typeof momentsKernel>,
  options: { readonly lanes?: Lanes } = {},
): Dispatch {
  expectShape('moments', 'partials', tensors.partials, momentsPartialShape);
  expectShape('moments', 'moments', tensors.moments, [4]);
  return momentsKernel.bind(tensors, { partial_count: momentsPartialShape[0] }, [1], {
    constants: { LANES: (options.lanes ?? serialLanes).lanes },
  });
}
