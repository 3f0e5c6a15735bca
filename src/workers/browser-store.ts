import type { RunStore } from '../scheduler/run-store.ts';

/** The browser gives this page no place for files, or no more room; the message says which. */
export class StorageError extends Error {
  override readonly name = 'StorageError';
}

/** The folder of all runs. @throws StorageError where the page may keep no files. */
export async function runsFolder(): Promise<FileSystemDirectoryHandle> {
  try {
    if (!('createWritable' in FileSystemFileHandle.prototype)) throw new Error('it is too old');
    const root = await navigator.storage.getDirectory();
    return await root.getDirectoryHandle('runs', { create: true });
  } catch (cause) {
    // Private windows, blocked site data, and pages that are not secure.
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

  /** @throws StorageError where the page may keep no files, or no more of them. */
  static async open(name: string): Promise<BrowserStore> {
    const runs = await runsFolder();
    return new BrowserStore(
      await orNoRoom(`the run ${name}`, runs.getDirectoryHandle(name, { create: true })),
    );
  }

  /**
   * The browser writes to a copy, which takes the file's place when it is closed.
   *
   * @throws StorageError when there is no room; the file is then as it was.
   */
  async write(path: string, data: Uint8Array | string): Promise<void> {
    await orNoRoom(path, this.#replace(path, data));
  }

  async #replace(path: string, data: Uint8Array | string): Promise<void> {
    const folder = await this.#folder(path, true);
    const handle = await folder.getFileHandle(nameOf(path), { create: true });
    const file = await handle.createWritable();
    try {
      await file.write(typeof data === 'string' ? data : (data as Uint8Array<ArrayBuffer>));
    } catch (error) {
      // A stream that has failed is closed already.
      await file.abort().catch(() => undefined);
      throw error;
    }
    await file.close();
  }

  async read(path: string): Promise<Uint8Array | undefined> {
    try {
      const handle = await (await this.#folder(path, false)).getFileHandle(nameOf(path));
      return new Uint8Array(await (await handle.getFile()).arrayBuffer());
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw error;
    }
  }

  async remove(path: string): Promise<void> {
    try {
      await (await this.#folder(path, false)).removeEntry(nameOf(path));
    } catch (error) {
      if (!isMissing(error)) throw error;
    }
  }

  async #folder(path: string, create: boolean): Promise<FileSystemDirectoryHandle> {
    let folder = this.#root;
    for (const part of path.split('/').slice(0, -1)) {
      folder = await folder.getDirectoryHandle(part, { create });
    }
    return folder;
  }
}

const nameOf = (path: string): string => path.split('/').at(-1) ?? path;

/** Whether there was no such file or folder. */
export const isMissing = (error: unknown): boolean =>
  error instanceof DOMException && error.name === 'NotFoundError';

async function orNoRoom<T>(what: string, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (cause) {
    if (!(cause instanceof DOMException) || cause.name !== 'QuotaExceededError') throw cause;
    const { usage = 0, quota = 0 } = await navigator.storage.estimate();
    const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`;
    throw new StorageError(
      `${what} could not be kept: the browser has no more room for this page ` +
        `(${megabytes(usage)} of ${megabytes(quota)} used); delete kept runs and try again`,
      { cause },
    );
  }
}
