import code from '../shaders/token-logprob.wgsl?raw';
import { defineKernel, linearGrid, type Dispatch, type TensorsOf } from './lib/kernel.ts';
import { laneConstants, serialLanes, type Lanes } from './lib/lanes.ts';
import { expectCapacity, expectShape, rank2 } from './lib/tensor.ts';
import { type Size, valueOf } from './lib/variable.ts';

export const tokenLogprobKernel = defineKernel('token-logprob', code, {
  params: ['count', 'vocabulary', 'temperature'],
  tensors: { logits: 'f32', targets: 'u32', logprobs: 'f32', lse: 'f32', entropy: 'f32' },
});

/**
 * Log-probabilities and entropies straight from logits. Math: `shaders/token-logprob.wgsl`.
 *
 * @param options.temperature Divides the logits; above 0.
 * @throws ShapeError unless all action arrays have one entry per row of `logits`.
 */
export function tokenLogprob(
  tensors: TensorsOf<typeof tokenLogprobKernel>,
  options: { readonly count: Size; readonly temperature: Size; readonly lanes?: Lanes },
): Dispatch {
  const [actions, vocabulary] = rank2('token-logprob', 'logits', tensors.logits);
  for (const role of ['targets', 'logprobs', 'lse', 'entropy'] as const) {
    expectShape('token-logprob', role, tensors[role], [actions]);
  }
  expectCapacity('token-logprob', 'count', options.count, actions);
  const lanes = options.lanes ?? serialLanes;
  return tokenLogprobKernel.bind(
    tensors,
    { count: options.count, vocabulary, temperature: options.temperature },
    () => linearGrid(Math.ceil(valueOf(options.count) / lanes.rows)),
    { constants: laneConstants(lanes) },
  );
}
