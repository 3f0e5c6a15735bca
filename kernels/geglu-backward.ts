import code from '../shaders/geglu-backward.wgsl?raw';
import { defineKernel, linearGrid, type Dispatch, type TensorsOf } from './lib/kernel.ts';
import { cellHeader, cellSize, laneConstants, serialLanes, type Lanes } from './lib/lanes.ts';
import { expectCapacity, expectShape, rank2 } from './lib/tensor.ts';
import { type Size, valueOf } from './lib/variable.ts';

export const gegluBackwardKernel = defineKernel('geglu-backward', code, {
  params: ['rows', 'cells'],
  tensors: { gate_up: 'f32', dout: 'f32', dgate_up: 'f32' },
});

/**
 * Gradient of the activation that GELU gates. Math: `shaders/geglu-backward.wgsl`.
 *
 * @throws ShapeError unless `gate_up` and `dgate_up` are twice as wide as `dout`.
 */
export function gegluBackward(
  tensors: TensorsOf<typeof gegluBackwardKernel>,
  { rows, lanes = serialLanes }: { readonly rows: Size; readonly lanes?: Lanes },
): Dispatch {
  const [capacity, width] = rank2('geglu-backward', 'dout', tensors.dout);
  expectShape('geglu-backward', 'gate_up', tensors.gate_up, [capacity, 2 * width]);
  expectShape('geglu-backward', 'dgate_up', tensors.dgate_up, [capacity, 2 * width]);
  expectCapacity('geglu-backward', 'rows', rows, capacity);
  return gegluBackwardKernel.bind(
    tensors,
    { rows, cells: width / cellSize(width) },
    () => linearGrid(Math.ceil(valueOf(rows) / lanes.rows)),
    { constants: laneConstants(lanes), header: cellHeader(width) },
  );
}
