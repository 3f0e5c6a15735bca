/**
 * The states of rows, and how many have finished, after the host has ended some of them.
 *
 * @param states For each row in use: 0 running, else how it ended.
 * @param origins The first place of each row.
 * @param halted First places of the rows that end.
 */
export function decodeStopReference(
  states: readonly number[],
  origins: readonly number[],
  halted: ReadonlySet<number>,
): { readonly states: number[]; readonly ended: number } {
  const ends = states.map((state, row) => state === 0 && halted.has(origins[row]));
  return {
    states: states.map((state, row) => (ends[row] ? 3 : state)),
    ended: ends.filter(Boolean).length,
  };
}
