import code from '../shaders/qk-norm-forward.wgsl?raw';
import { ShapeError } from './lib/errors.ts';
import { gainConstants, gainLibrary, type GainOptions } from './lib/gain.ts';
import { defineKernel, linearGrid, type Dispatch, type TensorsOf } from './lib/kernel.ts';
import { expectCapacity, expectShape, rank1, rank2 } from './lib/tensor.ts';
import { type Size, valueOf } from './lib/variable.ts';

export const qkNormForwardKernel = defineKernel('qk-norm-forward', [gainLibrary, code], {
  params: ['rows', 'heads', 'kv_heads', 'quads', 'epsilon'],
  tensors: { x: 'f32', query_weight: 'f32', key_weight: 'f32', out: 'f32' },
});

/** How the columns of a fused query-key-value row divide into heads. */
export interface HeadLayout {
  readonly heads: number;
  readonly kvHeads: number;
}

/**
 * RMSNorm of query and key heads. Math and shapes: `shaders/qk-norm-forward.wgsl`.
 *
 * @throws ShapeError unless rows hold `heads + 2 * kvHeads` heads of the weights' size, 4 * n.
 */
export function qkNormForward(
  tensors: TensorsOf<typeof qkNormForwardKernel>,
  options: HeadLayout & GainOptions & { readonly rows: Size; readonly epsilon: number },
): Dispatch {
  const { rows, heads, kvHeads, epsilon } = options;
  const headDim = rank1('qk-norm-forward', 'query_weight', tensors.query_weight);
  const allHeads = heads + 2 * kvHeads;
  const [capacity] = rank2('qk-norm-forward', 'x', tensors.x);
  expectShape('qk-norm-forward', 'key_weight', tensors.key_weight, [headDim]);
  expectShape('qk-norm-forward', 'x', tensors.x, [capacity, allHeads * headDim]);
  expectShape('qk-norm-forward', 'out', tensors.out, [capacity, allHeads * headDim]);
  expectCapacity('qk-norm-forward', 'rows', rows, capacity);
  if (headDim % 4 !== 0) throw new ShapeError(`qk-norm-forward: head dim ${headDim} is not 4 * n`);
  return qkNormForwardKernel.bind(
    tensors,
    { rows, heads, kv_heads: kvHeads, quads: headDim / 4, epsilon },
    () => linearGrid(Math.ceil((valueOf(rows) * allHeads) / 64)),
    { constants: gainConstants(options) },
  );
}
