import code from '../shaders/matmul-backward-input.wgsl?raw';
import { defineKernel, type Dispatch } from './lib/kernel.ts';
import { perPiece, rowPieces } from './lib/row-pieces.ts';
import { expectCapacity, expectShape, rank2, type Tensor } from './lib/tensor.ts';
import type { Size } from './lib/variable.ts';

export const matmulBackwardInputKernel = defineKernel('matmul-backward-input', code, {
  params: ['row_start', 'row_end', 'inner', 'columns', 'accumulate'],
  tensors: { dy: 'f32', weight: 'f32', dx: 'f32' },
});

/**
 * Gradient of a linear layer in its input, as one dispatch or several over ranges of rows. Math and
 * shapes: `shaders/matmul-backward-input.wgsl`.
 *
 * @param hyper.rows Rows in use, at most the rows of `dy`; later rows of `dx` keep their values.
 * @param hyper.accumulate Adds to `dx` instead of overwriting it. Default false.
 * @param hyper.mostWork Multiply-adds of one dispatch at most; see `rowPieces`.
 * @throws ShapeError unless `dy` is (M, N), `weight` (N, K) and `dx` (M, K).
 */
export function matmulBackwardInput(
  tensors: { readonly dy: Tensor; readonly weight: Tensor; readonly dx: Tensor },
  hyper: { readonly rows: Size; readonly accumulate?: boolean; readonly mostWork?: number },
): Dispatch[] {
  const [capacity, inner] = rank2('matmul-backward-input', 'dy', tensors.dy);
  const [, columns] = rank2('matmul-backward-input', 'weight', tensors.weight);
  expectShape('matmul-backward-input', 'weight', tensors.weight, [inner, columns]);
  expectShape('matmul-backward-input', 'dx', tensors.dx, [capacity, columns]);
  expectCapacity('matmul-backward-input', 'rows', hyper.rows, capacity);
  return perPiece(rowPieces(hyper.rows, inner * columns, 8, hyper.mostWork), (piece, grid) =>
    matmulBackwardInputKernel.bind(
      tensors,
      {
        row_start: piece.start,
        row_end: piece.end,
        inner,
        columns,
        accumulate: hyper.accumulate === true ? 1 : 0,
      },
      grid(Math.ceil(columns / 32), 8),
      { flops: () => 2 * piece.count() * inner * columns },
    ),
  );
}
