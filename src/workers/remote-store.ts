import { type FileContent, piecesOf } from '../formats/file-content.ts';
import { runPath, type RunStore } from '../scheduler/run-store.ts';

/** Bytes per call. A multiple of 3, so that base64 needs no padding between calls. */
const CHUNK = 3 << 20;

/** A store as plain calls, for boundaries that neither iterables nor open files can cross. */
export interface StoreCalls {
  readonly size: (path: string) => Promise<number | undefined>;
  readonly slice: (path: string, start: number, end: number) => Promise<Uint8Array>;
  readonly remove: (path: string) => Promise<void>;
  readonly list: (folder: string) => Promise<string[]>;
  /**
   * Begins to write a file.
   *
   * @param start Number of bytes of the file to keep before the content. Null: the content replaces
   *   the file at `commit`.
   * @returns The handle of the file for the other calls.
   */
  readonly begin: (path: string, start: number | null) => Promise<number>;
  readonly put: (handle: number, bytes: Uint8Array) => Promise<void>;
  readonly commit: (handle: number) => Promise<void>;
  readonly abort: (handle: number) => Promise<void>;
}

/** A store on top of calls to the other end. */
export function storeOver(calls: StoreCalls): RunStore {
  const put = async (path: string, start: number | null, content: FileContent): Promise<void> => {
    const handle = await calls.begin(runPath(path), start);
    try {
      for await (const piece of piecesOf(content)) {
        for (let at = 0; at < piece.length; at += CHUNK) {
          // A copy, because a transferred array takes its whole buffer along.
          await calls.put(handle, piece.slice(at, at + CHUNK));
        }
      }
    } catch (error) {
      await calls.abort(handle);
      throw error;
    }
    await calls.commit(handle);
  };
  const slice = async (path: string, start: number, end: number): Promise<Uint8Array> => {
    const whole = new Uint8Array(end - start);
    for (let at = start; at < end; at += CHUNK) {
      whole.set(await calls.slice(path, at, Math.min(end, at + CHUNK)), at - start);
    }
    return whole;
  };
  return {
    write: (path, content) => put(path, null, content),
    append: (path, start, content) => put(path, start, content),
    async read(path) {
      const size = await calls.size(runPath(path));
      return size === undefined ? undefined : slice(path, 0, size);
    },
    size: async (path) => calls.size(runPath(path)),
    slice: async (path, start, end) => slice(runPath(path), start, end),
    remove: async (path) => calls.remove(runPath(path)),
    list: async (folder) => calls.list(folder === '' ? '' : runPath(folder)),
  };
}

/** A stream of pieces, supplied one at a time. */
class Inlet implements AsyncIterable<Uint8Array> {
  #next: { piece: Uint8Array | undefined; taken: () => void } | undefined;
  #error: Error | undefined;
  #wake: (() => void) | undefined;

  /**
   * Supplies a piece; undefined ends the stream. Resolves when the reader has finished with the
   * piece.
   */
  give(piece: Uint8Array | undefined): Promise<void> {
    return new Promise((taken) => {
      this.#next = { piece, taken };
      this.#wake?.();
    });
  }

  fail(error: Error): void {
    this.#error = error;
    this.#wake?.();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void, void> {
    for (;;) {
      while (!this.#next && !this.#error) {
        await new Promise<void>((resolve) => (this.#wake = resolve));
      }
      if (this.#error) throw this.#error;
      const next = this.#next;
      this.#next = undefined;
      if (!next) continue;
      if (next.piece) yield next.piece;
      next.taken();
      if (!next.piece) return;
    }
  }
}

/** Serves a store as calls. `close` aborts all unfinished files. */
export function callsOf(store: RunStore): StoreCalls & { close(): Promise<void> } {
  const open = new Map<number, { readonly inlet: Inlet; readonly written: Promise<void> }>();
  let handles = 0;
  const file = (handle: number) => {
    const found = open.get(handle);
    if (!found) throw new Error(`no file ${handle} is being written`);
    return found;
  };
  const abort = async (handle: number): Promise<void> => {
    const { inlet, written } = file(handle);
    open.delete(handle);
    inlet.fail(new Error('given up'));
    await written.catch(() => undefined); // rejects because of the abort
  };
  return {
    size: (path) => store.size(path),
    slice: (path, start, end) => store.slice(path, start, end),
    remove: (path) => store.remove(path),
    list: (folder) => store.list(folder),
    begin(path, start) {
      const inlet = new Inlet();
      const written = start === null ? store.write(path, inlet) : store.append(path, start, inlet);
      written.catch(() => undefined); // the next call reports the error
      open.set(++handles, { inlet, written });
      return Promise.resolve(handles);
    },
    async put(handle, bytes) {
      const { inlet, written } = file(handle);
      await Promise.race([inlet.give(bytes), written]);
    },
    async commit(handle) {
      const { inlet, written } = file(handle);
      open.delete(handle);
      void inlet.give(undefined);
      await written;
    },
    abort,
    async close() {
      for (const handle of [...open.keys()]) await abort(handle);
    },
  };
}
