import code from '../shaders/geglu-forward.wgsl?raw';
import { defineKernel, linearGrid, type Dispatch, type TensorsOf } from './lib/kernel.ts';
import { cellHeader, cellSize, laneConstants, serialLanes, type Lanes } from './lib/lanes.ts';
import { expectCapacity, expectShape, rank2 } from './lib/tensor.ts';
import { type Size, valueOf } from './lib/variable.ts';

export const gegluForwardKernel = defineKernel('geglu-forward', code, {
  params: ['rows', 'cells'],
  tensors: { gate_up: 'f32', out: 'f32' },
});

/**
 * Activation that GELU gates. Math: `shaders/geglu-forward.wgsl`.
 *
 * @throws ShapeError unless `gate_up` is twice as wide as `out`.
 */
export function gegluForward(
  tensors: TensorsOf<typeof gegluForwardKernel>,
  { rows, lanes = serialLanes }: { readonly rows: Size; readonly lanes?: Lanes },
): Dispatch {
  const [capacity, width] = rank2('geglu-forward', 'out', tensors.out);
  expectShape('geglu-forward', 'gate_up', tensors.gate_up, [capacity, 2 * width]);
  expectCapacity('geglu-forward', 'rows', rows, capacity);
  return gegluForwardKernel.bind(
    tensors,
    { rows, cells: width / cellSize(width) },
    () => linearGrid(Math.ceil(valueOf(rows) / lanes.rows)),
    { constants: laneConstants(lanes), header: cellHeader(width) },
  );
}
