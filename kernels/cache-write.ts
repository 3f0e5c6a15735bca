import code from '../shaders/cache-write.wgsl?raw';
import { ShapeError } from './lib/errors.ts';
import { defineKernel, linearGrid, type Dispatch, type TensorsOf } from './lib/kernel.ts';
import { expectCapacity, expectShape, rank2 } from './lib/tensor.ts';
import { type Size, valueOf } from './lib/variable.ts';

export const cacheWriteKernel = defineKernel('cache-write', code, {
  params: ['rows', 'columns', 'query_quads', 'cache_quads'],
  tensors: { status: 'u32', qkv: 'f32', cache: 'f32' },
});

/**
 * Stores the newest token's key and value. Shapes: `shaders/cache-write.wgsl`.
 *
 * @param options.cacheColumns Floats of one cached token: keys and values of all kv heads.
 * @throws ShapeError unless the columns are multiples of 4 and fit the fused rows.
 */
export function cacheWrite(
  tensors: TensorsOf<typeof cacheWriteKernel>,
  { rows, cacheColumns }: { readonly rows: Size; readonly cacheColumns: number },
): Dispatch {
  const [capacity, fused] = rank2('cache-write', 'qkv', tensors.qkv);
  const columns = tensors.cache.shape[1] ?? 0;
  expectShape('cache-write', 'cache', tensors.cache, [capacity, columns, cacheColumns]);
  expectShape('cache-write', 'status', tensors.status, [capacity, 2]);
  expectCapacity('cache-write', 'rows', rows, capacity);
  if (cacheColumns % 4 !== 0 || fused % 4 !== 0 || cacheColumns >= fused) {
    throw new ShapeError(`cache-write: ${cacheColumns} of ${fused} columns are not 4 * n of them`);
  }
  const params = {
    rows,
    columns,
    query_quads: (fused - cacheColumns) / 4,
    cache_quads: cacheColumns / 4,
  };
  return cacheWriteKernel.bind(tensors, params, () =>
    linearGrid(Math.ceil((valueOf(rows) * cacheColumns) / 4 / 64)),
  );
}
