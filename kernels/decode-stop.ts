import code from '../shaders/decode-stop.wgsl?raw';
import { defineKernel, type Dispatch, type TensorsOf } from './lib/kernel.ts';
import { expectCapacity, expectShape, rank1 } from './lib/tensor.ts';
import { type Size, valueOf } from './lib/variable.ts';

export const decodeStopKernel = defineKernel('decode-stop', code, {
  params: ['rows'],
  tensors: { halts: 'u32', origin: 'u32', status: 'u32', finished: 'u32' },
});

/**
 * Ends rows of a decode. Shapes: `shaders/decode-stop.wgsl`.
 *
 * @throws ShapeError when the shapes disagree.
 */
export function decodeStop(
  tensors: TensorsOf<typeof decodeStopKernel>,
  { rows }: { readonly rows: Size },
): Dispatch {
  const capacity = rank1('decode-stop', 'origin', tensors.origin);
  expectShape('decode-stop', 'halts', tensors.halts, [capacity]);
  expectShape('decode-stop', 'status', tensors.status, [capacity, 2]);
  expectShape('decode-stop', 'finished', tensors.finished, [1]);
  expectCapacity('decode-stop', 'rows', rows, capacity);
  return decodeStopKernel.bind(tensors, { rows }, () => [Math.ceil(valueOf(rows) / 64)]);
}
