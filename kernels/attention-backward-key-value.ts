import plain from '../shaders/attention-backward-key-value.wgsl?raw';
import quad from '../shaders/attention-backward-key-value/quad.wgsl?raw';
import subgroup from '../shaders/attention-backward-key-value/subgroup.wgsl?raw';
import tiles from '../shaders/attention-backward-key-value/tiles.wgsl?raw';
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
  tensors: { spans: 'u32', qkv: 'f32', lse: 'f32', delta: 'f32', dout: 'f32', dqkv: 'f32' },
} as const;

export const attentionBackwardKeyValueKernel = defineKernel(
  'attention-backward-key-value',
  [windowLibrary, plain],
  spec,
);

export const attentionBackwardKeyValueFamily = attentionFamily(
  'attention-backward-key-value',
  {
    plain: attentionBackwardKeyValueKernel,
    subgroup: defineKernel(
      'attention-backward-key-value/subgroup',
      [windowLibrary, subgroup],
      spec,
    ),
    quad: defineKernel('attention-backward-key-value/quad', [windowLibrary, quad], spec),
    tiles: defineKernel('attention-backward-key-value/tiles', [windowLibrary, tiles], spec),
  },
  { rows: 32, least: 0 },
);

/**
 * Gradients of attention's keys and values. Math, shapes:
 * `shaders/attention-backward-key-value.wgsl`.
 *
 * @throws ShapeError when heads, head size and the fused rows do not fit together.
 */
export function attentionBackwardKeyValue(
  tensors: TensorsOf<typeof attentionBackwardKeyValueKernel>,
  options: AttentionOptions,
): Dispatch {
  const kernel = 'attention-backward-key-value';
  const capacity = expectAttention(kernel, tensors, options);
  const { heads, kvHeads, headDim } = options;
  expectShape(kernel, 'dout', tensors.dout, [capacity, heads * headDim]);
  expectShape(kernel, 'delta', tensors.delta, [capacity, heads]);
  expectShape(kernel, 'dqkv', tensors.dqkv, tensors.qkv.shape);
  return dispatchAttention(
    attentionBackwardKeyValueFamily,
    options,
    kvHeads,
    (kernel, { grid, ...how }) => kernel.bind(tensors, attentionParams(options), grid, how),
  );
}
