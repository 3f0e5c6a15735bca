import code from '../shaders/embedding-forward.wgsl?raw';
import { ShapeError } from './lib/errors.ts';
import { defineKernel, linearGrid, type Dispatch, type TensorsOf } from './lib/kernel.ts';
import { laneConstants, serialLanes, type Lanes } from './lib/lanes.ts';
import { expectCapacity, expectShape, rank2 } from './lib/tensor.ts';
import { type Size, valueOf } from './lib/variable.ts';
import { matrixHeader, matrixTypes } from './lib/weight.ts';

export const embeddingForwardKernel = defineKernel('embedding-forward', code, {
  params: ['rows', 'quads', 'first', 'count'],
  tensors: { token_ids: 'u32', weight: matrixTypes, out: 'f32' },
});

/**
 * Token ids to embedding rows. Shapes: `shaders/embedding-forward.wgsl`.
 *
 * @param tensors.weight The table, or a piece of its rows.
 * @param options.first The id whose vector comes first in `weight`; 0 when left out. Rows of `out`
 *   whose ids `weight` has not keep their values.
 * @throws ShapeError unless the width is a multiple of 4 and the same in table and output.
 */
export function embeddingForward(
  tensors: TensorsOf<typeof embeddingForwardKernel>,
  options: { readonly rows: Size; readonly lanes?: Lanes; readonly first?: number },
): Dispatch {
  const { rows, lanes = serialLanes, first = 0 } = options;
  const [capacity, width] = rank2('embedding-forward', 'out', tensors.out);
  const [count] = rank2('embedding-forward', 'weight', tensors.weight);
  expectShape('embedding-forward', 'weight', tensors.weight, [count, width]);
  expectShape('embedding-forward', 'token_ids', tensors.token_ids, [capacity]);
  expectCapacity('embedding-forward', 'rows', rows, capacity);
  if (width % 4 !== 0) throw new ShapeError(`embedding-forward: width ${width} is not 4 * n`);
  return embeddingForwardKernel.bind(
    tensors,
    { rows, quads: width / 4, first, count },
    () => linearGrid(Math.ceil(valueOf(rows) / lanes.rows)),
    { header: matrixHeader(tensors.weight, 'quads'), constants: laneConstants(lanes) },
  );
}
