/**
 * Filling and dropping as lim_selection.py describes it: accuracies with -1 for missing, filled
 * from the next epoch in ascending order, undefined for a prompt that still misses one.
 */
export function limFillReference(accuracies: readonly number[]): number[] | undefined {
  const filled = [...accuracies];
  for (let k = 0; k < filled.length - 1; k++) {
    if (filled[k] === -1 && filled[k + 1] !== -1) filled[k] = filled[k + 1];
  }
  return filled.includes(-1) ? undefined : filled;
}
