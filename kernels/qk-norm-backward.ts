import code from '../shaders/qk-norm-backward.wgsl?raw';
import { ShapeError } from './lib/errors.ts';
import { gainConstants, gainLibrary, type GainOptions } from './lib/gain.ts';
import { defineKernel, linearGrid, type Dispatch, type TensorsOf } from './lib/kernel.ts';
import { expectCapacity, expectShape, rank1, rank2 } from './lib/tensor.ts';
import { type Size, valueOf } from './lib/variable.ts';
import type { HeadLayout } from './qk-norm-forward.ts';

export const qkNormBackwardKernel = defineKernel('qk-norm-backward', [gainLibrary, code], {
  params: ['rows', 'heads', 'kv_heads', 'quads', 'epsilon'],
  tensors: { x: 'f32', query_weight: 'f32', key_weight: 'f32', gradient: 'f32' },
});

/**
 * Input gradient of qk-norm, in place. Math and shapes: `shaders/qk-norm-backward.wgsl`.
 *
 * @throws ShapeError unless rows hold `heads + 2 * kvHeads` heads of the weights' size, 4 * n.
 */
export function qkNormBackward(
  tensors: TensorsOf<typeof qkNormBackwardKernel>,
  options: HeadLayout & GainOptions & { readonly rows: Size; readonly epsilon: number },
): Dispatch {
  const { rows, heads, kvHeads, epsilon } = options;
  const headDim = rank1('qk-norm-backward', 'query_weight', tensors.query_weight);
  const [capacity] = rank2('qk-norm-backward', 'x', tensors.x);
  const width = (heads + 2 * kvHeads) * headDim;
  expectShape('qk-norm-backward', 'key_weight', tensors.key_weight, [headDim]);
  expectShape('qk-norm-backward', 'x', tensors.x, [capacity, width]);
  expectShape('qk-norm-backward', 'gradient', tensors.gradient, [capacity, width]);
  expectCapacity('qk-norm-backward', 'rows', rows, capacity);
  if (headDim % 4 !== 0) throw new ShapeError(`qk-norm-backward: head dim ${headDim} is not 4 * n`);
  return qkNormBackwardKernel.bind(
    tensors,
    { rows, heads, kv_heads: kvHeads, quads: headDim / 4, epsilon },
    () => linearGrid(Math.ceil((valueOf(rows) * (heads + kvHeads)) / 64)),
    { constants: gainConstants(options) },
  );
}
