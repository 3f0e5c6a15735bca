import code from '../shaders/matmul-forward.wgsl?raw';
import { defineKernel, type Dispatch } from './lib/kernel.ts';
import { perPiece, rowPieces } from './lib/row-pieces.ts';
import { expectCapacity, expectShape, rank2, type Tensor } from './lib/tensor.ts';
import type { Size } from './lib/variable.ts';

export const matmulForwardKernel = defineKernel('matmul-forward', code, {
  params: ['row_start', 'row_end', 'inner', 'columns', 'has_bias', 'has_residual'],
  tensors: { x: 'f32', weight: 'f32', bias: 'f32', residual: 'f32', out: 'f32' },
});

/**
 * A linear layer over packed rows, as one dispatch or, where that would be long, several over
 * ranges of rows. Math and shapes: `shaders/matmul-forward.wgsl`.
 *
 * @param tensors.residual Added to the result; it must not be `out` itself.
 * @param hyper.rows Rows in use, at most the rows of `x`; later rows of `out` keep their values.
 * @param hyper.mostWork Multiply-adds of one dispatch at most; see `rowPieces`.
 * @throws ShapeError unless `x` is (M, K), `weight` (N, K), `out` and `residual` (M, N), `bias` (N).
 */
export function matmulForward(
  tensors: {
    readonly x: Tensor;
    readonly weight: Tensor;
    readonly out: Tensor;
    readonly bias?: Tensor | undefined;
    readonly residual?: Tensor | undefined;
  },
  hyper: { readonly rows: Size; readonly mostWork?: number },
): Dispatch[] {
  const { x, weight, out, bias, residual } = tensors;
  const [capacity, inner] = rank2('matmul-forward', 'x', x);
  const [columns] = rank2('matmul-forward', 'weight', weight);
  expectShape('matmul-forward', 'weight', weight, [columns, inner]);
  expectShape('matmul-forward', 'out', out, [capacity, columns]);
  if (bias) expectShape('matmul-forward', 'bias', bias, [columns]);
  if (residual) expectShape('matmul-forward', 'residual', residual, [capacity, columns]);
  expectCapacity('matmul-forward', 'rows', hyper.rows, capacity);
  // An absent input is bound to another read-only one and not read.
  const bound = { x, weight, bias: bias ?? weight, residual: residual ?? x, out };
  return perPiece(rowPieces(hyper.rows, inner * columns, 8, hyper.mostWork), (piece, grid) =>
    matmulForwardKernel.bind(
      bound,
      {
        row_start: piece.start,
        row_end: piece.end,
        inner,
        columns,
        has_bias: bias ? 1 : 0,
        has_residual: residual ? 1 : 0,
      },
      grid(Math.ceil(columns / 32), 8),
      { flops: () => 2 * piece.count() * inner * columns },
    ),
  );
}
