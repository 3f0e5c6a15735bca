/** Number formats in memory, for the weights of matrix products and for cached keys and values. */
export const storages = ['f32', 'f16'] as const;
export type Storage = (typeof storages)[number];

/** Number formats of weights that are not trained. In int8 and int4, blocks of numbers share a scale. */
export const baseStorages = [...storages, 'int8', 'int4'] as const;
export type BaseStorage = (typeof baseStorages)[number];

/** Whether weights are trained in a format. */
export const isStorage = (format: BaseStorage): format is Storage =>
  (storages as readonly string[]).includes(format);
