import code from '../shaders/cache-store.wgsl?raw';
import cache from '../shaders/lib/cache.wgsl?raw';
import half from '../shaders/lib/half.wgsl?raw';
import { ShapeError } from './lib/errors.ts';
import { defineKernel, linearGrid, type Dispatch, type TensorsOf } from './lib/kernel.ts';
import { laneConstants, serialLanes, type Lanes } from './lib/lanes.ts';
import { expectCapacity, expectShape, rank2 } from './lib/tensor.ts';
import { type Size, valueOf } from './lib/variable.ts';
import { weightHeader, weightLibrary, weightTypes } from './lib/weight.ts';

export const cacheStoreKernel = defineKernel('cache-store', [weightLibrary, half, cache, code], {
  params: ['rows', 'first', 'skipped', 'quads'],
  tensors: { qkv: 'f32', cache: weightTypes },
});

/**
 * Copies keys and values of prompts into the cache that decoding reads. Shapes:
 * `shaders/cache-store.wgsl`.
 *
 * @param options.first Row of the cache that takes the first row.
 * @throws ShapeError when fused rows and cache do not fit together, or when heads are not a
 *   multiple of 4 in size.
 */
export function cacheStore(
  tensors: TensorsOf<typeof cacheStoreKernel>,
  options: {
    readonly rows: Size;
    readonly first: Size;
    readonly heads: number;
    readonly kvHeads: number;
    readonly headDim: number;
    readonly lanes?: Lanes;
  },
): Dispatch {
  const { rows, first, heads, kvHeads, headDim, lanes = serialLanes } = options;
  if (headDim % 4 !== 0) throw new ShapeError(`cache-store: head dim ${headDim} is not 4 * n`);
  const [capacity] = rank2('cache-store', 'qkv', tensors.qkv);
  const [held] = rank2('cache-store', 'cache', tensors.cache);
  expectShape('cache-store', 'qkv', tensors.qkv, [capacity, (heads + 2 * kvHeads) * headDim]);
  expectShape('cache-store', 'cache', tensors.cache, [held, 2 * kvHeads * headDim]);
  expectCapacity('cache-store', 'rows', rows, capacity);
  expectCapacity('cache-store', 'rows', rows, held);
  expectCapacity('cache-store', 'first', first, held - 1);
  const quads = headDim / 4;
  return cacheStoreKernel.bind(
    tensors,
    { rows, first, skipped: heads * quads, quads: 2 * kvHeads * quads },
    () => linearGrid(Math.ceil(valueOf(rows) / lanes.rows)),
    { header: weightHeader(tensors.cache), constants: laneConstants(lanes) },
  );
}
