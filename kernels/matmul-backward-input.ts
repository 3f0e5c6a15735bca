import plain from '../shaders/matmul-backward-input.wgsl?raw';
import quad from '../shaders/matmul-backward-input/quad.wgsl?raw';
import registers from '../shaders/matmul-backward-input/registers.wgsl?raw';
import subgroup from '../shaders/matmul-backward-input/subgroup.wgsl?raw';
import workgroup from '../shaders/matmul-backward-input/workgroup.wgsl?raw';
import { defineKernel, type Dispatch } from './lib/kernel.ts';
import {
  dispatchMatmul,
  type MatmulHow,
  type MatmulImplementations,
} from './lib/matmul-variants.ts';
import { rowPieces } from './lib/row-pieces.ts';
import { expectCapacity, expectShape, rank2, type Tensor } from './lib/tensor.ts';
import { maxOf, type Size } from './lib/variable.ts';
import { weightHeader, weightLibrary, weightTypes } from './lib/weight.ts';

const spec = {
  params: ['row_start', 'row_end', 'inner', 'columns', 'accumulate'],
  tensors: { dy: 'f32', weight: weightTypes, dx: 'f32' },
} as const;

export const matmulBackwardInputKernel = defineKernel(
  'matmul-backward-input',
  [weightLibrary, plain],
  spec,
);

const implementations: MatmulImplementations<typeof matmulBackwardInputKernel> = {
  plain: { kernel: matmulBackwardInputKernel, rows: 8, columns: 32 },
  registers: {
    kernel: defineKernel('matmul-backward-input/registers', [weightLibrary, registers], spec),
    rows: 64,
    columns: 64,
  },
  subgroup: {
    kernel: defineKernel('matmul-backward-input/subgroup', [weightLibrary, subgroup], spec),
    rows: 16,
    columns: 32,
    header: 'enable subgroups;',
  },
  quad: {
    kernel: defineKernel('matmul-backward-input/quad', [weightLibrary, quad], spec),
    rows: 64,
    columns: 32,
    header: 'enable subgroups;',
  },
  workgroup: {
    kernel: defineKernel('matmul-backward-input/workgroup', [weightLibrary, workgroup], spec),
    rows: 64,
    columns: 64,
  },
};

/**
 * Gradient of a linear layer in its input, as one dispatch or several over ranges of rows. Math and
 * shapes: `shaders/matmul-backward-input.wgsl`.
 *
 * @param hyper.rows Rows in use, at most the rows of `dy`; later rows of `dx` keep their values.
 * @param hyper.accumulate Adds to `dx` instead of overwriting it. Default false.
 * @throws ShapeError unless `dy` is (M, N), `weight` (N, K) and `dx` (M, K).
 */
export function matmulBackwardInput(
  tensors: { readonly dy: Tensor; readonly weight: Tensor; readonly dx: Tensor },
  hyper: MatmulHow & { readonly rows: Size; readonly accumulate?: boolean },
): Dispatch[] {
  const [capacity, inner] = rank2('matmul-backward-input', 'dy', tensors.dy);
  const [, columns] = rank2('matmul-backward-input', 'weight', tensors.weight);
  expectShape('matmul-backward-input', 'weight', tensors.weight, [inner, columns]);
  expectShape('matmul-backward-input', 'dx', tensors.dx, [capacity, columns]);
  expectCapacity('matmul-backward-input', 'rows', hyper.rows, capacity);
  const pieces = rowPieces(hyper.rows, inner * columns, hyper.mostWork);
  const shape = [maxOf(hyper.rows), columns, inner] as const;
  return dispatchMatmul(
    'backward-input',
    shape,
    implementations,
    hyper.variant,
    pieces,
    tensors.weight.dtype,
    (implementation, piece) =>
      implementation.kernel.bind(
        tensors,
        {
          row_start: piece.start,
          row_end: piece.end,
          inner,
          columns,
          accumulate: hyper.accumulate === true ? 1 : 0,
        },
        () => [
          Math.ceil(columns / implementation.columns),
          Math.ceil(piece.count() / implementation.rows),
        ],
        {
          header: weightHeader(tensors.weight, implementation.header),
          flops: () => 2 * piece.count() * inner * columns,
        },
      ),
  );
}
