/** The destination with each source number put where its index says. */
export function scatterActionsReference(
  destination: ArrayLike<number>,
  source: ArrayLike<number>,
  indices: readonly number[],
): number[] {
  return Array.from(destination, (before, i) => {
    const from = indices.lastIndexOf(i);
    return from < 0 ? before : source[from];
  });
}
