import code from '../shaders/rmsnorm-forward.wgsl?raw';
import { ShapeError } from './lib/errors.ts';
import { gainConstants, gainLibrary, type GainOptions } from './lib/gain.ts';
import { defineKernel, linearGrid, type Dispatch, type TensorsOf } from './lib/kernel.ts';
import { laneConstants, serialLanes, type Lanes } from './lib/lanes.ts';
import { expectCapacity, expectShape, rank2, type Tensor } from './lib/tensor.ts';
import { type Size, valueOf } from './lib/variable.ts';

export const rmsnormForwardKernel = defineKernel('rmsnorm-forward', [gainLibrary, code], {
  params: ['rows', 'quads', 'epsilon'],
  tensors: { x: 'f32', weight: 'f32', residual: 'f32', out: 'f32', rstd: 'f32' },
});

/**
 * RMSNorm of rows. Math and shapes: `shaders/rmsnorm-forward.wgsl`.
 *
 * @param tensors.residual Added to the result; it must not be `out` itself.
 * @throws ShapeError unless the width is a multiple of 4 and all tensors agree on it.
 */
export function rmsnormForward(
  tensors: Omit<TensorsOf<typeof rmsnormForwardKernel>, 'residual'> & {
    readonly residual?: Tensor | undefined;
  },
  options: GainOptions & { readonly rows: Size; readonly epsilon: number; readonly lanes?: Lanes },
): Dispatch {
  const [capacity, width] = rank2('rmsnorm-forward', 'x', tensors.x);
  if (width % 4 !== 0) throw new ShapeError(`rmsnorm-forward: width ${width} is not 4 * n`);
  expectShape('rmsnorm-forward', 'weight', tensors.weight, [width]);
  expectShape('rmsnorm-forward', 'out', tensors.out, [capacity, width]);
  const { residual } = tensors;
  if (residual) expectShape('rmsnorm-forward', 'residual', residual, [capacity, width]);
  expectShape('rmsnorm-forward', 'rstd', tensors.rstd, [capacity]);
  expectCapacity('rmsnorm-forward', 'rows', options.rows, capacity);
  const lanes = options.lanes ?? serialLanes;
  return rmsnormForwardKernel.bind(
    // An absent residual is bound to `x` and not read.
    { ...tensors, residual: residual ?? tensors.x },
    { rows: options.rows, quads: width / 4, epsilon: options.epsilon },
    () => linearGrid(Math.ceil(valueOf(options.rows) / lanes.rows)),
    {
      constants: {
        ...laneConstants(lanes),
        ...(residual ? { RESIDUAL: 1 } : {}),
        ...gainConstants(options),
      },
    },
  );
}
