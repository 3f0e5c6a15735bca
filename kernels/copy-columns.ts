import code from '../shaders/copy-columns.wgsl?raw';
import { ShapeError } from './lib/errors.ts';
import { defineKernel, type Dispatch, type TensorsOf } from './lib/kernel.ts';
import { cellHeader, cellSize } from './lib/lanes.ts';
import { expectCapacity, rank2 } from './lib/tensor.ts';
import { type Size, valueOf } from './lib/variable.ts';

export const copyColumnsKernel = defineKernel('copy-columns', code, {
  params: ['count', 'from_column', 'x_columns', 'to_column', 'out_columns'],
  tensors: { x: 'f32', out: 'f32' },
});

/**
 * Copies columns of a matrix onto columns of another. Shapes: `shaders/copy-columns.wgsl`.
 *
 * @param options.rows Rows in use, at most those of either matrix.
 * @param options.from First column of `x` that is copied; 0 when left out.
 * @param options.to Where it goes in `out`; 0 when left out.
 * @throws ShapeError when a matrix lacks such columns.
 */
export function copyColumns(
  tensors: TensorsOf<typeof copyColumnsKernel>,
  options: {
    readonly rows: Size;
    readonly count: number;
    readonly from?: number;
    readonly to?: number;
  },
): Dispatch {
  const { rows, count, from = 0, to = 0 } = options;
  const [xRows, xColumns] = rank2('copy-columns', 'x', tensors.x);
  const [outRows, outColumns] = rank2('copy-columns', 'out', tensors.out);
  expectCapacity('copy-columns', 'rows', rows, Math.min(xRows, outRows));
  if (from + count > xColumns || to + count > outColumns) {
    throw new ShapeError(
      `copy-columns: ${count} columns from ${from} of ${xColumns} to ${to} of ${outColumns}`,
    );
  }
  const sizes = [count, from, xColumns, to, outColumns] as const;
  const cell = Math.min(...sizes.map(cellSize));
  const [cells, ...places] = sizes.map((size) => size / cell);
  const [from_column = 0, x_columns = 0, to_column = 0, out_columns = 0] = places;
  return copyColumnsKernel.bind(
    tensors,
    { count: cells ?? 0, from_column, x_columns, to_column, out_columns },
    () => [Math.ceil((cells ?? 0) / 64), valueOf(rows)],
    { header: cellHeader(cell) },
  );
}
