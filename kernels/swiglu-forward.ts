import code from '../shaders/swiglu-forward.wgsl?raw';
import { defineKernel, linearGrid, type Dispatch, type TensorsOf } from './lib/kernel.ts';
import { cellHeader, cellSize, laneConstants, serialLanes, type Lanes } from './lib/lanes.ts';
import { expectCapacity, expectShape, rank2 } from './lib/tensor.ts';
import { type Size, valueOf } from './lib/variable.ts';

export const swigluForwardKernel = defineKernel('swiglu-forward', code, {
  params: ['rows', 'cells'],
  tensors: { gate_up: 'f32', out: 'f32' },
});

/**
 * Gated activation. Math: `shaders/swiglu-forward.wgsl`.
 *
 * @throws ShapeError unless `gate_up` is twice as wide as `out`.
 */
export function swigluForward(
  tensors: TensorsOf<typeof swigluForwardKernel>,
  { rows, lanes = serialLanes }: { readonly rows: Size; readonly lanes?: Lanes },
): Dispatch {
  const [capacity, width] = rank2('swiglu-forward', 'out', tensors.out);
  expectShape('swiglu-forward', 'gate_up', tensors.gate_up, [capacity, 2 * width]);
  expectCapacity('swiglu-forward', 'rows', rows, capacity);
  return swigluForwardKernel.bind(
    tensors,
    { rows, cells: width / cellSize(width) },
    () => linearGrid(Math.ceil(valueOf(rows) / lanes.rows)),
    { constants: laneConstants(lanes), header: cellHeader(width) },
  );
}
