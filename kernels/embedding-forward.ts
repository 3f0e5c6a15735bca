import code from '../shaders/embedding-forward.wgsl?raw';
import { ShapeError } from './lib/errors.ts';
import { defineKernel, linearGrid, type Dispatch, type TensorsOf } from './lib/kernel.ts';
import { laneConstants, serialLanes, type Lanes } from './lib/lanes.ts';
import { expectCapacity, expectShape, rank2 } from './lib/tensor.ts';
import { type Size, valueOf } from './lib/variable.ts';
import { weightHeader, weightLibrary, weightTypes } from './lib/weight.ts';

export const embeddingForwardKernel = defineKernel('embedding-forward', [weightLibrary, code], {
  params: ['rows', 'quads', 'scale'],
  tensors: { token_ids: 'u32', table: weightTypes, out: 'f32' },
});

/**
 * Token ids to embedding rows. Shapes: `shaders/embedding-forward.wgsl`.
 *
 * @param options.scale Factor on the rows. Default 1.
 * @throws ShapeError unless the width is a multiple of 4 and the same in table and output.
 */
export function embeddingForward(
  tensors: TensorsOf<typeof embeddingForwardKernel>,
  {
    rows,
    scale = 1,
    lanes = serialLanes,
  }: { readonly rows: Size; readonly scale?: number; readonly lanes?: Lanes },
): Dispatch {
  const [capacity, width] = rank2('embedding-forward', 'out', tensors.out);
  const [vocabulary] = rank2('embedding-forward', 'table', tensors.table);
  expectShape('embedding-forward', 'table', tensors.table, [vocabulary, width]);
  expectShape('embedding-forward', 'token_ids', tensors.token_ids, [capacity]);
  expectCapacity('embedding-forward', 'rows', rows, capacity);
  if (width % 4 !== 0) throw new ShapeError(`embedding-forward: width ${width} is not 4 * n`);
  const quads = width / 4;
  return embeddingForwardKernel.bind(
    tensors,
    { rows, quads, scale },
    () => linearGrid(Math.ceil(valueOf(rows) / lanes.rows)),
    { header: weightHeader(tensors.table), constants: laneConstants(lanes) },
  );
}
