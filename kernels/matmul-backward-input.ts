import plain from '../shaders/matmul-backward-input.wgsl?raw';
import quad from '../shaders/matmul-backward-input/quad.wgsl?raw';
import registers from '../shaders/matmul-backward-input/registers.wgsl?raw';
import subgroup from '../shaders/matmul-backward-input/subgroup.wgsl?raw';
import tiles from '../shaders/matmul-backward-input/tiles.wgsl?raw';
import workgroup from '../shaders/matmul-backward-input/workgroup.wgsl?raw';
import { defineKernel, type Dispatch, type KernelInfo } from './lib/kernel.ts';
import { cellConstant, cellHeader } from './lib/lanes.ts';
import {
  dispatchMatmul,
  fillsQuads,
  hasCells,
  matmulKeys,
  type MatmulHow,
  type MatmulShape,
  type MatmulTile,
  tileVariants,
} from './lib/matmul-shape.ts';
import { rowPieces } from './lib/row-pieces.ts';
import { expectCapacity, expectShape, rank2, type Tensor } from './lib/tensor.ts';
import { maxOf, type Size } from './lib/variable.ts';
import {
  defineFamily,
  hasQuads,
  hasWideSubgroups,
  isSoftware,
  type VariantOf,
} from './lib/variants.ts';
import { matrixHeader, matrixTypes } from './lib/weight.ts';

const spec = {
  params: ['row_start', 'row_end', 'inner', 'columns', 'accumulate'],
  tensors: { dy: 'f32', weight: matrixTypes, dx: 'f32' },
} as const;

export const matmulBackwardInputKernel = defineKernel('matmul-backward-input', plain, spec);

const variant = (name: string, code: string) =>
  defineKernel(`matmul-backward-input/${name}`, code, spec);

const tilesKernel = variant('tiles', tiles);

/** @param width Width of a row of dy. */
function headerOf(
  { kernel, header }: MatmulTile<KernelInfo>,
  weight: Tensor,
  width: number,
): string {
  const own = matrixHeader(
    weight,
    kernel === matmulBackwardInputKernel ? 'numbers' : 'quads',
    header,
  );
  return kernel === tilesKernel ? [own, cellHeader(width), cellConstant(width)].join('\n') : own;
}

export const matmulBackwardInputFamily = defineFamily<
  MatmulShape,
  MatmulTile<typeof matmulBackwardInputKernel>,
  'registers' | 'subgroup' | 'quad' | 'workgroup' | 'tiles128' | 'tiles64' | 'tiles32'
>('matmul-backward-input', matmulKeys, {
  plain: { kernel: matmulBackwardInputKernel, rows: 8, columns: 32 },
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
    fits: hasCells,
  },
  ...tileVariants(tilesKernel, ([rows, inner]) => [rows, inner]),
});

/** Values of the shader's `accumulate`. */
const accumulations = { after: 1, before: 2 } as const;

/**
 * Gradient of a linear layer's input, in one dispatch or in several over ranges of rows. Math and
 * shapes: `shaders/matmul-backward-input.wgsl`.
 *
 * @param hyper.rows Rows in use, at most the rows of `dy`; later rows of `dx` keep their values.
 * @param hyper.accumulate Adds to `dx` instead of overwriting it: `after` the sum, or `before`, so
 *   that the sum continues from it. Left out: overwrites.
 * @throws ShapeError unless `dy` is (M, N), `weight` (N, K) and `dx` (M, K).
 */
export function matmulBackwardInput(
  tensors: { readonly dy: Tensor; readonly weight: Tensor; readonly dx: Tensor },
  hyper: MatmulHow<VariantOf<typeof matmulBackwardInputFamily>> & {
    readonly rows: Size;
    readonly accumulate?: keyof typeof accumulations | undefined;
  },
): Dispatch[] {
  const [capacity, inner] = rank2('matmul-backward-input', 'dy', tensors.dy);
  const [, columns] = rank2('matmul-backward-input', 'weight', tensors.weight);
  expectShape('matmul-backward-input', 'weight', tensors.weight, [inner, columns]);
  expectShape('matmul-backward-input', 'dx', tensors.dx, [capacity, columns]);
  expectCapacity('matmul-backward-input', 'rows', hyper.rows, capacity);
  const pieces = rowPieces(hyper.rows, inner * columns, hyper.mostWork);
  const shape = [maxOf(hyper.rows), columns, inner, tensors.weight.dtype] as const;
  return dispatchMatmul(matmulBackwardInputFamily, shape, hyper.variant, pieces, (tile, piece) =>
    tile.kernel.bind(
      tensors,
      {
        row_start: piece.start,
        row_end: piece.end,
        inner,
        columns,
        accumulate: hyper.accumulate ? accumulations[hyper.accumulate] : 0,
      },
      () => [Math.ceil(columns / tile.columns), Math.ceil(piece.count() / tile.rows)],
      {
        header: headerOf(tile, tensors.weight, inner),
        flops: () => 2 * piece.count() * inner * columns,
      },
    ),
  );
}
