import code from '../shaders/matrix-columns.wgsl?raw';
import { ShapeError } from './lib/errors.ts';
import { defineKernel, type Dispatch, linearGrid } from './lib/kernel.ts';
import { bitsOf } from './lib/reward-matrix.ts';
import { expectShape, rank2, type Tensor } from './lib/tensor.ts';

export const matrixColumnsKernel = defineKernel('matrix-columns', code, {
  params: ['prompts', 'epochs', 'count'],
  tensors: { matrix: 'u32', columns: 'u32' },
});

/**
 * The first columns of a matrix of any type. Rules: `shaders/matrix-columns.wgsl`.
 *
 * @param columns Overwritten; its width says how many columns are copied.
 * @throws ShapeError unless both have the same rows, and `columns` is no wider than `matrix`.
 */
export function matrixColumns(matrix: Tensor, columns: Tensor): Dispatch {
  const [prompts, epochs] = rank2('matrix-columns', 'matrix', matrix);
  const [, count] = rank2('matrix-columns', 'columns', columns);
  expectShape('matrix-columns', 'columns', columns, [prompts, count]);
  if (count > epochs) {
    throw new ShapeError(`matrix-columns: ${count} columns wanted, the matrix has ${epochs}`);
  }
  const tensors = { matrix: bitsOf(matrix), columns: bitsOf(columns) };
  const grid = linearGrid(Math.ceil((prompts * count) / 64));
  return matrixColumnsKernel.bind(tensors, { prompts, epochs, count }, grid);
}
