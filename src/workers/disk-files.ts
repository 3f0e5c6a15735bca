import { fileError, isAbsence } from '../file-error.ts';
import type { ByteSource } from '../formats/byte-source.ts';
import type { InputFiles } from '../formats/input-files.ts';

type OpenFile = import('node:fs/promises').FileHandle;

/** Files on a disk, in Node, Deno and Bun. A file is opened once, and read wherever it is asked. */
export class DiskFiles implements InputFiles {
  readonly #fs: typeof import('node:fs/promises');
  readonly #open = new Map<string, Promise<{ source: ByteSource; file: OpenFile } | undefined>>();

  /** @throws Error if the host has no file system. */
  constructor() {
    const host = globalThis as { readonly process?: Partial<NodeJS.Process> };
    if (!host.process?.getBuiltinModule) throw new Error('this host has no files to read');
    this.#fs = host.process.getBuiltinModule('node:fs/promises');
  }

  /** @throws FileError if the file exists and cannot be opened. */
  async open(path: string): Promise<ByteSource | undefined> {
    let opening = this.#open.get(path);
    if (!opening) {
      opening = this.#begin(path);
      this.#open.set(path, opening);
    }
    return (await opening)?.source;
  }

  async close(): Promise<void> {
    const all = await Promise.allSettled(this.#open.values());
    this.#open.clear();
    for (const one of all) if (one.status === 'fulfilled') await one.value?.file.close();
  }

  async #begin(path: string): Promise<{ source: ByteSource; file: OpenFile } | undefined> {
    try {
      const found = await this.#fs.stat(path);
      if (!found.isFile()) return undefined;
      const file = await this.#fs.open(path, 'r');
      return { source: sourceOf(file, path, found.size), file };
    } catch (error) {
      if (isAbsence(error)) return undefined;
      throw fileError(error, path, 'read');
    }
  }
}

/** Most bytes that one call reads: systems stop at 2 GiB. */
const CHUNK = 2 ** 26;

const sourceOf = (file: OpenFile, path: string, size: number): ByteSource => ({
  name: path,
  size,
  async slice(start, end) {
    const bytes = new Uint8Array(Math.max(0, Math.min(end, size) - start));
    for (let done = 0; done < bytes.length;) {
      const most = Math.min(CHUNK, bytes.length - done);
      const { bytesRead } = await file.read(bytes, done, most, start + done);
      if (bytesRead === 0) throw new Error(`${path}: became shorter while it was read`);
      done += bytesRead;
    }
    return bytes;
  },
});
