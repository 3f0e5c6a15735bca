import { ShapeError } from './errors.ts';
import type { Dispatch, KernelInfo } from './kernel.ts';
import type { RowPiece } from './row-pieces.ts';
import type { DType } from './tensor.ts';
import { type Family, isGpu } from './variants.ts';

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

/**
 * Shares of a GPU's peak at which tiles multiply: multiply-adds among the instructions of the loop
 * over a tile, compiled for Ampere (docs/performance.md).
 */
export const tileShares = { 128: 0.8, 64: 0.73, 32: 0.61 } as const;

/** Workgroups that keep a GPU busy: GPUs have 8 to 150 units. An estimate, measured on no GPU. */
export const busyWorkgroups = 64;

const tileSides = [128, 64, 32] as const;

type TileSide = (typeof tileSides)[number];

/** The share of a GPU's peak that tiles of a side reach at an output: an estimate. */
function speedOfTiles(side: TileSide, rows: number, columns: number): number {
  const [down, across] = [Math.ceil(rows / side), Math.ceil(columns / side)];
  const used = (rows * columns) / (down * across * side * side);
  return tileShares[side] * used * Math.min(1, (down * across) / busyWorkgroups);
}

/** The side of the tiles that are estimated to be the fastest for an output. */
function fastestTileSide(rows: number, columns: number): TileSide {
  const speeds = tileSides.map((side) => speedOfTiles(side, rows, columns));
  return tileSides[speeds.indexOf(Math.max(...speeds))] ?? 128;
}

/**
 * The variants of a product in the shader called `tiles`, in which a thread of a workgroup has 8 by
 * 8 outputs. GPUs prefer them.
 *
 * @param outputOf Rows and columns of the product's output.
 */
export function tileVariants<K extends KernelInfo>(
  kernel: K,
  outputOf: (shape: MatmulShape) => readonly [rows: number, columns: number],
) {
  const tile = (side: TileSide) => ({
    kernel,
    rows: side,
    columns: side,
    header: `const SIDE: u32 = ${side / 8};`,
    fits: hasInnerCells,
    suits: (shape: MatmulShape) => fastestTileSide(...outputOf(shape)) === side,
    preferredOn: isGpu,
    tunedOn: isGpu,
  });
  return { tiles128: tile(128), tiles64: tile(64), tiles32: tile(32) };
}

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
