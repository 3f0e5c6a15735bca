import code from '../shaders/attention-decode-mix.wgsl?raw';
import { type DecodeAttentionOptions, expectDecodeAttention } from './lib/decode-shape.ts';
import { defineKernel, linearGrid, type Dispatch, type TensorsOf } from './lib/kernel.ts';
import { expectShape } from './lib/tensor.ts';
import { valueOf } from './lib/variable.ts';

export const attentionDecodeMixKernel = defineKernel('attention-decode-mix', code, {
  params: ['rows', 'heads', 'kv_heads', 'quads', 'columns', 'keys'],
  tensors: {
    episodes: 'u32',
    status: 'u32',
    scores: 'f32',
    prompt_qkv: 'f32',
    cache: 'f32',
    out: 'f32',
  },
});

/**
 * Values under the softmax of the scores. Math and shapes: `shaders/attention-decode-mix.wgsl`.
 *
 * @throws ShapeError when heads, head size, fused rows, cache and scores do not fit together.
 */
export function attentionDecodeMix(
  tensors: TensorsOf<typeof attentionDecodeMixKernel>,
  options: DecodeAttentionOptions,
): Dispatch {
  const { capacity, columns } = expectDecodeAttention('attention-decode-mix', tensors, options);
  const { rows, heads, kvHeads, headDim, keys } = options;
  expectShape('attention-decode-mix', 'out', tensors.out, [capacity, heads * headDim]);
  return attentionDecodeMixKernel.bind(
    tensors,
    { rows, heads, kv_heads: kvHeads, quads: headDim / 4, columns, keys },
    () => linearGrid(Math.ceil((valueOf(rows) * heads * headDim) / 4 / 64)),
  );
}
