import { FileError } from '../file-error.ts';
import type { ByteSource } from '../formats/byte-source.ts';
import type { InputFiles } from '../formats/input-files.ts';
import type { Loading } from '../results.ts';
import type { LoadingWatch } from '../scheduler/given-inputs.ts';

/** Bytes of a file that are asked for at once. */
const PIECE = 2 ** 24;

/** Files are not read any further, because whoever began the run has stopped it. */
export class UnreadError extends Error {
  override readonly name = 'UnreadError';
}

/** Files whose reading is told piece by piece, and ends when it is no longer wanted. */
export class WatchedFiles implements InputFiles, LoadingWatch {
  readonly #files: InputFiles;
  readonly #signal: AbortSignal;
  readonly #tell: (loading: Loading) => void;
  #loading: Loading | undefined;

  /**
   * @param signal Once aborted, every read fails with the signal's reason.
   * @param tell Receives every piece that a stage has read.
   */
  constructor(files: InputFiles, signal: AbortSignal, tell: (loading: Loading) => void) {
    this.#files = files;
    this.#signal = signal;
    this.#tell = tell;
  }

  begin(stage: Loading['stage'], of: number): void {
    this.#loading = { stage, bytes: 0, of };
    this.#tell(this.#loading);
  }

  async open(path: string): Promise<ByteSource | undefined> {
    this.#signal.throwIfAborted();
    const source = await this.#files.open(path);
    return source && { ...source, slice: (start, end) => this.#slice(source, start, end) };
  }

  async #slice(source: ByteSource, start: number, end: number): Promise<Uint8Array> {
    const last = Math.max(start, Math.min(end, source.size));
    if (last - start <= PIECE) return this.#piece(source, start, last);
    const bytes = new Uint8Array(last - start);
    for (let at = start; at < last; at += PIECE) {
      bytes.set(await this.#piece(source, at, Math.min(last, at + PIECE)), at - start);
    }
    return bytes;
  }

  async #piece(source: ByteSource, start: number, end: number): Promise<Uint8Array> {
    this.#signal.throwIfAborted();
    const bytes = await source.slice(start, end);
    if (bytes.length < end - start) {
      throw new FileError(`${source.name}: became shorter while it was read`);
    }
    if (this.#loading) {
      const { stage, bytes: before, of } = this.#loading;
      this.#loading = { stage, bytes: Math.min(of, before + bytes.length), of };
      this.#tell(this.#loading);
    }
    return bytes;
  }
}
