import plain from '../shaders/attention-forward.wgsl?raw';
import quad from '../shaders/attention-forward/quad.wgsl?raw';
import subgroup from '../shaders/attention-forward/subgroup.wgsl?raw';
import tiles from '../shaders/attention-forward/tiles.wgsl?raw';
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
  tensors: { spans: 'u32', qkv: 'f32', out: 'f32', lse: 'f32' },
} as const;

export const attentionForwardKernel = defineKernel(
  'attention-forward',
  [windowLibrary, plain],
  spec,
);

export const attentionForwardFamily = attentionFamily(
  'attention-forward',
  {
    plain: attentionForwardKernel,
    subgroup: defineKernel('attention-forward/subgroup', [windowLibrary, subgroup], spec),
    quad: defineKernel('attention-forward/quad', [quadHead, windowLibrary, quad], spec),
    tiles: defineKernel('attention-forward/tiles', [windowLibrary, tiles], spec),
  },
  { rows: 64, least: 32 },
);

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
  const { heads, headDim } = options;
  expectShape('attention-forward', 'out', tensors.out, [capacity, heads * headDim]);
  return dispatchAttention(attentionForwardFamily, options, heads, (kernel, { grid, ...how }) =>
    kernel.bind(tensors, attentionParams(options), grid, how),
  );
}
