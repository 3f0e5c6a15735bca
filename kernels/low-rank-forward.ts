import code from '../shaders/low-rank-forward.wgsl?raw';
import { defineKernel, type Dispatch, type TensorsOf } from './lib/kernel.ts';
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
import type { Size } from './lib/variable.ts';

export const lowRankForwardKernel = defineKernel('low-rank-forward', [lowRankLibrary, code], {
  params: ['row_start', 'row_end', 'columns', 'cells', ...partParams],
  tensors: { t: 'f32', b: 'f32', out: 'f32' },
});

/** Columns of a workgroup. */
const lanes = 32;

/**
 * Adds an adapter's product to the output of a linear layer, in one dispatch or in several over
 * ranges of rows. Math and shapes: `shaders/low-rank-forward.wgsl`.
 *
 * @param hyper.rows Rows in use, at most the rows of `t`; later rows of `out` keep their values.
 * @param hyper.mostWork Most multiply-adds of one dispatch.
 * @throws ShapeError unless `t` is (M, P R), `b` (N, R) and `out` (M, N).
 */
export function lowRankForward(
  tensors: TensorsOf<typeof lowRankForwardKernel>,
  hyper: {
    readonly parts: LowRankParts;
    readonly rows: Size;
    readonly mostWork?: number | undefined;
  },
): Dispatch[] {
  const { parts } = hyper;
  const name = 'low-rank-forward';
  const { rows, features, rank } = lowRankSizes(name, ['b', tensors.b], ['t', tensors.t], parts);
  expectShape(name, 'out', tensors.out, [rows, features]);
  expectCapacity(name, 'rows', hyper.rows, rows);
  return rowPieces(hyper.rows, features * rank, hyper.mostWork).map((piece) =>
    lowRankForwardKernel.bind(
      tensors,
      {
        row_start: piece.start,
        row_end: piece.end,
        columns: features,
        cells: rank / 4,
        ...partValues(parts),
      },
      () => [partTiles(parts, lanes), Math.ceil(piece.count() / 8)],
      { constants: { LANES: lanes }, flops: () => 2 * piece.count() * features * rank },
    ),
  );
}
