import code from '../shaders/decode-move-cache.wgsl?raw';
import { ShapeError } from './lib/errors.ts';
import { defineKernel, type Dispatch, linearGrid, type TensorsOf } from './lib/kernel.ts';
import { expectCapacity, expectShape, rowBytes } from './lib/tensor.ts';
import { type Size, valueOf } from './lib/variable.ts';
import { weightTypes } from './lib/weight.ts';

export const decodeMoveCacheKernel = defineKernel('decode-move-cache', code, {
  params: ['rows', 'row_quads', 'slot_quads'],
  tensors: { status: 'u32', partner: 'u32', cache: weightTypes },
});

/**
 * Moves the cache of one layer after `decodeCompact`. Shapes: `shaders/decode-move-cache.wgsl`.
 *
 * @throws ShapeError when the shapes disagree or the cache's slots are no whole vec4s.
 */
export function decodeMoveCache(
  tensors: TensorsOf<typeof decodeMoveCacheKernel>,
  { rows }: { readonly rows: Size },
): Dispatch {
  const [capacity = 0, slots = 0, width = 0, ...more] = tensors.cache.shape;
  const perQuad = 16 / rowBytes(tensors.cache.dtype, 1);
  if (more.length > 0 || width === 0 || width % perQuad !== 0) {
    throw new ShapeError(
      `decode-move-cache: cache must be (R, T, ${perQuad} n), got (${tensors.cache.shape.join(', ')})`,
    );
  }
  expectShape('decode-move-cache', 'status', tensors.status, [capacity, 2]);
  expectShape('decode-move-cache', 'partner', tensors.partner, [capacity]);
  expectCapacity('decode-move-cache', 'rows', rows, capacity);
  return decodeMoveCacheKernel.bind(
    tensors,
    { rows, row_quads: (slots * width) / perQuad, slot_quads: width / perQuad },
    () => linearGrid(valueOf(rows)),
  );
}
