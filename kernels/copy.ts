import code from '../shaders/copy.wgsl?raw';
import { ShapeError } from './lib/errors.ts';
import { defineKernel, linearGrid, type Dispatch, type TensorsOf } from './lib/kernel.ts';
import { expectShape, rank1 } from './lib/tensor.ts';

export const copyKernel = defineKernel('copy', code, {
  params: ['quads'],
  tensors: { x: 'f32', out: 'f32' },
});

/**
 * Copies a vector by a shader, for benchmarks; plans copy with `copyStep`. `shaders/copy.wgsl`.
 *
 * @throws ShapeError unless both have one length, a multiple of 4.
 */
export function copy(tensors: TensorsOf<typeof copyKernel>): Dispatch {
  const count = rank1('copy', 'x', tensors.x);
  expectShape('copy', 'out', tensors.out, [count]);
  if (count % 4 !== 0) throw new ShapeError(`copy: length ${count} is not 4 * n`);
  return copyKernel.bind(tensors, { quads: count / 4 }, linearGrid(Math.ceil(count / 1024)));
}
