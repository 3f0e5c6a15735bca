import code from '../shaders/qk-norm-backward-weight.wgsl?raw';
import { ShapeError } from './lib/errors.ts';
import { defineKernel, type Dispatch, type TensorsOf } from './lib/kernel.ts';
import { expectCapacity, expectShape, rank2 } from './lib/tensor.ts';
import type { Size } from './lib/variable.ts';
import type { HeadLayout } from './qk-norm-forward.ts';

export const qkNormBackwardWeightKernel = defineKernel('qk-norm-backward-weight', code, {
  params: ['rows', 'heads', 'kv_heads', 'head_dim', 'block_rows', 'epsilon'],
  tensors: { x: 'f32', dy: 'f32', partials: 'f32' },
});

/**
 * Gradients of the query and key weights, by blocks of rows. `columnSum` over each half of
 * `partials`, queries first, finishes them. Math and shapes:
 * `shaders/qk-norm-backward-weight.wgsl`.
 *
 * @throws ShapeError unless rows hold `heads + 2 * kvHeads` heads as wide as `partials`, and
 *   `partials` has an even number of rows.
 */
export function qkNormBackwardWeight(
  tensors: TensorsOf<typeof qkNormBackwardWeightKernel>,
  options: HeadLayout & { readonly rows: Size; readonly epsilon: number },
): Dispatch {
  const { rows, heads, kvHeads, epsilon } = options;
  const [capacity] = rank2('qk-norm-backward-weight', 'x', tensors.x);
  const [twice, headDim] = rank2('qk-norm-backward-weight', 'partials', tensors.partials);
  if (twice === 0 || twice % 2 !== 0) {
    throw new ShapeError(
      `qk-norm-backward-weight: partials must have two halves, got ${twice} rows`,
    );
  }
  const blocks = twice / 2;
  const width = (heads + 2 * kvHeads) * headDim;
  expectShape('qk-norm-backward-weight', 'x', tensors.x, [capacity, width]);
  expectShape('qk-norm-backward-weight', 'dy', tensors.dy, [capacity, width]);
  expectCapacity('qk-norm-backward-weight', 'rows', rows, capacity);
  return qkNormBackwardWeightKernel.bind(
    tensors,
    {
      rows,
      heads,
      kv_heads: kvHeads,
      head_dim: headDim,
      block_rows: Math.ceil(capacity / blocks),
      epsilon,
    },
    [Math.ceil((2 * headDim) / 64), blocks],
  );
}
