import { maxOf, type Size, valueOf, Variable } from './variable.ts';

/** Default for the most multiply-adds of one dispatch: about two seconds at 1 GFLOP/s. */
const mostWork = 2 ** 30;

/** Pieces begin at multiples of this many rows: few variants' workgroups cover more. */
const block = 64;

/** Rows [start, end) of an output, computed by one dispatch. */
export interface RowPiece {
  readonly start: number;
  readonly end: Size;
  /** Rows of the piece at the present value of `end`. */
  readonly count: () => number;
}

/**
 * Cuts the rows of an output into pieces of bounded work. Each output element is computed whole
 * inside one piece, so that cutting never changes the arithmetic.
 *
 * @param rows Rows in use. A piece wholly past them is empty, and its grid is zero.
 * @param workPerRow Multiply-adds for one row.
 */
export function rowPieces(rows: Size, workPerRow: number, most = mostWork): readonly RowPiece[] {
  const capacity = maxOf(rows);
  const step = Math.max(block, Math.floor(most / Math.max(1, workPerRow) / block) * block);
  const pieces: RowPiece[] = [];
  for (let start = 0; start < capacity; start += step) {
    const end = start + step;
    const last = end >= capacity;
    pieces.push({
      start,
      end: last ? rows : rows instanceof Variable ? new Clamped(rows, end) : end,
      count: () => Math.max(0, Math.min(end, valueOf(rows)) - start),
    });
  }
  return pieces;
}

/** The smaller of a variable and a fixed number. */
class Clamped extends Variable {
  readonly #source: Variable;
  readonly #most: number;

  constructor(source: Variable, most: number) {
    super(source.name, 0, most);
    this.#source = source;
    this.#most = most;
  }

  override get value(): number {
    return Math.min(this.#source.value, this.#most);
  }
}
