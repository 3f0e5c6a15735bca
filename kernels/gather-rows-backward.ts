import code from '../shaders/gather-rows-backward.wgsl?raw';
import { ShapeError } from './lib/errors.ts';
import { defineKernel, linearGrid, type Dispatch, type TensorsOf } from './lib/kernel.ts';
import { laneConstants, serialLanes, type Lanes } from './lib/lanes.ts';
import { expectCapacity, expectShape, rank2 } from './lib/tensor.ts';
import { type Size, valueOf } from './lib/variable.ts';

export const gatherRowsBackwardKernel = defineKernel('gather-rows-backward', code, {
  params: ['rows', 'quads'],
  tensors: { starts: 'u32', order: 'u32', dout: 'f32', dx: 'f32' },
});

/**
 * Adds action gradients back to the rows they were gathered from. Shapes:
 * `shaders/gather-rows-backward.wgsl`.
 *
 * @throws ShapeError unless the index arrays fit and the widths agree and are a multiple of 4.
 */
export function gatherRowsBackward(
  tensors: TensorsOf<typeof gatherRowsBackwardKernel>,
  { rows, lanes = serialLanes }: { readonly rows: Size; readonly lanes?: Lanes },
): Dispatch {
  const [capacity, width] = rank2('gather-rows-backward', 'dx', tensors.dx);
  const [actions] = rank2('gather-rows-backward', 'dout', tensors.dout);
  expectShape('gather-rows-backward', 'dout', tensors.dout, [actions, width]);
  expectShape('gather-rows-backward', 'order', tensors.order, [actions]);
  expectShape('gather-rows-backward', 'starts', tensors.starts, [capacity + 1]);
  expectCapacity('gather-rows-backward', 'rows', rows, capacity);
  if (width % 4 !== 0) throw new ShapeError(`gather-rows-backward: width ${width} is not 4 * n`);
  const quads = width / 4;
  return gatherRowsBackwardKernel.bind(
    tensors,
    { rows, quads },
    () => linearGrid(Math.ceil(valueOf(rows) / lanes.rows)),
    { constants: laneConstants(lanes) },
  );
}
