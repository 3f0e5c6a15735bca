import code from '../shaders/attention-backward-query.wgsl?raw';
import {
  attentionHeader,
  attentionParams,
  expectAttention,
  type AttentionOptions,
} from './lib/attention-shape.ts';
import { defineKernel, linearGrid, type Dispatch, type TensorsOf } from './lib/kernel.ts';
import { expectShape } from './lib/tensor.ts';
import { valueOf } from './lib/variable.ts';

export const attentionBackwardQueryKernel = defineKernel('attention-backward-query', code, {
  params: ['rows', 'heads', 'kv_heads', 'scale'],
  tensors: {
    spans: 'u32',
    qkv: 'f32',
    out: 'f32',
    lse: 'f32',
    dout: 'f32',
    delta: 'f32',
    dqkv: 'f32',
  },
});

/**
 * Query gradient of attention. Math and shapes: `shaders/attention-backward-query.wgsl`.
 *
 * @throws ShapeError when heads, head size and the fused rows do not fit together.
 */
export function attentionBackwardQuery(
  tensors: TensorsOf<typeof attentionBackwardQueryKernel>,
  options: AttentionOptions,
): Dispatch {
  const kernel = 'attention-backward-query';
  const capacity = expectAttention(kernel, tensors, options);
  const { rows, heads, headDim } = options;
  expectShape(kernel, 'out', tensors.out, [capacity, heads * headDim]);
  expectShape(kernel, 'dout', tensors.dout, [capacity, heads * headDim]);
  expectShape(kernel, 'delta', tensors.delta, [capacity, heads]);
  expectShape(kernel, 'dqkv', tensors.dqkv, tensors.qkv.shape);
  return attentionBackwardQueryKernel.bind(
    tensors,
    attentionParams(options),
    () => linearGrid(Math.ceil((valueOf(rows) * heads) / 64)),
    { header: attentionHeader(options) },
  );
}
