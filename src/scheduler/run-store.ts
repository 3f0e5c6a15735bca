import { type FileContent, wholeOf } from '../formats/file-content.ts';

/** A path leaves the run's folder, or is not valid on every system. */
export class PathError extends Error {
  override readonly name = 'PathError';
}

const MOST_PATH_CHARACTERS = 300;
/** Windows opens these names as devices in every folder, with any extension. */
const deviceName = /^(?:con|prn|aux|nul|com\d|lpt\d)(?:\.|$)/i;

function isPlainName(part: string): boolean {
  // Windows drops dots and blanks at the end, so `.. ` would be `..`. `.` is no name anywhere.
  if (part === '' || part.endsWith('.') || part.endsWith(' ')) return false;
  // On Windows a backslash separates folders, and a colon follows a drive or precedes a stream.
  return !/[\u0000-\u001f\u007f\\:*?"<>|]/.test(part) && !deviceName.test(part);
}

/**
 * The only rule for paths of a run: a path is relative to the run's folder. Its parts are joined by
 * `/`; no part is empty or leads upwards; all characters are valid on every system.
 *
 * @returns The unchanged path.
 * @throws PathError if the path breaks the rule.
 */
export function runPath(path: string): string {
  if (path.length > MOST_PATH_CHARACTERS || !path.split('/').every(isPlainName)) {
    throw new PathError(`${JSON.stringify(path.slice(0, 100))} is no path inside a run's folder`);
  }
  return path;
}

/**
 * The place for a run's files: a folder, a browser's private file system, or memory. Every path
 * must obey `runPath`; otherwise every method throws PathError and does nothing.
 */
export interface RunStore {
  /** Writes a whole file. A crash leaves either the old file or the new one. */
  write(path: string, content: FileContent): Promise<void>;
  /**
   * Writes after the first `start` bytes of a file, and drops the bytes that followed them. A crash
   * leaves the first bytes unchanged and may leave a part of the new bytes.
   *
   * @param start At most the file's size; 0 begins the file.
   */
  append(path: string, start: number, content: FileContent): Promise<void>;
  /** The bytes of a file; undefined if there is no such file. */
  read(path: string): Promise<Uint8Array | undefined>;
  /** The size of a file in bytes; undefined if there is no such file. */
  size(path: string): Promise<number | undefined>;
  /** Bytes [start, end) of a file, which must be long enough. */
  slice(path: string, start: number, end: number): Promise<Uint8Array>;
  /** Removes a file; does nothing if there is no such file. */
  remove(path: string): Promise<void>;
  /**
   * Names of the files in one folder of the run; `''` is the run's own folder. Empty if the folder
   * is missing.
   */
  list(folder: string): Promise<string[]>;
}

/** A store in memory. */
export class MemoryStore implements RunStore {
  readonly files = new Map<string, Uint8Array>();

  async write(path: string, content: FileContent): Promise<void> {
    const bytes = await wholeOf(content);
    this.files.set(runPath(path), bytes);
  }

  async append(path: string, start: number, content: FileContent): Promise<void> {
    const kept = this.files.get(runPath(path))?.subarray(0, start) ?? new Uint8Array();
    if (kept.length < start) throw new RangeError(`${path}: is shorter than ${start} bytes`);
    const added = await wholeOf(content);
    this.files.set(path, await wholeOf([kept, added]));
  }

  async read(path: string): Promise<Uint8Array | undefined> {
    return Promise.resolve(this.files.get(runPath(path)));
  }

  async size(path: string): Promise<number | undefined> {
    return Promise.resolve(this.files.get(runPath(path))?.length);
  }

  async slice(path: string, start: number, end: number): Promise<Uint8Array> {
    const bytes = this.files.get(runPath(path));
    if (!bytes || end > bytes.length) throw new RangeError(`${path}: ends before ${end}`);
    return Promise.resolve(bytes.slice(start, end));
  }

  async remove(path: string): Promise<void> {
    this.files.delete(runPath(path));
    return Promise.resolve();
  }

  async list(folder: string): Promise<string[]> {
    const prefix = folder === '' ? '' : `${runPath(folder)}/`;
    const names = [...this.files.keys()]
      .filter((path) => path.startsWith(prefix))
      .map((path) => path.slice(prefix.length));
    return Promise.resolve(names.filter((name) => !name.includes('/')).sort());
  }
}
