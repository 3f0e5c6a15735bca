import plain from '../shaders/attention-backward-query.wgsl?raw';
import quad from '../shaders/attention-backward-query/quad.wgsl?raw';
import subgroup from '../shaders/attention-backward-query/subgroup.wgsl?raw';
import tiles from '../shaders/attention-backward-query/tiles.wgsl?raw';
import quadHead from '../shaders/lib/quad-head.wgsl?raw';
import {
  attentionFamily,
  attentionParams,
  dispatchAttention,
  expectAttention,
  windowLibrary,
  type AttentionOptions,
} from './lib/attention-shape.ts';
import { defineKernel, type Dispatch, type TensorsOf } from './lib/kernel.ts';
import { expectShape } from './lib/tensor.ts';

const spec = {
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
} as const;

export const attentionBackwardQueryKernel = defineKernel(
  'attention-backward-query',
  [windowLibrary, plain],
  spec,
);

export const attentionBackwardQueryFamily = attentionFamily(
  'attention-backward-query',
  {
    plain: attentionBackwardQueryKernel,
    subgroup: defineKernel('attention-backward-query/subgroup', [windowLibrary, subgroup], spec),
    quad: defineKernel('attention-backward-query/quad', [quadHead, windowLibrary, quad], spec),
    tiles: defineKernel('attention-backward-query/tiles', [windowLibrary, tiles], spec),
  },
  { rows: 64, least: 32 },
);

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
  const { heads, headDim } = options;
  expectShape(kernel, 'out', tensors.out, [capacity, heads * headDim]);
  expectShape(kernel, 'dout', tensors.dout, [capacity, heads * headDim]);
  expectShape(kernel, 'delta', tensors.delta, [capacity, heads]);
  expectShape(kernel, 'dqkv', tensors.dqkv, tensors.qkv.shape);
  return dispatchAttention(
    attentionBackwardQueryFamily,
    options,
    heads,
    (kernel, { grid, ...how }) => kernel.bind(tensors, attentionParams(options), grid, how),
  );
}
