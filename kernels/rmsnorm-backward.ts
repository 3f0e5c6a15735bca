import code from '../shaders/rmsnorm-backward.wgsl?raw';
import { ShapeError } from './lib/errors.ts';
import { gainConstants, gainLibrary, type GainOptions } from './lib/gain.ts';
import { defineKernel, linearGrid, type Dispatch, type TensorsOf } from './lib/kernel.ts';
import { laneConstants, serialLanes, type Lanes } from './lib/lanes.ts';
import { expectCapacity, expectShape, rank2 } from './lib/tensor.ts';
import { type Size, valueOf } from './lib/variable.ts';

export const rmsnormBackwardKernel = defineKernel('rmsnorm-backward', [gainLibrary, code], {
  params: ['rows', 'quads', 'accumulate'],
  tensors: { x: 'f32', weight: 'f32', rstd: 'f32', dy: 'f32', dx: 'f32' },
});

/**
 * Input gradient of RMSNorm. Math and shapes: `shaders/rmsnorm-backward.wgsl`.
 *
 * @param options.accumulate Adds to `dx` instead of overwriting it.
 * @throws ShapeError unless the width is a multiple of 4 and all tensors agree on it.
 */
export function rmsnormBackward(
  tensors: TensorsOf<typeof rmsnormBackwardKernel>,
  options: GainOptions & {
    readonly rows: Size;
    readonly accumulate: boolean;
    readonly lanes?: Lanes;
  },
): Dispatch {
  const [capacity, width] = rank2('rmsnorm-backward', 'x', tensors.x);
  if (width % 4 !== 0) throw new ShapeError(`rmsnorm-backward: width ${width} is not 4 * n`);
  expectShape('rmsnorm-backward', 'weight', tensors.weight, [width]);
  expectShape('rmsnorm-backward', 'rstd', tensors.rstd, [capacity]);
  expectShape('rmsnorm-backward', 'dy', tensors.dy, [capacity, width]);
  expectShape('rmsnorm-backward', 'dx', tensors.dx, [capacity, width]);
  expectCapacity('rmsnorm-backward', 'rows', options.rows, capacity);
  const lanes = options.lanes ?? serialLanes;
  return rmsnormBackwardKernel.bind(
    tensors,
    { rows: options.rows, quads: width / 4, accumulate: options.accumulate ? 1 : 0 },
    () => linearGrid(Math.ceil(valueOf(options.rows) / lanes.rows)),
    { constants: { ...laneConstants(lanes), ...gainConstants(options) } },
  );
}
