/**
 * The caches by row and slot after rows have moved. A moved row takes along its slots, except the
 * newest.
 */
export const decodeMoveCacheReference = (
  cache: readonly (readonly number[][])[],
  lengths: readonly number[],
  running: readonly boolean[],
  partner: readonly number[],
): number[][][] =>
  cache.map((slots, row) =>
    slots.map((slot, t) => [
      ...(running[row] && t < lengths[row] - 1 ? cache[partner[row]][t] : slot),
    ]),
  );
