/**
 * Which row stands where after the running rows have come to the front: finished rows below their
 * number change places with the running ones behind it, first with last.
 *
 * @param running By row in use.
 * @returns For each place the row that stood elsewhere before, or the same.
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
