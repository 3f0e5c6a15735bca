import type { Generation } from './decoder.ts';

/** Texts that end a response, and how a response's tokens become text. */
export interface StopStrings {
  /** At least one; none is empty. */
  readonly texts: readonly string[];
  /** Texts of rows of tokens, in their order. */
  readonly decode: (rows: readonly ArrayLike<number>[]) => Promise<readonly string[]>;
}

/** The tokens of a row, as far as they are known. */
export interface KnownRow {
  readonly row: number;
  readonly tokens: Uint32Array;
  /** Whether these are all tokens of the row. */
  readonly ended: boolean;
}

/**
 * Tokens of a piece. A row is looked at piece by piece, and only where a piece is whole or the last
 * one: what is found then depends on the tokens alone, never on when the host looked.
 */
export const PIECE = 16;

/** Tokens that a character takes at most, in UTF-8 of single bytes. */
const BYTES_OF_CHARACTER = 4;
/** Tokens without a text of their own that may stand between those of a stop string. */
const SILENT_TOKENS = 8;

/**
 * Finds the tokens that complete a stop string, in rows that grow. A row ends after the first token
 * with which the text of its last tokens contains a stop string. Enough tokens before a piece are
 * looked at to find a string that begins before the piece.
 */
export class StopStringSearch {
  readonly #stop: StopStrings;
  readonly #before: number;
  /** Pieces of each row that were looked at. */
  readonly #looked = new Map<number, number>();
  /** Tokens of each row that holds a stop string, up to and with the one that completes it. */
  readonly #lengths = new Map<number, number>();

  constructor(stop: StopStrings) {
    this.#stop = stop;
    const longest = stop.texts.reduce((most, { length }) => Math.max(most, length), 0);
    this.#before = BYTES_OF_CHARACTER * longest + SILENT_TOKENS;
  }

  /** The length of a row that holds a stop string; undefined for other rows. */
  lengthOf(row: number): number | undefined {
    return this.#lengths.get(row);
  }

  /** Looks at what is new. One call at a time. @returns Rows that are found to be complete. */
  async look(rows: readonly KnownRow[]): Promise<number[]> {
    const found: number[] = [];
    let open = rows.filter(({ row }) => !this.#lengths.has(row));
    // Piece after piece, so that a row that is complete is decoded no further.
    while (open.length > 0) {
      const pieces = open.flatMap((known) => this.#next(known));
      if (pieces.length === 0) return found;
      const texts = await this.#stop.decode(
        pieces.map(({ tokens, from, to }) => tokens.subarray(from, to)),
      );
      const hits = pieces.filter((_, i) => this.#holds(texts[i] ?? ''));
      for (const piece of hits) {
        this.#lengths.set(piece.row, await this.#completedAt(piece));
        found.push(piece.row);
      }
      const more = new Set(pieces.map(({ row }) => row));
      open = open.filter(({ row }) => more.has(row) && !this.#lengths.has(row));
    }
    return found;
  }

  /** The next piece of a row, if it is whole or the row's last. */
  #next({ row, tokens, ended }: KnownRow): Piece[] {
    const done = this.#looked.get(row) ?? 0;
    const start = done * PIECE;
    const to = Math.min(start + PIECE, tokens.length);
    if (to <= start || (to < start + PIECE && !ended)) return [];
    this.#looked.set(row, done + 1);
    return [{ row, tokens, from: Math.max(0, start - this.#before), start, to }];
  }

  /** The number of tokens up to and with the one that completes a stop string. */
  async #completedAt({ tokens, from, start, to }: Piece): Promise<number> {
    const ends = Array.from({ length: to - start }, (_, i) => start + i + 1);
    const texts = await this.#stop.decode(ends.map((end) => tokens.subarray(from, end)));
    const first = texts.findIndex((text) => this.#holds(text));
    return ends[first] ?? to;
  }

  #holds(text: string): boolean {
    return this.#stop.texts.some((stop) => text.includes(stop));
  }
}

/** Tokens [start, to) of a row, looked at together with those from `from` on. */
interface Piece {
  readonly row: number;
  readonly tokens: Uint32Array;
  readonly from: number;
  readonly start: number;
  readonly to: number;
}

/**
 * Cuts responses after the token that completes a stop string. They then count as ended by
 * themselves.
 */
export async function cutAtStopStrings(
  generation: Generation,
  search: StopStringSearch,
): Promise<Generation> {
  const { rows, columns } = generation;
  await search.look(
    Array.from({ length: rows }, (_, row) => ({
      row,
      tokens: generation.response(row),
      ended: true,
    })),
  );
  const tokens = generation.tokens.slice();
  const logprobs = generation.logprobs.slice();
  const lengths = generation.lengths.slice();
  const stopped = generation.stopped.slice();
  for (let row = 0; row < rows; row++) {
    const length = search.lengthOf(row);
    if (length === undefined) continue;
    lengths[row] = length;
    stopped[row] = 1;
    tokens.fill(0, row * columns + length, (row + 1) * columns);
    logprobs.fill(0, row * columns + length, (row + 1) * columns);
  }
  return {
    ...{ rows, columns, tokens, logprobs, lengths, stopped },
    response: (row) => tokens.subarray(row * columns, row * columns + (lengths[row] ?? 0)),
  };
}
