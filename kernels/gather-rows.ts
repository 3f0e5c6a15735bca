import code from '../shaders/gather-rows.wgsl?raw';
import { ShapeError } from './lib/errors.ts';
import { defineKernel, linearGrid, type Dispatch, type TensorsOf } from './lib/kernel.ts';
import { laneConstants, serialLanes, type Lanes } from './lib/lanes.ts';
import { expectCapacity, expectShape, rank2 } from './lib/tensor.ts';
import { type Size, valueOf } from './lib/variable.ts';

export const gatherRowsKernel = defineKernel('gather-rows', code, {
  params: ['count', 'first', 'quads'],
  tensors: { index: 'u32', x: 'f32', out: 'f32' },
});

/**
 * Picks rows by index. Shapes: `shaders/gather-rows.wgsl`.
 *
 * @param options.first The first row that is written; 0 when left out.
 * @throws ShapeError unless the widths agree and are a multiple of 4.
 */
export function gatherRows(
  tensors: TensorsOf<typeof gatherRowsKernel>,
  options: { readonly count: Size; readonly first?: Size; readonly lanes?: Lanes },
): Dispatch {
  const { count, first = 0, lanes = serialLanes } = options;
  const [actions, width] = rank2('gather-rows', 'out', tensors.out);
  const [rows] = rank2('gather-rows', 'x', tensors.x);
  expectShape('gather-rows', 'x', tensors.x, [rows, width]);
  expectShape('gather-rows', 'index', tensors.index, [actions]);
  expectCapacity('gather-rows', 'count', count, actions);
  expectCapacity('gather-rows', 'first', first, actions - 1);
  if (width % 4 !== 0) throw new ShapeError(`gather-rows: width ${width} is not 4 * n`);
  const quads = width / 4;
  return gatherRowsKernel.bind(
    tensors,
    { count, first, quads },
    () => linearGrid(Math.ceil(valueOf(count) / lanes.rows)),
    { constants: laneConstants(lanes) },
  );
}
