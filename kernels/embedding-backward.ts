import code from '../shaders/embedding-backward.wgsl?raw';
import { ShapeError } from './lib/errors.ts';
import { defineKernel, linearGrid, type Dispatch, type TensorsOf } from './lib/kernel.ts';
import { expectCapacity, expectShape, rank2 } from './lib/tensor.ts';
import { type Size, valueOf } from './lib/variable.ts';

export const embeddingBackwardKernel = defineKernel('embedding-backward', code, {
  params: ['uniques', 'quads', 'first', 'count'],
  tensors: { unique_ids: 'u32', starts: 'u32', order: 'u32', dx: 'f32', dtable: 'f32' },
});

/**
 * Adds row gradients to the table rows of their tokens. Shapes: `shaders/embedding-backward.wgsl`.
 *
 * @param tensors.dtable Of the whole table, or of a piece of its rows.
 * @param options.first The id whose row comes first in `dtable`; 0 when left out.
 * @throws ShapeError unless the index arrays fit the rows of `dx` and the widths agree.
 */
export function embeddingBackward(
  tensors: TensorsOf<typeof embeddingBackwardKernel>,
  { uniques, first = 0 }: { readonly uniques: Size; readonly first?: number },
): Dispatch {
  const [capacity, width] = rank2('embedding-backward', 'dx', tensors.dx);
  const [count] = rank2('embedding-backward', 'dtable', tensors.dtable);
  expectShape('embedding-backward', 'dtable', tensors.dtable, [count, width]);
  expectShape('embedding-backward', 'unique_ids', tensors.unique_ids, [capacity]);
  expectShape('embedding-backward', 'starts', tensors.starts, [capacity + 1]);
  expectShape('embedding-backward', 'order', tensors.order, [capacity]);
  expectCapacity('embedding-backward', 'uniques', uniques, capacity);
  if (width % 4 !== 0) throw new ShapeError(`embedding-backward: width ${width} is not 4 * n`);
  const quads = width / 4;
  return embeddingBackwardKernel.bind(tensors, { uniques, quads, first, count }, () =>
    linearGrid(Math.ceil((valueOf(uniques) * quads) / 64)),
  );
}
