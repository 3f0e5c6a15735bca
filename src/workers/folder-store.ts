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

  /** Beside the file, flushed to disk, then renamed over it. */
  async write(path: string, data: Uint8Array | string): Promise<void> {
    const target = this.#path.join(this.#folder, path);
    const fresh = `${target}.part`;
    await this.#fs.mkdir(this.#path.dirname(target), { recursive: true });
    const file = await this.#fs.open(fresh, 'w');
    try {
      await file.writeFile(data);
      await file.sync();
    } finally {
      await file.close();
    }
    await this.#fs.rename(fresh, target);
  }

  async read(path: string): Promise<Uint8Array | undefined> {
    try {
      const bytes = await this.#fs.readFile(this.#path.join(this.#folder, path));
      return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw error;
    }
  }

  async remove(path: string): Promise<void> {
    await this.#fs.rm(this.#path.join(this.#folder, path), { force: true });
  }
}
