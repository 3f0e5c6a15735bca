import plain from '../shaders/matmul-forward.wgsl?raw';
import ragged from '../shaders/matmul-forward/ragged.wgsl?raw';
import quad from '../shaders/matmul-forward/quad.wgsl?raw';
import registers from '../shaders/matmul-forward/registers.wgsl?raw';
import subgroup from '../shaders/matmul-forward/subgroup.wgsl?raw';
import tiles from '../shaders/matmul-forward/tiles.wgsl?raw';
import workgroup from '../shaders/matmul-forward/workgroup.wgsl?raw';
import { defineKernel, type Dispatch, type KernelInfo } from './lib/kernel.ts';
import {
  dispatchMatmul,
  fillsQuads,
  hasCells,
  hasInnerCells,
  matmulKeys,
  type MatmulHow,
  type MatmulShape,
  type MatmulTile,
  tileVariants,
} from './lib/matmul-shape.ts';
import { rowPieces } from './lib/row-pieces.ts';
import { expectCapacity, expectShape, rank2, type Tensor } from './lib/tensor.ts';
import { type Size, usualOf } from './lib/variable.ts';
import {
  defineFamily,
  hasQuads,
  hasWideSubgroups,
  isSoftware,
  type VariantOf,
} from './lib/variants.ts';
import { matrixHeader, matrixTypes } from './lib/weight.ts';

const spec = {
  params: ['row_start', 'row_end', 'inner', 'columns', 'has_bias', 'has_residual'],
  tensors: { x: 'f32', weight: matrixTypes, bias: 'f32', residual: 'f32', out: 'f32' },
} as const;

export const matmulForwardKernel = defineKernel('matmul-forward', plain, spec);

const variant = (name: string, code: string) => defineKernel(`matmul-forward/${name}`, code, spec);

const headerOf = ({ kernel, header }: MatmulTile<KernelInfo>, weight: Tensor): string =>
  matrixHeader(weight, kernel === matmulForwardKernel ? 'numbers' : 'quads', header);

export const matmulForwardFamily = defineFamily<
  MatmulShape,
  MatmulTile<typeof matmulForwardKernel>,
  'registers' | 'subgroup' | 'quad' | 'workgroup' | 'tiles128' | 'tiles64' | 'tiles32' | 'ragged'
>('matmul-forward', matmulKeys, {
  plain: { kernel: matmulForwardKernel, rows: 8, columns: 32 },
  registers: {
    kernel: variant('registers', registers),
    rows: 64,
    columns: 64,
    fits: hasCells,
    portable: true,
  },
  subgroup: {
    kernel: variant('subgroup', subgroup),
    rows: 16,
    columns: 32,
    header: 'enable subgroups;',
    fits: hasCells,
    runsOn: hasWideSubgroups,
    preferredOn: isSoftware,
  },
  quad: {
    kernel: variant('quad', quad),
    rows: 64,
    columns: 32,
    header: 'enable subgroups;',
    fits: hasCells,
    suits: fillsQuads,
    runsOn: hasQuads,
    preferredOn: isSoftware,
  },
  workgroup: {
    kernel: variant('workgroup', workgroup),
    rows: 64,
    columns: 64,
    fits: hasInnerCells,
  },
  ...tileVariants(variant('tiles', tiles), ([rows, , columns]) => [rows, columns]),
  ragged: {
    kernel: variant('ragged', ragged),
    rows: 64,
    columns: 4,
    fits: hasInnerCells,
    suits: ([, , columns]) => columns % 4 !== 0,
    portable: true,
  },
});

/**
 * A linear layer over packed rows, in one dispatch or, where that would take long, in several over
 * ranges of rows. Math and shapes: `shaders/matmul-forward.wgsl`.
 *
 * @param tensors.residual Added to the result; it must not be `out` itself.
 * @param hyper.rows Rows in use, at most the rows of `x`; later rows of `out` keep their values.
 * @throws ShapeError unless `x` is (M, K), `weight` (N, K), `out` and `residual` (M, N), and `bias`
 *   (N).
 */
export function matmulForward(
  tensors: {
    readonly x: Tensor;
    readonly weight: Tensor;
    readonly out: Tensor;
    readonly bias?: Tensor | undefined;
    readonly residual?: Tensor | undefined;
  },
  hyper: MatmulHow<VariantOf<typeof matmulForwardFamily>> & { readonly rows: Size },
): Dispatch[] {
  const { x, weight, out, bias, residual } = tensors;
  const [capacity, inner] = rank2('matmul-forward', 'x', x);
  const [columns] = rank2('matmul-forward', 'weight', weight);
  expectShape('matmul-forward', 'weight', weight, [columns, inner]);
  expectShape('matmul-forward', 'out', out, [capacity, columns]);
  if (bias) expectShape('matmul-forward', 'bias', bias, [columns]);
  if (residual) expectShape('matmul-forward', 'residual', residual, [capacity, columns]);
  expectCapacity('matmul-forward', 'rows', hyper.rows, capacity);
  // An absent input is bound to `x` and not read.
  const bound = { x, weight, bias: bias ?? x, residual: residual ?? x, out };
  const pieces = rowPieces(hyper.rows, inner * columns, hyper.mostWork);
  const shape = [usualOf(hyper.rows), inner, columns, weight.dtype] as const;
  return dispatchMatmul(matmulForwardFamily, shape, hyper.variant, pieces, (tile, piece) =>
    tile.kernel.bind(
      bound,
      {
        row_start: piece.start,
        row_end: piece.end,
        inner,
        columns,
        has_bias: bias ? 1 : 0,
        has_residual: residual ? 1 : 0,
      },
      () => [Math.ceil(columns / tile.columns), Math.ceil(piece.count() / tile.rows)],
      {
        header: headerOf(tile, weight),
        flops: () => 2 * piece.count() * inner * columns,
      },
    ),
  );
}
