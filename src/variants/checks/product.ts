/** The layer whose products are checked: 70 rows, from 40 to 76 features. */
export const checkedLayer = { rows: 70, inner: 40, columns: 76 } as const;

/** sum_k left(row, k) * right(k, column), in float64 */
export function product(
  [rows, inner, columns]: readonly [number, number, number],
  left: (row: number, k: number) => number,
  right: (k: number, column: number) => number,
): Float64Array {
  return Float64Array.from({ length: rows * columns }, (_, at) => {
    let sum = 0;
    for (let k = 0; k < inner; k++) {
      sum += left(Math.floor(at / columns), k) * right(k, at % columns);
    }
    return sum;
  });
}
