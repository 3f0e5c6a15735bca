import code from '../shaders/matmul-backward-weight.wgsl?raw';
import { defineKernel, type Dispatch } from './lib/kernel.ts';
import { perPiece, rowPieces } from './lib/row-pieces.ts';
import { expectCapacity, expectShape, rank2, type Tensor } from './lib/tensor.ts';
import { maxOf, type Size, valueOf } from './lib/variable.ts';

export const matmulBackwardWeightKernel = defineKernel('matmul-backward-weight', code, {
  params: ['row_start', 'row_end', 'inner', 'rows', 'columns'],
  tensors: { dy: 'f32', x: 'f32', dw: 'f32' },
});

/**
 * Adds the gradient of a linear layer in its weight to `dw`, as one dispatch or several over ranges
 * of output features. Math and shapes: `shaders/matmul-backward-weight.wgsl`.
 *
 * @param hyper.rows Rows of `dy` and `x` in use; later rows are not read.
 * @param hyper.mostWork Multiply-adds of one dispatch at most; see `rowPieces`.
 * @throws ShapeError unless `dy` is (M, N), `x` (M, K) and `dw` (N, K).
 */
export function matmulBackwardWeight(
  tensors: { readonly dy: Tensor; readonly x: Tensor; readonly dw: Tensor },
  hyper: { readonly rows: Size; readonly mostWork?: number },
): Dispatch[] {
  const [capacity, rows] = rank2('matmul-backward-weight', 'dy', tensors.dy);
  const [, columns] = rank2('matmul-backward-weight', 'x', tensors.x);
  expectShape('matmul-backward-weight', 'x', tensors.x, [capacity, columns]);
  expectShape('matmul-backward-weight', 'dw', tensors.dw, [rows, columns]);
  expectCapacity('matmul-backward-weight', 'rows', hyper.rows, capacity);
  const inner = hyper.rows;
  return perPiece(rowPieces(rows, maxOf(inner) * columns, 8, hyper.mostWork), (piece, grid) =>
    matmulBackwardWeightKernel.bind(
      tensors,
      { row_start: piece.start, row_end: piece.end, inner, rows, columns },
      grid(Math.ceil(columns / 32), 8),
      { flops: () => 2 * piece.count() * valueOf(inner) * columns },
    ),
  );
}
