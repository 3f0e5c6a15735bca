import code from '../shaders/attention-backward-key-value.wgsl?raw';
import {
  attentionHeader,
  attentionParams,
  expectAttention,
  type AttentionOptions,
} from './lib/attention-shape.ts';
import { defineKernel, linearGrid, type Dispatch, type TensorsOf } from './lib/kernel.ts';
import { expectShape } from './lib/tensor.ts';
import { valueOf } from './lib/variable.ts';

export const attentionBackwardKeyValueKernel = defineKernel('attention-backward-key-value', code, {
  params: ['rows', 'heads', 'kv_heads', 'scale'],
  tensors: { spans: 'u32', qkv: 'f32', lse: 'f32', delta: 'f32', dout: 'f32', dqkv: 'f32' },
});

/**
 * Key and value gradients of attention. Math and shapes: `shaders/attention-backward-key-value.wgsl`.
 *
 * @throws ShapeError when heads, head size and the fused rows do not fit together.
 */
export function attentionBackwardKeyValue(
  tensors: TensorsOf<typeof attentionBackwardKeyValueKernel>,
  options: AttentionOptions,
): Dispatch {
  const kernel = 'attention-backward-key-value';
  const capacity = expectAttention(kernel, tensors, options);
  const { rows, heads, kvHeads, headDim } = options;
  expectShape(kernel, 'dout', tensors.dout, [capacity, heads * headDim]);
  expectShape(kernel, 'delta', tensors.delta, [capacity, heads]);
  expectShape(kernel, 'dqkv', tensors.dqkv, tensors.qkv.shape);
  return attentionBackwardKeyValueKernel.bind(
    tensors,
    attentionParams(options),
    () => linearGrid(Math.ceil((valueOf(rows) * kvHeads) / 64)),
    { header: attentionHeader(options) },
  );
}
