import library from '../../shaders/lib/low-rank.wgsl?raw';
import { ShapeError } from './errors.ts';
import { expectShape, rank2, type Tensor } from './tensor.ts';

/** The WGSL with which a kernel begins that knows the parts of an adapter. */
export const lowRankLibrary = library;

/** A part of a fused matrix, as an adapter sees it. */
export interface LowRankPart {
  /** Output features: rows of the second factor. */
  readonly features: number;
  /** Factor on the part's product. */
  readonly scale: number;
}

/** The parts of a matrix, one to three, in the order of their output features. */
export type LowRankParts = readonly LowRankPart[];

/** Names of the params that describe the parts. */
export const partParams = ['parts', 'end0', 'end1', 'end2', 'scale0', 'scale1', 'scale2'] as const;

/** Values of the params that describe the parts. */
export function partValues(parts: LowRankParts): Record<(typeof partParams)[number], number> {
  const ends: number[] = [];
  for (const { features } of parts) ends.push((ends.at(-1) ?? 0) + features);
  const last = ends.at(-1) ?? 0;
  const [end0 = last, end1 = last, end2 = last] = ends;
  const [scale0 = 0, scale1 = 0, scale2 = 0] = parts.map(({ scale }) => scale);
  return { parts: parts.length, end0, end1, end2, scale0, scale1, scale2 };
}

/** Tiles of `width` output features; no tile holds features of two parts. */
export const partTiles = (parts: LowRankParts, width: number): number =>
  parts.reduce((sum, { features }) => sum + Math.ceil(features / width), 0);

/**
 * The sizes of an adapter's second factor (N, R) beside products with the first (M, P R).
 *
 * @throws ShapeError unless the factor's rows are those of the parts, R is a multiple of 4 and
 *   `inner` has R columns for each part.
 */
export function lowRankSizes(
  kernel: string,
  factor: readonly [role: string, tensor: Tensor],
  inner: readonly [role: string, tensor: Tensor],
  parts: LowRankParts,
): { readonly rows: number; readonly features: number; readonly rank: number } {
  const [features, rank] = rank2(kernel, ...factor);
  const [rows] = rank2(kernel, ...inner);
  if (parts.length < 1 || parts.length > 3) {
    throw new ShapeError(`${kernel}: ${parts.length} parts, wanted 1 to 3`);
  }
  const held = parts.reduce((sum, part) => sum + part.features, 0);
  if (held !== features) {
    throw new ShapeError(`${kernel}: the parts hold ${held} features, ${factor[0]} ${features}`);
  }
  if (rank % 4 !== 0) throw new ShapeError(`${kernel}: a rank of ${rank} is not 4 * n`);
  expectShape(kernel, inner[0], inner[1], [rows, parts.length * rank]);
  return { rows, features, rank };
}
