import code from '../shaders/attention-weights.wgsl?raw';
import { expectAttention, windowConstants, windowLibrary } from './lib/attention-shape.ts';
import { ShapeError } from './lib/errors.ts';
import { defineKernel, type Dispatch, linearGrid, type TensorsOf } from './lib/kernel.ts';
import { expectCapacity, rank1, rank2 } from './lib/tensor.ts';

export const attentionWeightsKernel = defineKernel('attention-weights', [windowLibrary, code], {
  params: ['actions', 'keys', 'heads', 'kv_heads', 'scale'],
  tensors: { spans: 'u32', action_rows: 'u32', qkv: 'f32', lse: 'f32', weights: 'f32' },
});

/**
 * The attention of listed rows as numbers. Math and shapes: `shaders/attention-weights.wgsl`.
 *
 * @param options.scale Factor on the dot products; 1/sqrt(headDim) in the paper.
 * @throws ShapeError when heads, head size and the fused rows do not fit together, or `weights` has
 *   rows for more actions than are listed, or for some heads alone.
 */
export function attentionWeights(
  tensors: TensorsOf<typeof attentionWeightsKernel>,
  options: {
    readonly heads: number;
    readonly kvHeads: number;
    readonly headDim: number;
    readonly scale: number;
    /** Keys that a row sees at most, its own included: the newest. All when left out. */
    readonly window?: number | undefined;
  },
): Dispatch {
  const { heads, kvHeads, headDim, scale, window } = options;
  expectAttention('attention-weights', tensors, { ...options, rows: 0 });
  const [rows, keys] = rank2('attention-weights', 'weights', tensors.weights);
  if (rows % heads !== 0) {
    throw new ShapeError(
      `attention-weights: ${rows} rows of weights do not divide over ${heads} heads`,
    );
  }
  const actions = rows / heads;
  const listed = rank1('attention-weights', 'action_rows', tensors.action_rows);
  expectCapacity('attention-weights', 'actions', actions, listed);
  return attentionWeightsKernel.bind(
    tensors,
    { actions, keys, heads, kv_heads: kvHeads, scale },
    linearGrid(Math.ceil((heads * actions * keys) / 64)),
    { header: `const HEAD_DIM: u32 = ${headDim};`, constants: windowConstants(window) },
  );
}
