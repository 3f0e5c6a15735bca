import { createDigest, type Digest } from '../formats/digest.ts';
import type { FileMark } from '../results.ts';
import { wholeOf, type RunStore } from './run-store.ts';

/** A file is not what was written. The message says which, and what of it. */
export class DamageError extends Error {
  override readonly name = 'DamageError';
}

/** Read at once. */
const PIECE = 2 ** 24;

/**
 * The first bytes of a file, piece by piece, held against their mark when all were read.
 *
 * @throws DamageError where the file is missing, too short, or holds other bytes.
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

/** @throws DamageError where the file is not as its mark says. */
export async function checkMark(store: RunStore, path: string, mark: FileMark): Promise<void> {
  const pieces = markedPieces(store, path, mark);
  while ((await pieces.next()).done !== true);
}

/** Lines of UTF-8 that comes in pieces, the last one also without its end. */
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

/** A file of a run that grows by lines, and what of it is on disk. */
export class AppendedFile {
  readonly path: string;
  #bytes = 0;
  #digest = createDigest();
  #pending: string[] = [];

  constructor(path: string) {
    this.path = path;
  }

  /** What `flush` has written; of a resumed file, what belonged to the checkpoint. */
  get mark(): FileMark {
    return { bytes: this.#bytes, sha256: this.#digest.hex() };
  }

  /** @param line Without its end. */
  add(line: string): void {
    this.#pending.push(`${line}\n`);
  }

  /** Writes what was added behind what is known; anything else that the file held there goes. */
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
   * Goes on behind the part of a file that its mark knows.
   *
   * @returns Its lines.
   * @throws DamageError where that part is not as it was written; this object is as before then.
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
