import { rowsOf, type Tensor } from '../../kernels/lib/tensor.ts';
import { Variable } from '../../kernels/lib/variable.ts';
import type { MemoryTurn } from '../gpu/shared-memory.ts';

/** Default for the most bytes of logits held at once. */
const LOGIT_BYTES = 32 * 2 ** 20;

/** Consecutive rows whose logits are held together. */
export interface LogitChunk {
  readonly first: number;
  /** Rows that the chunk has room for, and rows in use. */
  readonly size: number;
  readonly count: Variable;
  /** f32 (size, V), in the same memory for all chunks. */
  readonly logits: Tensor;
  /** Scratch for a piece of the logits; none where the vocabulary is whole. */
  readonly piece: Tensor | undefined;
}

/**
 * The logits of many rows, held a few rows at a time: a row has as many numbers as the vocabulary
 * has tokens.
 */
export class LogitChunks {
  readonly #rows: number;
  /** f32 (rows of a chunk, V). */
  readonly #logits: Tensor;
  readonly #piece: Tensor | undefined;

  /**
   * @param size.bytes Most bytes of logits held at once; 32 MiB when left out.
   * @param size.pieceColumns As the weights' embedding tells; the most of all weights whose logits
   *   are computed here. 0 when left out.
   * @param size.unit Chunks start at multiples of this many rows, where slices of per-row arrays
   *   can be bound. Left out: 64, for arrays of one number per row.
   */
  constructor(
    memory: MemoryTurn,
    size: {
      readonly rows: number;
      readonly vocabulary: number;
      readonly pieceColumns?: number | undefined;
      readonly bytes?: number | undefined;
      readonly unit?: number;
    },
  ) {
    const { rows, vocabulary, pieceColumns = 0, bytes = LOGIT_BYTES, unit = 64 } = size;
    this.#rows = rows;
    const most = Math.max(unit, Math.floor(bytes / 4 / vocabulary / unit) * unit);
    const together = Math.min(rows, most);
    this.#logits = memory.tensor('logits', [together, vocabulary]);
    this.#piece =
      pieceColumns > 0 ? memory.tensor('logits_piece', [together, pieceColumns]) : undefined;
  }

  /**
   * The chunks of all rows, or of the first `rows` rows.
   *
   * @param used The rows in use.
   * @param usual The number of rows that kernels are chosen for; the size of each chunk when left
   *   out.
   */
  *of(used: Variable, rows = this.#rows, usual?: number): Generator<LogitChunk> {
    const [most = 1] = this.#logits.shape;
    for (let first = 0; first < rows; first += most) {
      const size = Math.min(most, rows - first);
      const inUse = (): number => Math.max(0, Math.min(size, used.value - first));
      const count = new Variable(`${used.name} of a chunk`, inUse, size, usual ?? size);
      yield { first, size, count, logits: rowsOf(this.#logits, 0, size), piece: this.#piece };
    }
  }
}
