import { nearestHalf } from './half.ts';

/**
 * The rows that a cache takes from fused queries, keys and values: all columns but the queries',
 * rounded to the nearest half where the cache is in f16.
 */
export const cacheStoreReference = (
  qkv: readonly (readonly number[])[],
  queries: number,
  storage: 'f32' | 'f16',
): number[][] =>
  qkv.map((row) =>
    row.slice(queries).map((value) => (storage === 'f16' ? nearestHalf(value) : value)),
  );
