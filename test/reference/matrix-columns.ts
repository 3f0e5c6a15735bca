/** The first `count` columns of a row-major matrix, column by column. */
export function matrixColumnsReference(
  matrix: ArrayLike<number>,
  columns: number,
  count: number,
): number[] {
  const rows = matrix.length / columns;
  const kept = new Array<number>(rows * count);
  for (let k = count - 1; k >= 0; k--) {
    for (let row = 0; row < rows; row++) kept[row * count + k] = matrix[row * columns + k];
  }
  return kept;
}
