import { isMissing, orNoRoom, privateFolder, StorageError } from './browser-store.ts';

/** A model that this browser keeps. */
export interface KeptModel {
  readonly name: string;
  /** Bytes of all its files. */
  readonly size: number;
}

/** Written last: a folder without it is one that was left half copied. */
const MARK = '.kept';

/** Bytes that are copied at once. */
const PIECE = 2 ** 24;

const lockOf = (name: string): string => `limr-model ${name}`;

/** Pretrained models in this browser's private file system, under `models/<name>`. */
export class KeptModels {
  readonly #folder: FileSystemDirectoryHandle;

  private constructor(folder: FileSystemDirectoryHandle) {
    this.#folder = folder;
  }

  /** @throws StorageError if the page may keep no files. */
  static async open(): Promise<KeptModels> {
    const models = new KeptModels(await privateFolder('models'));
    await models.#removeUnfinished();
    return models;
  }

  /** All models, by name. */
  async list(): Promise<KeptModel[]> {
    const models: KeptModel[] = [];
    for (const name of await this.#names()) {
      const files = await this.files(name);
      if (!files) continue;
      const size = [...files.values()].reduce((sum, file) => sum + file.size, 0);
      models.push({ name, size });
    }
    return models.sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** The files of a model by their names; undefined if the model is not kept. They lie on the disk. */
  async files(name: string): Promise<ReadonlyMap<string, File> | undefined> {
    const files = new Map<string, File>();
    try {
      const folder = await this.#folder.getDirectoryHandle(name);
      for await (const entry of entriesOf(folder)) {
        if (entry.kind === 'file') files.set(entry.name, await fileOf(folder, entry.name));
      }
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw error;
    }
    return files.delete(MARK) ? files : undefined;
  }

  /**
   * Copies a model's files, piece by piece. A kept model of the same name is replaced. Nothing is
   * left of a copy that fails or is aborted.
   *
   * @param options.tell Receives the bytes that are copied.
   * @throws StorageError if there is no room, or another tab copies the same model; the signal's
   *   reason once it is aborted.
   */
  async keep(
    name: string,
    files: ReadonlyMap<string, Blob>,
    options: { readonly signal: AbortSignal; readonly tell: (bytes: number) => void },
  ): Promise<void> {
    await navigator.locks.request(lockOf(name), { ifAvailable: true }, async (lock) => {
      if (!lock) throw new StorageError(`another tab is working on the kept model ${name}`);
      await this.#delete(name);
      try {
        await orNoRoom(`the model ${name}`, this.#copy(name, files, options));
      } catch (error) {
        await this.#delete(name);
        throw error;
      }
    });
  }

  /** Removes a model. A run that reads it fails when it reads on. */
  async remove(name: string): Promise<void> {
    await this.#delete(name);
  }

  async #copy(
    name: string,
    files: ReadonlyMap<string, Blob>,
    { signal, tell }: Parameters<KeptModels['keep']>[2],
  ): Promise<void> {
    const folder = await this.#folder.getDirectoryHandle(name, { create: true });
    let copied = 0;
    for (const [path, blob] of [...files, [MARK, new Blob(['1'])] as const]) {
      const handle = await folder.getFileHandle(path, { create: true });
      const writable = await handle.createWritable();
      try {
        for (let at = 0; at < blob.size; at += PIECE) {
          signal.throwIfAborted();
          const piece = blob.slice(at, at + PIECE);
          await writable.write(piece);
          copied += piece.size;
          if (path !== MARK) tell(copied);
        }
      } catch (error) {
        // A failed stream is already closed.
        await writable.abort().catch(() => undefined);
        throw error;
      }
      await writable.close();
    }
  }

  async #delete(name: string): Promise<void> {
    try {
      await this.#folder.removeEntry(name, { recursive: true });
    } catch (error) {
      if (!isMissing(error)) throw error;
    }
  }

  async #names(): Promise<string[]> {
    const names: string[] = [];
    for await (const { kind, name } of entriesOf(this.#folder)) {
      if (kind === 'directory') names.push(name);
    }
    return names;
  }

  /** Removes what a tab left that was closed while it copied. */
  async #removeUnfinished(): Promise<void> {
    for (const name of await this.#names()) {
      if (await this.files(name)) continue;
      await navigator.locks.request(lockOf(name), { ifAvailable: true }, async (lock) => {
        if (lock && !(await this.files(name))) await this.#delete(name);
      });
    }
  }
}

/** TypeScript's DOM types leave `values` out unless DOM.AsyncIterable is included. */
const entriesOf = (folder: FileSystemDirectoryHandle): AsyncIterable<FileSystemHandle> =>
  (folder as unknown as { values(): AsyncIterable<FileSystemHandle> }).values();

const fileOf = async (folder: FileSystemDirectoryHandle, name: string): Promise<File> =>
  (await folder.getFileHandle(name)).getFile();
