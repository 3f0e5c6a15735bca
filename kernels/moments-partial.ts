import code from '../shaders/moments-partial.wgsl?raw';
import { defineKernel, type Dispatch, type TensorsOf } from './lib/kernel.ts';
import { expectCapacity, expectShape, rank1 } from './lib/tensor.ts';
import type { Size } from './lib/variable.ts';

export const momentsPartialKernel = defineKernel('moments-partial', code, {
  params: ['count'],
  tensors: { values: 'f32', partials: 'f32' },
});

/** Shape of the scratch tensor between `momentsPartial` and `moments`. */
export const momentsPartialShape = [2048, 4] as const;

/**
 * Moments of the parts of a vector. Math and shapes: `shaders/moments-partial.wgsl`.
 *
 * @param options.count Values in use.
 * @throws ShapeError unless `partials` has `momentsPartialShape`.
 */
export function momentsPartial(
  tensors: TensorsOf<typeof momentsPartialKernel>,
  options: { readonly count: Size },
): Dispatch {
  const held = rank1('moments-partial', 'values', tensors.values);
  expectShape('moments-partial', 'partials', tensors.partials, momentsPartialShape);
  expectCapacity('moments-partial', 'count', options.count, held);
  return momentsPartialKernel.bind(tensors, { count: options.count }, [
    momentsPartialShape[0] / 64,
  ]);
}
