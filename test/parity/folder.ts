import { readSafetensors, type SafetensorsEntry } from '../../src/formats/safetensors.ts';

/** Files below one folder, on whatever host. Paths are relative, with `/`. */
export interface Folder {
  readonly paths: readonly string[];
  read(path: string): Promise<Uint8Array>;
}

/** A folder of which every file must be asked for: what nobody asks for, nobody understood. */
export class Fixtures {
  readonly #folder: Folder;
  readonly #asked = new Set<string>();

  constructor(folder: Folder) {
    this.#folder = folder;
  }

  has(path: string): boolean {
    return this.#folder.paths.includes(path);
  }

  /** Names of the folders right below `parent` that hold files. */
  folders(parent: string): string[] {
    const prefix = `${parent}/`;
    const names = this.#folder.paths
      .filter((path) => path.startsWith(prefix) && path.slice(prefix.length).includes('/'))
      .map((path) => path.slice(prefix.length).split('/')[0] ?? '');
    return [...new Set(names)].sort();
  }

  /** Names of the files right inside `parent`. */
  files(parent: string): string[] {
    const prefix = `${parent}/`;
    return this.#folder.paths
      .filter((path) => path.startsWith(prefix) && !path.slice(prefix.length).includes('/'))
      .map((path) => path.slice(prefix.length));
  }

  async bytes(path: string): Promise<Uint8Array> {
    if (!this.has(path)) throw new Error(`${path} is missing`);
    this.#asked.add(path);
    return this.#folder.read(path);
  }

  async text(path: string): Promise<string> {
    return new TextDecoder('utf-8', { fatal: true }).decode(await this.bytes(path));
  }

  async json(path: string): Promise<unknown> {
    return JSON.parse(await this.text(path)) as unknown;
  }

  async tensors(path: string): Promise<ReadonlyMap<string, SafetensorsEntry>> {
    return readSafetensors(await this.bytes(path), path).tensors;
  }

  /** Marks a file as understood without reading it. */
  pass(path: string): void {
    this.#asked.add(path);
  }

  /** Files that nobody asked for. */
  left(): string[] {
    return this.#folder.paths.filter((path) => !this.#asked.has(path)).sort();
  }
}
