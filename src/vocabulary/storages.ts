/** How numbers lie in memory: weights that matrices are multiplied by, and keys and values of caches. */
export const storages = ['f32', 'f16'] as const;
export type Storage = (typeof storages)[number];
