import code from '../shaders/whiten.wgsl?raw';
import { defineKernel, linearGrid, type Dispatch, type TensorsOf } from './lib/kernel.ts';
import { expectCapacity, expectShape, rank1 } from './lib/tensor.ts';
import { type Size, valueOf } from './lib/variable.ts';

export const whitenKernel = defineKernel('whiten', code, {
  params: ['count', 'centre', 'scale'],
  tensors: { raw: 'f32', moments: 'f32', whitened: 'f32' },
});

/**
 * Subtracts a vector's mean and divides by its standard deviation. Math and shapes:
 * `shaders/whiten.wgsl`.
 *
 * @param options.centre Subtract the mean. Default true.
 * @param options.scale Divide by the standard deviation. Default true.
 * @throws ShapeError unless `whitened` has the shape of `raw` and `moments` is (4).
 */
export function whiten(
  tensors: TensorsOf<typeof whitenKernel>,
  options: { readonly count: Size; readonly centre?: boolean; readonly scale?: boolean },
): Dispatch {
  const held = rank1('whiten', 'raw', tensors.raw);
  expectShape('whiten', 'whitened', tensors.whitened, [held]);
  expectShape('whiten', 'moments', tensors.moments, [4]);
  expectCapacity('whiten', 'count', options.count, held);
  return whitenKernel.bind(
    tensors,
    {
      count: options.count,
      centre: Number(options.centre ?? true),
      scale: Number(options.scale ?? true),
    },
    () => linearGrid(Math.ceil(valueOf(options.count) / 64)),
  );
}
