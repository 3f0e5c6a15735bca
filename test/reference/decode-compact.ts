/**
 * The order of rows after the running rows have moved to the front. Finished rows at places below
 * the number of running rows swap with running rows behind that number: the first with the last.
 *
 * @param running For each row in use, whether it is running.
 * @returns For each place, the former place of the row that now stands there.
 */
export function decodeCompactReference(running: readonly boolean[]): number[] {
  const rows = running.map((_, row) => row);
  const count = running.filter(Boolean).length;
  const holes = rows.filter((row) => row < count && !running[row]);
  const strays = rows.filter((row) => row >= count && running[row]).reverse();
  const places = [...rows];
  for (const [i, hole] of holes.entries()) {
    places[hole] = strays[i];
    places[strays[i]] = hole;
  }
  return places;
}
