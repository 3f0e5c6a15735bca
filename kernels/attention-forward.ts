import code from '../shaders/attention-forward.wgsl?raw';
import {
  attentionHeader,
  attentionParams,
  expectAttention,
  type AttentionOptions,
} from './lib/attention-shape.ts';
import { defineKernel, linearGrid, type Dispatch, type TensorsOf } from './lib/kernel.ts';
import { expectShape } from './lib/tensor.ts';
import { valueOf } from './lib/variable.ts';

export const attentionForwardKernel = defineKernel('attention-forward', code, {
  params: ['rows', 'heads', 'kv_heads', 'scale'],
  tensors: { spans: 'u32', qkv: 'f32', out: 'f32', lse: 'f32' },
});

/**
 * Attention of packed rows. Math and shapes: `shaders/attention-forward.wgsl`.
 *
 * @throws ShapeError when heads, head size and the fused rows do not fit together.
 */
export function attentionForward(
  tensors: TensorsOf<typeof attentionForwardKernel>,
  options: AttentionOptions,
): Dispatch {
  const capacity = expectAttention('attention-forward', tensors, options);
  const { rows, heads, headDim } = options;
  expectShape('attention-forward', 'out', tensors.out, [capacity, heads * headDim]);
  return attentionForwardKernel.bind(
    tensors,
    attentionParams(options),
    () => linearGrid(Math.ceil((valueOf(rows) * heads) / 64)),
    { header: attentionHeader(options) },
  );
}
