import { errorCode, fileError, isAbsence, makeFolder } from '../file-error.ts';
import { type FileContent, piecesOf } from '../formats/file-content.ts';
import { runPath, type RunStore } from '../scheduler/run-store.ts';

/** Most bytes that one call reads or writes: systems stop at 2 GiB. */
const CHUNK = 2 ** 26;

/** A run's files in a folder, on Node, Deno and Bun. */
export class FolderStore implements RunStore {
  readonly #folder: string;
  readonly #fs: typeof import('node:fs/promises');
  readonly #path: typeof import('node:path');
  readonly #process: NodeJS.Process;

  /** @throws Error if the host has no file system. */
  constructor(folder: string) {
    const host = globalThis as { readonly process?: Partial<NodeJS.Process> };
    if (!host.process?.getBuiltinModule) {
      throw new Error(`${folder}: this host has no folders to write to`);
    }
    this.#process = host.process as NodeJS.Process;
    this.#fs = this.#process.getBuiltinModule('node:fs/promises');
    this.#path = this.#process.getBuiltinModule('node:path');
    this.#folder = folder;
  }

  /**
   * Writes a file next to the old one, flushes it to disk, and renames it over the old one. @throws
   * FileError naming the file.
   */
  async write(path: string, content: FileContent): Promise<void> {
    const target = this.#at(path);
    const fresh = `${target}.${this.#process.pid}.part`;
    try {
      await this.#makeFolder(this.#path.dirname(target));
      const file = await this.#fs.open(fresh, 'w');
      try {
        for await (const piece of piecesOf(content)) await writeAll(file, piece);
        await file.sync();
      } finally {
        await file.close();
      }
      await this.#fs.rename(fresh, target);
      await this.#syncFolder(this.#path.dirname(target));
    } catch (error) {
      // A partial file would take room that a full disk lacks.
      await this.#fs.rm(fresh, { force: true }).catch(() => undefined);
      throw fileError(error, target, 'written');
    }
  }

  async append(path: string, start: number, content: FileContent): Promise<void> {
    const target = this.#at(path);
    const begins = start === 0;
    try {
      if (begins) await this.#makeFolder(this.#path.dirname(target));
      const file = await this.#fs.open(target, begins ? 'w' : 'r+');
      try {
        const { size } = await file.stat();
        if (size < start) throw new RangeError(`${path}: is shorter than ${start} bytes`);
        if (size > start) await file.truncate(start);
        let at = start;
        for await (const piece of piecesOf(content)) at += await writeAll(file, piece, at);
        await file.sync();
      } finally {
        await file.close();
      }
      if (begins) await this.#syncFolder(this.#path.dirname(target));
    } catch (error) {
      throw fileError(error, target, 'written');
    }
  }

  async read(path: string): Promise<Uint8Array | undefined> {
    const size = await this.size(path);
    return size === undefined ? undefined : this.slice(path, 0, size);
  }

  async size(path: string): Promise<number | undefined> {
    try {
      const found = await this.#fs.stat(this.#at(path));
      if (found.isDirectory()) {
        throw Object.assign(new Error(`${path}: is a folder`), { code: 'EISDIR' });
      }
      return found.size;
    } catch (error) {
      if (isAbsence(error)) return undefined;
      throw fileError(error, this.#at(path), 'read');
    }
  }

  async slice(path: string, start: number, end: number): Promise<Uint8Array> {
    const bytes = new Uint8Array(end - start);
    const target = this.#at(path);
    try {
      const file = await this.#fs.open(target, 'r');
      try {
        for (let done = 0; done < bytes.length;) {
          const length = Math.min(CHUNK, bytes.length - done);
          const { bytesRead } = await file.read(bytes, done, length, start + done);
          if (bytesRead === 0) throw new RangeError(`${path}: ends before ${end}`);
          done += bytesRead;
        }
      } finally {
        await file.close();
      }
    } catch (error) {
      throw fileError(error, target, 'read');
    }
    return bytes;
  }

  async remove(path: string): Promise<void> {
    const target = this.#at(path);
    try {
      await this.#fs.rm(target, { force: true });
    } catch (error) {
      throw fileError(error, target, 'written');
    }
  }

  async list(folder: string): Promise<string[]> {
    try {
      const entries = await this.#fs.readdir(folder === '' ? this.#folder : this.#at(folder), {
        withFileTypes: true,
      });
      return entries.flatMap((entry) => (entry.isFile() ? [entry.name] : [])).sort();
    } catch (error) {
      if (isAbsence(error)) return [];
      throw error;
    }
  }

  #at(path: string): string {
    return this.#path.join(this.#folder, runPath(path));
  }

  /** Makes a folder. The entry in its parent must survive a power loss as well. */
  async #makeFolder(folder: string): Promise<void> {
    const above = (path: string): string => this.#path.dirname(path);
    for (const made of await makeFolder(this.#fs, folder, above)) {
      await this.#syncFolder(above(made));
    }
  }

  /** Flushes a folder to disk. After that, a renamed file survives a power loss. */
  async #syncFolder(folder: string): Promise<void> {
    // Windows cannot open folders, and keeps its own journal.
    if (this.#process.platform === 'win32') return;
    const handle = await this.#fs.open(folder, 'r');
    try {
      await handle.sync();
    } catch (error) {
      // Some network file systems cannot sync folders.
      if (!['EINVAL', 'ENOTSUP', 'EBADF'].includes(errorCode(error) ?? '')) throw error;
    } finally {
      await handle.close();
    }
  }
}

type FileHandle = Awaited<ReturnType<typeof import('node:fs/promises').open>>;

/** @returns The bytes written: all of the piece. */
async function writeAll(file: FileHandle, piece: Uint8Array, position?: number): Promise<number> {
  for (let done = 0; done < piece.length;) {
    const length = Math.min(CHUNK, piece.length - done);
    const at = position === undefined ? null : position + done;
    const { bytesWritten } = await file.write(piece, done, length, at);
    done += bytesWritten;
  }
  return piece.length;
}
