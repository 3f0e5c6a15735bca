import code from '../shaders/low-rank-backward-input.wgsl?raw';
import { defineKernel, type Dispatch, type TensorsOf } from './lib/kernel.ts';
import type { Lanes } from './lib/lanes.ts';
import {
  lowRankLibrary,
  type LowRankParts,
  lowRankSizes,
  partParams,
  partValues,
} from './lib/low-rank.ts';
import { rowPieces } from './lib/row-pieces.ts';
import { expectCapacity, expectShape } from './lib/tensor.ts';
import type { Size } from './lib/variable.ts';

export const lowRankBackwardInputKernel = defineKernel(
  'low-rank-backward-input',
  [lowRankLibrary, code],
  {
    params: ['row_start', 'row_end', 'columns', 'rank', ...partParams],
    tensors: { dy: 'f32', b: 'f32', dt: 'f32' },
  },
);

/** Columns of a workgroup. */
const lanes = 16;

/**
 * Gradient of an adapter's inner values, in one dispatch or in several over ranges of rows. Math
 * and shapes: `shaders/low-rank-backward-input.wgsl`.
 *
 * @param hyper.rows Rows in use, at most the rows of `dy`; later rows of `dt` keep their values.
 * @param hyper.lanes Those of the pass: with one lane per row, a workgroup has one block of rows.
 * @param hyper.mostWork Most multiply-adds of one dispatch.
 * @throws ShapeError unless `dy` is (M, N), `b` (N, R) and `dt` (M, P R).
 */
export function lowRankBackwardInput(
  tensors: TensorsOf<typeof lowRankBackwardInputKernel>,
  hyper: {
    readonly parts: LowRankParts;
    readonly rows: Size;
    readonly lanes: Lanes;
    readonly mostWork?: number | undefined;
  },
): Dispatch[] {
  const { parts } = hyper;
  const name = 'low-rank-backward-input';
  const { rows, features, rank } = lowRankSizes(name, ['b', tensors.b], ['dt', tensors.dt], parts);
  expectShape(name, 'dy', tensors.dy, [rows, features]);
  expectCapacity(name, 'rows', hyper.rows, rows);
  const blocks = hyper.lanes.lanes === 1 ? 1 : 4;
  return rowPieces(hyper.rows, features * rank, hyper.mostWork).map((piece) =>
    lowRankBackwardInputKernel.bind(
      tensors,
      {
        row_start: piece.start,
        row_end: piece.end,
        columns: features,
        rank,
        ...partValues(parts),
      },
      () => [parts.length * Math.ceil(rank / lanes), Math.ceil(piece.count() / (8 * blocks))],
      {
        constants: { LANES: lanes, ROWS: blocks },
        flops: () => 2 * piece.count() * features * rank,
      },
    ),
  );
}
