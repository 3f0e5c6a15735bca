import code from '../shaders/attention-decode-scores.wgsl?raw';
import { type DecodeAttentionOptions, expectDecodeAttention } from './lib/decode-shape.ts';
import { defineKernel, linearGrid, type Dispatch, type TensorsOf } from './lib/kernel.ts';
import { expectShape } from './lib/tensor.ts';
import { valueOf } from './lib/variable.ts';

export const attentionDecodeScoresKernel = defineKernel('attention-decode-scores', code, {
  params: ['rows', 'heads', 'kv_heads', 'quads', 'columns', 'keys', 'split', 'scale'],
  tensors: {
    episodes: 'u32',
    status: 'u32',
    qkv: 'f32',
    prompt_qkv: 'f32',
    cache: 'f32',
    scores: 'f32',
  },
});

/**
 * Scores of each row's newest token. Math and shapes: `shaders/attention-decode-scores.wgsl`.
 *
 * @param options.scale Factor on the dot products; 1/sqrt(headDim) in the paper.
 * @param options.split Threads that share the keys of a row and head: 1 suits software adapters.
 * @throws ShapeError when heads, head size, fused rows, cache and scores do not fit together.
 */
export function attentionDecodeScores(
  tensors: TensorsOf<typeof attentionDecodeScoresKernel>,
  options: DecodeAttentionOptions & { readonly scale: number; readonly split: number },
): Dispatch {
  const { capacity, columns } = expectDecodeAttention('attention-decode-scores', tensors, options);
  const { rows, heads, kvHeads, headDim, keys, scale, split } = options;
  const fused = (heads + 2 * kvHeads) * headDim;
  expectShape('attention-decode-scores', 'qkv', tensors.qkv, [capacity, fused]);
  return attentionDecodeScoresKernel.bind(
    tensors,
    { rows, heads, kv_heads: kvHeads, quads: headDim / 4, columns, keys, split, scale },
    () => linearGrid(Math.ceil((valueOf(rows) * heads * split) / 64)),
  );
}
