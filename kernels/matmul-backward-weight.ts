import plain from '../shaders/matmul-backward-weight.wgsl?raw';
import quad from '../shaders/matmul-backward-weight/quad.wgsl?raw';
import registers from '../shaders/matmul-backward-weight/registers.wgsl?raw';
import split from '../shaders/matmul-backward-weight/split.wgsl?raw';
import subgroup from '../shaders/matmul-backward-weight/subgroup.wgsl?raw';
import workgroup from '../shaders/matmul-backward-weight/workgroup.wgsl?raw';
import { defineKernel, type Dispatch } from './lib/kernel.ts';
import { cellHeader, cellSize } from './lib/lanes.ts';
import {
  dispatchMatmul,
  type MatmulHow,
  type MatmulImplementations,
} from './lib/matmul-variants.ts';
import { rowPieces } from './lib/row-pieces.ts';
import { expectCapacity, expectShape, rank2, type Tensor } from './lib/tensor.ts';
import { maxOf, type Size, valueOf } from './lib/variable.ts';

const spec = {
  params: ['row_start', 'row_end', 'inner', 'rows', 'columns'],
  tensors: { dy: 'f32', x: 'f32', dw: 'f32' },
} as const;

export const matmulBackwardWeightKernel = defineKernel('matmul-backward-weight', plain, spec);

const splitKernel = defineKernel('matmul-backward-weight/split', split, spec);

/** @param width Of a row of dy. */
const splitHeader = (width: number): string =>
  `${cellHeader(width)}\nconst CELL = ${cellSize(width)};`;

const implementations: MatmulImplementations<typeof matmulBackwardWeightKernel> = {
  plain: { kernel: matmulBackwardWeightKernel, rows: 8, columns: 32 },
  registers: {
    kernel: defineKernel('matmul-backward-weight/registers', registers, spec),
    rows: 32,
    columns: 64,
  },
  subgroup: {
    kernel: defineKernel('matmul-backward-weight/subgroup', subgroup, spec),
    rows: 16,
    columns: 32,
    header: 'enable subgroups;',
  },
  quad: {
    kernel: defineKernel('matmul-backward-weight/quad', quad, spec),
    rows: 64,
    columns: 32,
    header: 'enable subgroups;',
  },
  workgroup: {
    kernel: defineKernel('matmul-backward-weight/workgroup', workgroup, spec),
    rows: 64,
    columns: 64,
  },
  split32: { kernel: splitKernel, rows: 32, columns: 32, constants: { SIDE: 8, GROUPS: 4 } },
  split16: { kernel: splitKernel, rows: 16, columns: 16, constants: { SIDE: 4, GROUPS: 16 } },
};

/**
 * Adds the gradient of a linear layer in its weight to `dw`, as one dispatch or several over ranges
 * of output features. Math and shapes: `shaders/matmul-backward-weight.wgsl`.
 *
 * @param hyper.rows Rows of `dy` and `x` in use; later rows are not read.
 * @throws ShapeError unless `dy` is (M, N), `x` (M, K) and `dw` (N, K).
 */
export function matmulBackwardWeight(
  tensors: { readonly dy: Tensor; readonly x: Tensor; readonly dw: Tensor },
  hyper: MatmulHow & { readonly rows: Size },
): Dispatch[] {
  const [capacity, rows] = rank2('matmul-backward-weight', 'dy', tensors.dy);
  const [, columns] = rank2('matmul-backward-weight', 'x', tensors.x);
  expectShape('matmul-backward-weight', 'x', tensors.x, [capacity, columns]);
  expectShape('matmul-backward-weight', 'dw', tensors.dw, [rows, columns]);
  expectCapacity('matmul-backward-weight', 'rows', hyper.rows, capacity);
  const inner = hyper.rows;
  const pieces = rowPieces(rows, maxOf(inner) * columns, hyper.mostWork);
  const shape = [maxOf(inner), columns, rows] as const;
  return dispatchMatmul(
    'backward-weight',
    shape,
    implementations,
    hyper.variant,
    pieces,
    'f32',
    (implementation, piece) =>
      implementation.kernel.bind(
        tensors,
        { row_start: piece.start, row_end: piece.end, inner, rows, columns },
        () => [
          Math.ceil(columns / implementation.columns),
          Math.ceil(piece.count() / implementation.rows),
        ],
        {
          header:
            implementation.kernel === splitKernel
              ? splitHeader(rows)
              : (implementation.header ?? ''),
          constants: implementation.constants ?? {},
          flops: () => 2 * piece.count() * valueOf(inner) * columns,
        },
      ),
  );
}
