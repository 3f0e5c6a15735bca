/** Number formats in memory, for the weights of matrix products and for cached keys and values. */
export const storages = ['f32', 'f16'] as const;
export type Storage = (typeof storages)[number];
