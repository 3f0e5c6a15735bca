import { fileError, makeFolder } from '../file-error.ts';
import type { RunStore } from '../scheduler/run-store.ts';

/** A run's files in a folder, on Node and Deno. Paths are relative, with forward slashes. */
export class FolderStore implements RunStore {
  readonly #folder: string;
  readonly #fs: typeof import('node:fs/promises');
  readonly #path: typeof import('node:path');

  /** @throws Error where the host has no file system. */
  constructor(folder: string) {
    const host = globalThis as { readonly process?: Partial<NodeJS.Process> };
    const builtin = host.process?.getBuiltinModule;
    if (!builtin) throw new Error(`${folder}: this host has no folders to write to`);
    this.#fs = builtin('node:fs/promises');
    this.#path = builtin('node:path');
    this.#folder = folder;
  }

  /** Beside the file, flushed to disk, then renamed over it. @throws FileError naming the file. */
  async write(path: string, data: Uint8Array | string): Promise<void> {
    const target = this.#path.join(this.#folder, path);
    const fresh = `${target}.part`;
    try {
      await makeFolder(this.#fs, this.#path.dirname(target), (inner) => this.#path.dirname(inner));
      const file = await this.#fs.open(fresh, 'w');
      try {
        await file.writeFile(data);
        await file.sync();
      } finally {
        await file.close();
      }
      await this.#fs.rename(fresh, target);
    } catch (error) {
      // Half a file would take room that a full disk has not.
      await this.#fs.rm(fresh, { force: true }).catch(() => undefined);
      throw fileError(error, target, 'written');
    }
  }

  async read(path: string): Promise<Uint8Array | undefined> {
    try {
      const bytes = await this.#fs.readFile(this.#path.join(this.#folder, path));
      return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw fileError(error, this.#path.join(this.#folder, path), 'read');
    }
  }

  async remove(path: string): Promise<void> {
    await this.#fs.rm(this.#path.join(this.#folder, path), { force: true });
  }
}
