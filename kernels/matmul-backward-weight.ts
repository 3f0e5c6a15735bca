import plain from '../shaders/matmul-backward-weight.wgsl?raw';
import quad from '../shaders/matmul-backward-weight/quad.wgsl?raw';
import registers from '../shaders/matmul-backward-weight/registers.wgsl?raw';
import split from '../shaders/matmul-backward-weight/split.wgsl?raw';
import subgroup from '../shaders/matmul-backward-weight/subgroup.wgsl?raw';
import tiles from '../shaders/matmul-backward-weight/tiles.wgsl?raw';
import workgroup from '../shaders/matmul-backward-weight/workgroup.wgsl?raw';
import { defineKernel, type Dispatch, type KernelInfo } from './lib/kernel.ts';
import { cellConstant, cellHeader } from './lib/lanes.ts';
import {
  dispatchMatmul,
  hasCells,
  hasInnerCells,
  busyWorkgroups,
  matmulKeys,
  type MatmulHow,
  type MatmulShape,
  type MatmulTile,
  tileVariants,
} from './lib/matmul-shape.ts';
import { rowPieces } from './lib/row-pieces.ts';
import { expectCapacity, expectShape, rank2, type Tensor } from './lib/tensor.ts';
import { maxOf, type Size, valueOf } from './lib/variable.ts';
import {
  defineFamily,
  hasQuads,
  hasWideSubgroups,
  isSoftware,
  type VariantOf,
} from './lib/variants.ts';

const spec = {
  params: ['row_start', 'row_end', 'inner', 'rows', 'columns'],
  tensors: { dy: 'f32', x: 'f32', dw: 'f32' },
} as const;

export const matmulBackwardWeightKernel = defineKernel('matmul-backward-weight', plain, spec);

const variant = (name: string, code: string) =>
  defineKernel(`matmul-backward-weight/${name}`, code, spec);

const splitKernel = variant('split', split);
const tilesKernel = variant('tiles', tiles);

/** @param width Width of a row of dy. */
function headerOf({ kernel, header = '' }: MatmulTile<KernelInfo>, width: number): string {
  const readsCells = kernel === splitKernel || kernel === tilesKernel;
  return readsCells ? [header, cellHeader(width), cellConstant(width)].join('\n') : header;
}

/** Whether tiles of `side` x `side` outputs keep a GPU busy. */
const isBusyAt =
  (side: number) =>
  ([, inner, columns]: MatmulShape): boolean =>
    Math.ceil(inner / side) * Math.ceil(columns / side) >= busyWorkgroups;

/** Whether the tiles of most variants keep a GPU busy. */
const isLarge = isBusyAt(64);

export const matmulBackwardWeightFamily = defineFamily<
  MatmulShape,
  MatmulTile<typeof matmulBackwardWeightKernel>,
  | 'registers'
  | 'subgroup'
  | 'quad'
  | 'workgroup'
  | 'split32'
  | 'split16'
  | 'tiles128'
  | 'tiles64'
  | 'tiles32'
>('matmul-backward-weight', matmulKeys, {
  plain: { kernel: matmulBackwardWeightKernel, rows: 8, columns: 32, suits: isLarge },
  registers: {
    kernel: variant('registers', registers),
    rows: 32,
    columns: 64,
    fits: hasCells,
    suits: isLarge,
    portable: true,
  },
  subgroup: {
    kernel: variant('subgroup', subgroup),
    rows: 16,
    columns: 32,
    header: 'enable subgroups;',
    fits: hasCells,
    suits: isLarge,
    runsOn: hasWideSubgroups,
    preferredOn: isSoftware,
  },
  quad: {
    kernel: variant('quad', quad),
    rows: 64,
    columns: 32,
    header: 'enable subgroups;',
    fits: hasCells,
    suits: isLarge,
    runsOn: hasQuads,
    preferredOn: isSoftware,
  },
  workgroup: {
    kernel: variant('workgroup', workgroup),
    rows: 64,
    columns: 64,
    fits: hasCells,
    suits: isLarge,
  },
  // The split variants keep a GPU busy where the weight is small: a workgroup shares out the rows
  // among its threads.
  split32: {
    kernel: splitKernel,
    rows: 32,
    columns: 32,
    constants: { SIDE: 8, GROUPS: 4 },
    fits: hasInnerCells,
    suits: isBusyAt(32),
  },
  split16: {
    kernel: splitKernel,
    rows: 16,
    columns: 16,
    constants: { SIDE: 4, GROUPS: 16 },
    fits: hasInnerCells,
  },
  ...tileVariants(tilesKernel, ([, inner, columns]) => [columns, inner]),
});

/**
 * Adds the gradient of a linear layer's weight to `dw`, in one dispatch or in several over ranges
 * of output features. Math and shapes: `shaders/matmul-backward-weight.wgsl`.
 *
 * @param hyper.rows Rows of `dy` and `x` in use; later rows are not read.
 * @throws ShapeError unless `dy` is (M, N), `x` (M, K) and `dw` (N, K).
 */
export function matmulBackwardWeight(
  tensors: { readonly dy: Tensor; readonly x: Tensor; readonly dw: Tensor },
  hyper: MatmulHow<VariantOf<typeof matmulBackwardWeightFamily>> & { readonly rows: Size },
): Dispatch[] {
  const [capacity, rows] = rank2('matmul-backward-weight', 'dy', tensors.dy);
  const [, columns] = rank2('matmul-backward-weight', 'x', tensors.x);
  expectShape('matmul-backward-weight', 'x', tensors.x, [capacity, columns]);
  expectShape('matmul-backward-weight', 'dw', tensors.dw, [rows, columns]);
  expectCapacity('matmul-backward-weight', 'rows', hyper.rows, capacity);
  const inner = hyper.rows;
  const pieces = rowPieces(rows, maxOf(inner) * columns, hyper.mostWork);
  const shape = [maxOf(inner), columns, rows] as const;
  return dispatchMatmul(matmulBackwardWeightFamily, shape, hyper.variant, pieces, (tile, piece) =>
    tile.kernel.bind(
      tensors,
      { row_start: piece.start, row_end: piece.end, inner, rows, columns },
      () => [Math.ceil(columns / tile.columns), Math.ceil(piece.count() / tile.rows)],
      {
        header: headerOf(tile, rows),
        constants: tile.constants ?? {},
        flops: () => 2 * piece.count() * valueOf(inner) * columns,
      },
    ),
  );
}
