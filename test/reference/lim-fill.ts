/**
 * Fills and drops as lim_selection.py describes: -1 marks a missing accuracy, and the next epoch
 * fills it, in ascending order. Undefined for a prompt that still misses one.
 */
export function limFillReference(accuracies: readonly number[]): number[] | undefined {
  const filled = [...accuracies];
  for (let k = 0; k < filled.length - 1; k++) {
    if (filled[k] === -1 && filled[k + 1] !== -1) filled[k] = filled[k + 1];
  }
  return filled.includes(-1) ? undefined : filled;
}
