/** Where a run keeps its files: a folder, a browser's private file system, or memory. */
export interface RunStore {
  /** Writes a whole file so that a crash leaves the old one or the new one. */
  write(path: string, data: Uint8Array | string): Promise<void>;
  /** Undefined where there is no such file. */
  read(path: string): Promise<Uint8Array | undefined>;
  remove(path: string): Promise<void>;
}

/** A store that forgets. */
export class MemoryStore implements RunStore {
  readonly files = new Map<string, Uint8Array>();

  write(path: string, data: Uint8Array | string): Promise<void> {
    this.files.set(path, typeof data === 'string' ? new TextEncoder().encode(data) : data.slice());
    return Promise.resolve();
  }

  read(path: string): Promise<Uint8Array | undefined> {
    return Promise.resolve(this.files.get(path));
  }

  remove(path: string): Promise<void> {
    this.files.delete(path);
    return Promise.resolve();
  }
}
