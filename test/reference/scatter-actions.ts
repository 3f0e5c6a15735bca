/** The destination, with each source number at the place that its index gives. */
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
