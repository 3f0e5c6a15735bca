import type { RunStore } from '../scheduler/run-store.ts';

/** A run's files in the browser's private file system (OPFS), under `runs/<name>`. */
export class BrowserStore implements RunStore {
  readonly #root: FileSystemDirectoryHandle;

  private constructor(root: FileSystemDirectoryHandle) {
    this.#root = root;
  }

  /** @throws DOMException where the page may not store anything (some private windows). */
  static async open(name: string): Promise<BrowserStore> {
    const runs = await (
      await navigator.storage.getDirectory()
    ).getDirectoryHandle('runs', { create: true });
    return new BrowserStore(await runs.getDirectoryHandle(name, { create: true }));
  }

  /** The browser writes to a copy, which takes the file's place when it is closed. */
  async write(path: string, data: Uint8Array | string): Promise<void> {
    const folder = await this.#folder(path, true);
    const handle = await folder.getFileHandle(nameOf(path), { create: true });
    const file = await handle.createWritable();
    try {
      await file.write(typeof data === 'string' ? data : (data as Uint8Array<ArrayBuffer>));
    } catch (error) {
      await file.abort();
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

const isMissing = (error: unknown): boolean =>
  error instanceof DOMException && error.name === 'NotFoundError';
