import code from '../shaders/column-sum.wgsl?raw';
import { ShapeError } from './lib/errors.ts';
import { defineKernel, type Dispatch, type TensorsOf } from './lib/kernel.ts';
import { elementCount, expectCapacity, rank2 } from './lib/tensor.ts';
import type { Size } from './lib/variable.ts';

export const columnSumKernel = defineKernel('column-sum', code, {
  params: ['rows', 'width', 'block_rows', 'accumulate'],
  tensors: { x: 'f32', out: 'f32' },
});

/**
 * Column sums over all rows, or over blocks of rows: one block per row of `out`. Math:
 * `shaders/column-sum.wgsl`.
 *
 * @throws ShapeError unless `out` holds whole rows as wide as `x`.
 */
export function columnSum(
  tensors: TensorsOf<typeof columnSumKernel>,
  options: { readonly rows: Size; readonly accumulate: boolean },
): Dispatch {
  const [capacity, width] = rank2('column-sum', 'x', tensors.x);
  const blocks = elementCount(tensors.out.shape) / width;
  if (!Number.isInteger(blocks) || blocks === 0) {
    throw new ShapeError(`column-sum: out does not hold rows of ${width}`);
  }
  expectCapacity('column-sum', 'rows', options.rows, capacity);
  return columnSumKernel.bind(
    tensors,
    {
      rows: options.rows,
      width,
      block_rows: Math.ceil(capacity / blocks),
      accumulate: options.accumulate ? 1 : 0,
    },
    [Math.ceil(width / 64), blocks],
  );
}
