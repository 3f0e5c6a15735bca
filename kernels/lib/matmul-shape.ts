import { ShapeError } from './errors.ts';
import type { Dispatch, KernelInfo } from './kernel.ts';
import type { RowPiece } from './row-pieces.ts';
import type { DType } from './tensor.ts';
import type { Family } from './variants.ts';

/**
 * Rows in use, inner and outer features: M, K and N of the layer, whichever of its three products is
 * computed. Then how its weight is stored, where that is read. Default f32.
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
 * Names of a shape among measured choices; those of another storage are told apart by what was
 * measured in f32 where nothing else was. Rows count by powers of two: a batch is packed anew each
 * step, and the best variant does not change with a row more.
 */
export function matmulKeys([rows, inner, columns, storage = 'f32']: MatmulShape): string[] {
  const key = `${2 ** Math.ceil(Math.log2(Math.max(1, rows)))}x${inner}x${columns}`;
  return storage === 'f32' ? [key] : [`${key} ${storage}`, key];
}

/** All variants but `plain` load four numbers of the inner features at once. */
export const hasInnerCells = ([, inner]: MatmulShape): boolean => inner % 4 === 0;

/** Most load four of the outer features too. */
export const hasCells = ([, inner, columns]: MatmulShape): boolean =>
  inner % 4 === 0 && columns % 4 === 0;

/** Whether rows are so many that `quad`, which computes 64 at a time, is faster than `registers`. */
export const fillsQuads = ([rows]: MatmulShape): boolean => rows >= 24;

/** What a caller may say about how a matmul is computed. */
export interface MatmulHow<Id> {
  /** Instead of what the adapter prefers; refused where it does not fit. */
  readonly variant?: Id | undefined;
  /** Multiply-adds of one dispatch at most; see `rowPieces`. */
  readonly mostWork?: number | undefined;
}

/**
 * One dispatch per piece, in the variant that is named; where none is, in a portable one that a plan
 * exchanges for what its adapter prefers.
 *
 * @throws ShapeError when a variant is named that does not fit.
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
