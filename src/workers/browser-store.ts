import { type FileContent, piecesOf } from '../formats/file-content.ts';
import { runPath, type RunStore } from '../scheduler/run-store.ts';

/** The browser gives this page no place for files, or no more room. The message says which. */
export class StorageError extends Error {
  override readonly name = 'StorageError';
}

/** Opens the folder of all runs. @throws StorageError if the page may keep no files. */
export const runsFolder = (): Promise<FileSystemDirectoryHandle> => privateFolder('runs');

/** Opens a folder that only this site sees. @throws StorageError if the page may keep no files. */
export async function privateFolder(name: string): Promise<FileSystemDirectoryHandle> {
  try {
    if (!('createWritable' in FileSystemFileHandle.prototype)) throw new Error('it is too old');
    const root = await navigator.storage.getDirectory();
    return await root.getDirectoryHandle(name, { create: true });
  } catch (cause) {
    // Causes: private windows, blocked site data, insecure pages.
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new StorageError(`this browser keeps no files for this page (${why})`, { cause });
  }
}

/** A run's files in the browser's private file system (OPFS), under `runs/<name>`. */
export class BrowserStore implements RunStore {
  readonly #root: FileSystemDirectoryHandle;

  /** @param root The run's own folder. */
  constructor(root: FileSystemDirectoryHandle) {
    this.#root = root;
  }

  /** @throws StorageError if the page may keep no files, or no more files. */
  static async open(name: string): Promise<BrowserStore> {
    const runs = await runsFolder();
    return new BrowserStore(
      await orNoRoom(`the run ${name}`, runs.getDirectoryHandle(name, { create: true })),
    );
  }

  /**
   * Writes a file. The browser writes to a copy, which replaces the file when it is closed.
   *
   * @throws StorageError if there is no room. The file is then unchanged.
   */
  async write(path: string, content: FileContent): Promise<void> {
    await orNoRoom(path, this.#put(path, undefined, content));
  }

  /** @throws StorageError as `write`. */
  async append(path: string, start: number, content: FileContent): Promise<void> {
    await orNoRoom(path, this.#put(path, start, content));
  }

  /**
   * @param start Number of bytes to keep; the content follows them. If undefined, the content
   *   replaces the file.
   */
  async #put(path: string, start: number | undefined, content: FileContent): Promise<void> {
    const folder = await this.#folder(runPath(path), true);
    const handle = await folder.getFileHandle(nameOf(path), { create: true });
    const file = await handle.createWritable({ keepExistingData: start !== undefined });
    try {
      if (start !== undefined) {
        if ((await handle.getFile()).size < start) {
          throw new RangeError(`${path}: is shorter than ${start} bytes`);
        }
        await file.truncate(start);
        await file.seek(start);
      }
      for await (const piece of piecesOf(content)) {
        await file.write(piece as Uint8Array<ArrayBuffer>);
      }
    } catch (error) {
      // A failed stream is already closed.
      await file.abort().catch(() => undefined);
      throw error;
    }
    await file.close();
  }

  async read(path: string): Promise<Uint8Array | undefined> {
    const file = await this.file(path);
    return file && new Uint8Array(await file.arrayBuffer());
  }

  async size(path: string): Promise<number | undefined> {
    return (await this.file(path))?.size;
  }

  async slice(path: string, start: number, end: number): Promise<Uint8Array> {
    const file = await this.file(path);
    if (!file || file.size < end) throw new RangeError(`${path}: ends before ${end}`);
    return new Uint8Array(await file.slice(start, end).arrayBuffer());
  }

  async remove(path: string): Promise<void> {
    try {
      await (await this.#folder(runPath(path), false)).removeEntry(nameOf(path));
    } catch (error) {
      if (!isMissing(error)) throw error;
    }
  }

  async list(folder: string): Promise<string[]> {
    const names: string[] = [];
    try {
      const handle = await this.#folder(folder === '' ? '' : `${runPath(folder)}/`, false);
      for await (const { kind, name } of entriesOf(handle)) if (kind === 'file') names.push(name);
    } catch (error) {
      if (!isMissing(error)) throw error;
    }
    return names.sort();
  }

  /**
   * A file of the run. An empty one counts as missing: the browser makes a new file empty, and a tab
   * that ends before the content replaces it leaves the file so.
   */
  async file(path: string): Promise<File | undefined> {
    try {
      const handle = await (await this.#folder(runPath(path), false)).getFileHandle(nameOf(path));
      const file = await handle.getFile();
      return file.size > 0 ? file : undefined;
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw error;
    }
  }

  /** The size of all files together, in bytes. */
  async bytes(): Promise<number> {
    let sum = 0;
    for await (const { size } of filesIn(this.#root)) sum += size;
    return sum;
  }

  /** Paths of all files; an empty one counts as missing. */
  async paths(): Promise<string[]> {
    const found: string[] = [];
    for await (const { path, size } of filesIn(this.#root)) if (size > 0) found.push(path);
    return found.sort();
  }

  /** The folder that contains the last part of a path. */
  async #folder(path: string, create: boolean): Promise<FileSystemDirectoryHandle> {
    let folder = this.#root;
    for (const part of path.split('/').slice(0, -1)) {
      folder = await folder.getDirectoryHandle(part, { create });
    }
    return folder;
  }
}

/** TypeScript's DOM types leave this out unless DOM.AsyncIterable is included. */
const entriesOf = (folder: FileSystemDirectoryHandle) =>
  (
    folder as unknown as {
      values(): AsyncIterable<FileSystemFileHandle | FileSystemDirectoryHandle>;
    }
  ).values();

async function* filesIn(
  folder: FileSystemDirectoryHandle,
  at = '',
): AsyncGenerator<{ readonly path: string; readonly size: number }> {
  try {
    for await (const entry of entriesOf(folder)) {
      const path = `${at}${entry.name}`;
      if (entry.kind === 'directory') yield* filesIn(entry, `${path}/`);
      else yield { path, size: (await entry.getFile()).size };
    }
  } catch (error) {
    // Another tab removes files, or the whole run, while they are listed.
    if (!isMissing(error)) throw error;
  }
}

const nameOf = (path: string): string => path.split('/').at(-1) ?? path;

/** Whether an error says that there is no such file or folder. */
export const isMissing = (error: unknown): boolean =>
  error instanceof DOMException && error.name === 'NotFoundError';

/** The browser has no more room for this page. */
export class NoRoomError extends StorageError {}

/** @throws NoRoomError, with the room that is used, where the browser has no more of it. */
export async function orNoRoom<T>(what: string, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (cause) {
    if (!(cause instanceof DOMException) || cause.name !== 'QuotaExceededError') throw cause;
    const { usage = 0, quota = 0 } = await navigator.storage.estimate();
    const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`;
    throw new NoRoomError(
      `${what} could not be kept: the browser has no more room for this page ` +
        `(${megabytes(usage)} of ${megabytes(quota)} used); delete kept runs and try again`,
      { cause },
    );
  }
}
