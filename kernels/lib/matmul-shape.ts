import { ShapeError } from './errors.ts';
import type { Dispatch, KernelInfo } from './kernel.ts';
import type { RowPiece } from './row-pieces.ts';
import type { DType } from './tensor.ts';
import type { Family } from './variants.ts';

/**
 * The sizes M, K and N of a linear layer, whichever of its three products is computed: rows in use,
 * inner features, outer features. Then the storage of its weight, where the product reads the
 * weight. Default f32.
 */
export type MatmulShape = readonly [rows: number, inner: number, columns: number, storage?: DType];

/** A shader of one product, and how many rows and columns of the output its workgroups cover. */
export interface MatmulTile<K extends KernelInfo> {
  readonly kernel: K;
  readonly rows: number;
  readonly columns: number;
  readonly header?: string;
  readonly constants?: Readonly<Record<string, number>>;
}

/**
 * Keys of a shape among measured choices, the most exact first. A weight in another storage than
 * f32 falls back on choices measured in f32. Rows are rounded up to a power of two: a batch is
 * packed anew each step, and one row more does not change the best variant.
 */
export function matmulKeys([rows, inner, columns, storage = 'f32']: MatmulShape): string[] {
  const key = `${2 ** Math.ceil(Math.log2(Math.max(1, rows)))}x${inner}x${columns}`;
  return storage === 'f32' ? [key] : [`${key} ${storage}`, key];
}

/** All variants but `plain` load four inner features at once. */
export const hasInnerCells = ([, inner]: MatmulShape): boolean => inner % 4 === 0;

/** Most variants load four outer features at once too. */
export const hasCells = ([, inner, columns]: MatmulShape): boolean =>
  inner % 4 === 0 && columns % 4 === 0;

/**
 * Whether there are enough rows for `quad`, which computes 64 at a time, to be faster than
 * `registers`.
 */
export const fillsQuads = ([rows]: MatmulShape): boolean => rows >= 24;

/** Options of how a matmul is computed. */
export interface MatmulHow<Id> {
  /**
   * The variant to take instead of the one that the adapter prefers; refused where it does not fit.
   */
  readonly variant?: Id | undefined;
  /** Most multiply-adds of one dispatch; see `rowPieces`. */
  readonly mostWork?: number | undefined;
}

/**
 * One dispatch per piece, in the variant named. Without a name the variant is a portable one, and a
 * plan exchanges it for the one that its adapter prefers.
 *
 * @throws ShapeError when the variant named does not fit.
 */
export function dispatchMatmul<Tile, Id extends string>(
  family: Family<MatmulShape, Tile, Id>,
  shape: MatmulShape,
  variant: Id | undefined,
  pieces: readonly RowPiece[],
  bind: (tile: Tile, piece: RowPiece) => Dispatch,
): Dispatch[] {
  if (variant !== undefined && !family.fits(variant, shape)) {
    const sizes = shape.slice(0, 3).join(', ');
    throw new ShapeError(`${family.name}: variant ${variant} does not take sizes (${sizes})`);
  }
  return pieces.map((piece) => family.make(shape, variant, (tile) => bind(tile, piece)));
}
