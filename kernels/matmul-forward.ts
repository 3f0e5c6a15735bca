import plain from '../shaders/matmul-forward.wgsl?raw';
import ragged from '../shaders/matmul-forward/ragged.wgsl?raw';
import quad from '../shaders/matmul-forward/quad.wgsl?raw';
import registers from '../shaders/matmul-forward/registers.wgsl?raw';
import subgroup from '../shaders/matmul-forward/subgroup.wgsl?raw';
import workgroup from '../shaders/matmul-forward/workgroup.wgsl?raw';
import { defineKernel, type Dispatch } from './lib/kernel.ts';
import {
  dispatchMatmul,
  type MatmulHow,
  type MatmulImplementations,
} from './lib/matmul-variants.ts';
import { rowPieces } from './lib/row-pieces.ts';
import { expectCapacity, expectShape, rank2, type Tensor } from './lib/tensor.ts';
import { type Size, usualOf } from './lib/variable.ts';
import { weightHeader, weightLibrary, weightTypes } from './lib/weight.ts';

const spec = {
  params: ['row_start', 'row_end', 'inner', 'columns', 'has_bias', 'has_residual'],
  tensors: { x: 'f32', weight: weightTypes, bias: 'f32', residual: 'f32', out: 'f32' },
} as const;

export const matmulForwardKernel = defineKernel('matmul-forward', [weightLibrary, plain], spec);

const implementations: MatmulImplementations<typeof matmulForwardKernel> = {
  plain: { kernel: matmulForwardKernel, rows: 8, columns: 32 },
  registers: {
    kernel: defineKernel('matmul-forward/registers', [weightLibrary, registers], spec),
    rows: 64,
    columns: 64,
  },
  subgroup: {
    kernel: defineKernel('matmul-forward/subgroup', [weightLibrary, subgroup], spec),
    rows: 16,
    columns: 32,
    header: 'enable subgroups;',
  },
  quad: {
    kernel: defineKernel('matmul-forward/quad', [weightLibrary, quad], spec),
    rows: 64,
    columns: 32,
    header: 'enable subgroups;',
  },
  workgroup: {
    kernel: defineKernel('matmul-forward/workgroup', [weightLibrary, workgroup], spec),
    rows: 64,
    columns: 64,
  },
  ragged: {
    kernel: defineKernel('matmul-forward/ragged', [weightLibrary, ragged], spec),
    rows: 64,
    columns: 4,
  },
};

/**
 * A linear layer over packed rows, as one dispatch or, where that would be long, several over
 * ranges of rows. Math and shapes: `shaders/matmul-forward.wgsl`.
 *
 * @param tensors.residual Added to the result; it must not be `out` itself.
 * @param hyper.rows Rows in use, at most the rows of `x`; later rows of `out` keep their values.
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
  hyper: MatmulHow & { readonly rows: Size },
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
  const bound = { x, weight, bias: bias ?? x, residual: residual ?? x, out };
  const pieces = rowPieces(hyper.rows, inner * columns, hyper.mostWork);
  const shape = [usualOf(hyper.rows), inner, columns] as const;
  return dispatchMatmul(
    'forward',
    shape,
    implementations,
    hyper.variant,
    pieces,
    weight.dtype,
    (implementation, piece) =>
      implementation.kernel.bind(
        bound,
        {
          row_start: piece.start,
          row_end: piece.end,
          inner,
          columns,
          has_bias: bias ? 1 : 0,
          has_residual: residual ? 1 : 0,
        },
        () => [
          Math.ceil(columns / implementation.columns),
          Math.ceil(piece.count() / implementation.rows),
        ],
        {
          header: weightHeader(weight, implementation.header),
          flops: () => 2 * piece.count() * inner * columns,
        },
      ),
  );
}
