import { createDigest, type Digest } from '../formats/digest.ts';
import type { FileMark } from '../results.ts';
import { wholeOf } from '../formats/file-content.ts';
import type { RunStore } from './run-store.ts';

/** A file differs from what was written. The message says which file and how. */
export class DamageError extends Error {
  override readonly name = 'DamageError';
}

/** Bytes per read. */
const PIECE = 2 ** 24;

/**
 * Reads the marked first bytes of a file, piece by piece. Compares them with their mark at the end.
 *
 * @throws DamageError if the file is missing, too short, or holds other bytes.
 */
export async function* markedPieces(
  store: RunStore,
  path: string,
  mark: FileMark,
  digest: Digest = createDigest(),
): AsyncGenerator<Uint8Array, void, void> {
  const size = await store.size(path);
  if (size === undefined) throw new DamageError(`${path} is missing`);
  if (size < mark.bytes) {
    throw new DamageError(`${path} is damaged: ${size} bytes, ${mark.bytes} were written`);
  }
  for (let at = 0; at < mark.bytes; at += PIECE) {
    const piece = await store.slice(path, at, Math.min(at + PIECE, mark.bytes));
    digest.update(piece);
    yield piece;
  }
  if (digest.hex() !== mark.sha256) {
    throw new DamageError(`${path} is damaged: its digest is not the one that was written`);
  }
}

/** Compares a file with its mark. @throws DamageError if they differ. */
export async function checkMark(store: RunStore, path: string, mark: FileMark): Promise<void> {
  const pieces = markedPieces(store, path, mark);
  while ((await pieces.next()).done !== true);
}

/** Splits pieces of UTF-8 into lines. The last line may lack its line end. */
export async function* linesOf(
  pieces: AsyncIterable<Uint8Array>,
): AsyncGenerator<string, void, void> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const piece of pieces) {
    const lines = (rest + decoder.decode(piece, { stream: true })).split('\n');
    rest = lines.pop() ?? '';
    yield* lines;
  }
  rest += decoder.decode();
  if (rest !== '') yield rest;
}

/** A file of a run that grows line by line, and the state of its part on disk. */
export class AppendedFile {
  readonly path: string;
  #bytes = 0;
  #digest = createDigest();
  #pending: string[] = [];

  constructor(path: string) {
    this.path = path;
  }

  /**
   * The mark of the part that `flush` has written. After `resume`, this includes the checkpoint's
   * part.
   */
  get mark(): FileMark {
    return { bytes: this.#bytes, sha256: this.#digest.hex() };
  }

  /** @param line The line without its line end. */
  add(line: string): void {
    this.#pending.push(`${line}\n`);
  }

  /** Appends the added lines to the marked part. Anything else after that part is dropped. */
  async flush(store: RunStore): Promise<void> {
    if (this.#pending.length === 0) return;
    const encoder = new TextEncoder();
    const bytes = await wholeOf(this.#pending.map((line) => encoder.encode(line)));
    await store.append(this.path, this.#bytes, bytes);
    this.#digest.update(bytes);
    this.#bytes += bytes.length;
    this.#pending = [];
  }

  /**
   * Continues a file after the part that its mark covers.
   *
   * @returns The lines of that part.
   * @throws DamageError if that part differs from its mark. This object is then unchanged.
   */
  async resume(store: RunStore, mark: FileMark): Promise<string[]> {
    const digest = createDigest();
    const lines: string[] = [];
    for await (const line of linesOf(markedPieces(store, this.path, mark, digest))) {
      lines.push(line);
    }
    this.#digest = digest;
    this.#bytes = mark.bytes;
    this.#pending = [];
    return lines;
  }
}
