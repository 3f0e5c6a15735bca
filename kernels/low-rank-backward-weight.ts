import code from '../shaders/low-rank-backward-weight.wgsl?raw';
import { defineKernel, type Dispatch, type TensorsOf } from './lib/kernel.ts';
import type { Lanes } from './lib/lanes.ts';
import {
  lowRankLibrary,
  type LowRankParts,
  lowRankSizes,
  partParams,
  partTiles,
  partValues,
} from './lib/low-rank.ts';
import { rowPieces } from './lib/row-pieces.ts';
import { expectCapacity, expectShape } from './lib/tensor.ts';
import { maxOf, type Size, valueOf } from './lib/variable.ts';

export const lowRankBackwardWeightKernel = defineKernel(
  'low-rank-backward-weight',
  [lowRankLibrary, code],
  {
    params: ['tile_start', 'inner', 'columns', 'rank', ...partParams],
    tensors: { dy: 'f32', t: 'f32', db: 'f32' },
  },
);

/** Columns of a workgroup. */
const lanes = 16;
/** Output features of a workgroup. */
const features = 8;

/**
 * Adds the gradient of an adapter's second factor to `db`, in one dispatch or in several over
 * ranges of output features. Math and shapes: `shaders/low-rank-backward-weight.wgsl`.
 *
 * @param hyper.rows Rows of `dy` and `t` in use; later rows are not read.
 * @param hyper.lanes Those of the pass: with one lane per row, one group of threads sums all rows.
 * @param hyper.mostWork Most multiply-adds of one dispatch.
 * @throws ShapeError unless `dy` is (M, N), `t` (M, P R) and `db` (N, R).
 */
export function lowRankBackwardWeight(
  tensors: TensorsOf<typeof lowRankBackwardWeightKernel>,
  hyper: {
    readonly parts: LowRankParts;
    readonly rows: Size;
    readonly lanes: Lanes;
    readonly mostWork?: number | undefined;
  },
): Dispatch[] {
  const { parts, rows } = hyper;
  const name = 'low-rank-backward-weight';
  const sizes = lowRankSizes(name, ['db', tensors.db], ['t', tensors.t], parts);
  const { features: columns, rank } = sizes;
  expectShape(name, 'dy', tensors.dy, [sizes.rows, columns]);
  expectCapacity(name, 'rows', rows, sizes.rows);
  const groups = hyper.lanes.lanes === 1 ? 1 : 16;
  const tiles = partTiles(parts, features);
  return rowPieces(tiles, maxOf(rows) * features * rank, hyper.mostWork).map((piece) =>
    lowRankBackwardWeightKernel.bind(
      tensors,
      { tile_start: piece.start, inner: rows, columns, rank, ...partValues(parts) },
      () => [Math.ceil(rank / lanes), piece.count()],
      {
        constants: { LANES: lanes, GROUPS: groups },
        flops: () => 2 * valueOf(rows) * columns * rank * (piece.count() / tiles),
      },
    ),
  );
}
