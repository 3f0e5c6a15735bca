/** Caches by row and slot after moved rows have taken theirs along, but for the newest slot. */
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
