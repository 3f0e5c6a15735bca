import { copyColumns } from '../../kernels/copy-columns.ts';
import { embeddingBackward } from '../../kernels/embedding-backward.ts';
import { embeddingForward } from '../../kernels/embedding-forward.ts';
import type { Tensor } from '../../kernels/lib/tensor.ts';
import type { Step } from '../gpu/plan.ts';
import type { BackwardPass, Gradients, Linear, Pass } from './linear.ts';
import type { PackedBatch } from './packed-batch.ts';
import type { ParameterDraft } from './parameters.ts';

/** Rows of a vocabulary that lie in one binding. */
interface Piece<Held> {
  readonly held: Held;
  /** The id of the first row, and the number of rows. */
  readonly first: number;
  readonly rows: number;
}

/** Where logits are computed. */
export interface LogitRoom {
  /** f32 (M, V). */
  readonly logits: Tensor;
  /**
   * Scratch for the logits of a vocabulary's piece, f32 (M, at least `Embedding.pieceColumns`); none
   * is needed where the vocabulary is whole.
   */
  readonly piece?: Tensor | undefined;
}

/**
 * A model's vocabulary: the vectors that token ids are looked up as, and the projection of hidden
 * states onto all ids. Both use one matrix where the model ties them. Only this class knows where
 * the rows lie, and in how many bindings. However many they are, the sums are the same, and in the
 * same order where the vocabulary is a multiple of 4 and the adapter's kernels do not share a sum out.
 */
export class Embedding {
  /** f32, f16, int8 or int4 (rows, C) each; the gradient of a piece has the same name. */
  readonly #table: readonly Piece<Tensor>[];
  readonly #projection: readonly Piece<Linear>[];

  /** @param projection A matrix of its own, or the table again, in pieces of its own. */
  constructor(table: readonly Piece<Tensor>[], projection: readonly Piece<Linear>[]) {
    this.#table = table;
    this.#projection = projection;
  }

  /** Columns of the scratch that projections need: 0 where the vocabulary is whole. */
  get pieceColumns(): number {
    if (this.#projection.length < 2) return 0;
    return Math.max(...this.#projection.map(({ rows }) => rows));
  }

  /** Steps from `tokenIds` u32 (N) to their vectors `out` f32 (N, C). */
  lookup(tokenIds: Tensor, out: Tensor, { rows, lanes }: Pass): Step[] {
    return this.#table.map(({ held: weight, first }) =>
      embeddingForward({ token_ids: tokenIds, weight, out }, { rows, lanes, first }),
    );
  }

  /**
   * Steps from the gradient of looked-up vectors to the table's gradient, to which they add; none
   * where the table is frozen.
   */
  lookupBackward(
    batch: Pick<PackedBatch, 'uniqueIds' | 'uniqueStarts' | 'uniqueOrder' | 'uniques'>,
    dx: Tensor,
    gradients: Gradients,
  ): Step[] {
    const { uniqueIds: unique_ids, uniqueStarts: starts, uniqueOrder: order, uniques } = batch;
    return this.#table.flatMap(({ held, first }) => {
      const dtable = gradients.tensor(held.name);
      if (!dtable) return [];
      return [embeddingBackward({ unique_ids, starts, order, dx, dtable }, { uniques, first })];
    });
  }

  /** Steps from hidden states `x` f32 (M, C) to logits f32 (M, V), unscaled. */
  project(x: Tensor, room: LogitRoom, pass: Pass): Step[] {
    return this.#byPiece(room, pass, (projection, out) => projection.forward(x, out, pass));
  }

  /**
   * Steps from the gradient of logits to the projection's gradient and to `dx`, as
   * `Linear.backward`.
   */
  projectBackward(room: LogitRoom, x: Tensor, dx: Tensor, pass: BackwardPass): Step[] {
    const [only] = this.#projection;
    if (only && this.#projection.length === 1) return only.held.backward(room.logits, x, dx, pass);
    const frozen = this.#projection.every(({ held }) => !pass.gradients.tensor(held.name));
    // `dx` may share the memory of `x`: all that reads `x` comes first.
    return [
      ...(frozen
        ? []
        : this.#ofPieces(room, pass, ({ held }, dy) => held.backwardWeight(dy, x, pass))),
      ...this.#ofPieces(room, pass, ({ held, first }, dy) =>
        held.backwardInput(dy, dx, { ...pass, accumulate: first > 0 ? 'before' : undefined }),
      ),
    ];
  }

  /**
   * `project` for few rows, in one step with the norm before the projection, as `Linear.decode`.
   */
  decode(
    { x, norm }: Pick<Parameters<Linear['decode']>[0], 'x' | 'norm'>,
    room: LogitRoom,
    options: Parameters<Linear['decode']>[1],
  ): Step[] {
    return this.#byPiece(room, options, (projection, out) =>
      projection.decode({ x, norm, out }, options),
    );
  }

  /** Computes pieces of logits, and puts each in its place. */
  #byPiece(
    { logits, piece: scratch }: LogitRoom,
    { rows }: Pick<Pass, 'rows'>,
    compute: (projection: Linear, out: Tensor) => Step[],
  ): Step[] {
    const [only] = this.#projection;
    if (only && this.#projection.length === 1) return compute(only.held, logits);
    return this.#projection.flatMap(({ held, first, rows: count }) => {
      const part = columnsOf(scratch, logits, count);
      return [
        ...compute(held, part),
        copyColumns({ x: part, out: logits }, { rows, count, to: first }),
      ];
    });
  }

  /** Takes pieces out of the logits' place, and computes with each. */
  #ofPieces(
    { logits, piece: scratch }: LogitRoom,
    { rows }: Pick<Pass, 'rows'>,
    compute: (piece: Piece<Linear>, part: Tensor) => Step[],
  ): Step[] {
    return this.#projection.flatMap((piece) => {
      const { first, rows: count } = piece;
      const part = columnsOf(scratch, logits, count);
      return [
        copyColumns({ x: logits, out: part }, { rows, count, from: first }),
        ...compute(piece, part),
      ];
    });
  }
}

/** Scratch as a matrix of the logits' rows and `count` columns. */
function columnsOf(scratch: Tensor | undefined, logits: Tensor, count: number): Tensor {
  if (!scratch) throw new RangeError('logits of a vocabulary in pieces need scratch');
  return { ...scratch, shape: [logits.shape[0] ?? 0, count] };
}

/** The vocabulary among stored tensors: the head's projection is the table where there is no other. */
export function embeddingOf<Stored extends ParameterDraft>(
  stored: readonly Stored[],
  held: {
    readonly table: (piece: Stored) => Tensor;
    readonly projection: (piece: Stored) => Linear;
  },
): Embedding {
  const pieces = <Held>(whole: string, take: (piece: Stored) => Held): Piece<Held>[] =>
    stored
      .filter((one) => one.whole === whole)
      .map((one) => ({
        held: take(one),
        first: one.parts[0]?.fileRow ?? 0,
        rows: one.shape[0] ?? 0,
      }));
  const own = pieces('lm_head', held.projection);
  return new Embedding(
    pieces('embed', held.table),
    own.length > 0 ? own : pieces('embed', held.projection),
  );
}
