import type { Adapter } from '../../../kernels/lib/variants.ts';

/**
 * The layer whose products are checked: in every variant that an adapter of the kind prefers, it has
 * whole blocks and cut ones.
 */
export const checkedLayer = ({ kind }: Adapter) =>
  kind === 'cpu' ? { rows: 70, inner: 40, columns: 76 } : { rows: 140, inner: 136, columns: 132 };

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
