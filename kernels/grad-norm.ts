import code from '../shaders/grad-norm.wgsl?raw';
import { defineKernel, type Dispatch, type TensorsOf } from './lib/kernel.ts';
import { serialLanes, type Lanes } from './lib/lanes.ts';
import { expectCapacity, expectShape, rank1 } from './lib/tensor.ts';
import type { Size } from './lib/variable.ts';

export const gradNormKernel = defineKernel('grad-norm', code, {
  params: ['partial_count', 'loss_count', 'max_norm'],
  tensors: { partials: 'f32', losses: 'f32', state: 'f32' },
});

/**
 * Global gradient norm, clip scale and the skip flag. Math and shapes: `shaders/grad-norm.wgsl`.
 *
 * @param hyper.lossCount Leading entries of `losses` that must be finite for the update to happen.
 * @param hyper.maxNorm Norm above which gradients are scaled down; `noLimit` (lib/no-limit.ts)
 *   turns scaling off.
 * @throws ShapeError unless `state` is (4) and `losses` holds `lossCount`.
 */
export function gradNorm(
  tensors: TensorsOf<typeof gradNormKernel>,
  hyper: { readonly lossCount: number; readonly maxNorm: Size; readonly lanes?: Lanes },
): Dispatch {
  const partials = rank1('grad-norm', 'partials', tensors.partials);
  const losses = rank1('grad-norm', 'losses', tensors.losses);
  expectShape('grad-norm', 'state', tensors.state, [4]);
  expectCapacity('grad-norm', 'lossCount', hyper.lossCount, losses);
  return gradNormKernel.bind(
    tensors,
    { partial_count: partials, loss_count: hyper.lossCount, max_norm: hyper.maxNorm },
    [1],
    { constants: { LANES: (hyper.lanes ?? serialLanes).lanes } },
  );
}
