/** A path that would leave the run's folder, or that not every system takes. */
export class PathError extends Error {
  override readonly name = 'PathError';
}

const MOST_PATH_CHARACTERS = 300;
/** Windows opens these as devices in every folder, whatever the extension. */
const deviceName = /^(?:con|prn|aux|nul|com\d|lpt\d)(?:\.|$)/i;

function isPlainName(part: string): boolean {
  // Windows drops dots and blanks at an end: `.. ` would be `..`, and `.` is no name anywhere.
  if (part === '' || part.endsWith('.') || part.endsWith(' ')) return false;
  // Backslashes part folders on Windows; a colon names a drive or a stream.
  return !/[\u0000-\u001f\u007f\\:*?"<>|]/.test(part) && !deviceName.test(part);
}

/**
 * The one rule for paths of a run: relative to its folder, parts joined by `/`, none of them empty
 * or leading upwards, and made of characters that every system takes.
 *
 * @returns The path as it was given.
 * @throws PathError otherwise.
 */
export function runPath(path: string): string {
  if (path.length > MOST_PATH_CHARACTERS || !path.split('/').every(isPlainName)) {
    throw new PathError(`${JSON.stringify(path.slice(0, 100))} is no path inside a run's folder`);
  }
  return path;
}

/** What a file is made of: whole, or piece by piece where it need not fit one array. */
export type FileContent = Uint8Array | string | Iterable<Uint8Array> | AsyncIterable<Uint8Array>;

/**
 * Where a run keeps its files: a folder, a browser's private file system, or memory. Every path obeys
 * `runPath`; every method throws PathError where it does not, and does nothing then.
 */
export interface RunStore {
  /** Writes a whole file so that a crash leaves the old one or the new one. */
  write(path: string, content: FileContent): Promise<void>;
  /**
   * Writes behind the first `start` bytes of a file, and drops what it held after them. A crash
   * leaves those bytes as they were and may leave a part of the new ones.
   *
   * @param start At most the file's size; 0 begins it.
   */
  append(path: string, start: number, content: FileContent): Promise<void>;
  /** Undefined where there is no such file. */
  read(path: string): Promise<Uint8Array | undefined>;
  /** In bytes; undefined where there is no such file. */
  size(path: string): Promise<number | undefined>;
  /** Bytes [start, end) of a file that is that long. */
  slice(path: string, start: number, end: number): Promise<Uint8Array>;
  /** Where there is no such file, nothing is to be done. */
  remove(path: string): Promise<void>;
  /** Names of the files in one folder of the run, `''` being the run's own; none where it is missing. */
  list(folder: string): Promise<string[]>;
}

/** The pieces of a file's content, strings as UTF-8. */
export async function* piecesOf(content: FileContent): AsyncGenerator<Uint8Array, void, void> {
  if (typeof content === 'string') yield new TextEncoder().encode(content);
  else if (content instanceof Uint8Array) yield content;
  else yield* content;
}

/** Pieces as one array. */
export async function wholeOf(content: FileContent): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  for await (const piece of piecesOf(content)) pieces.push(piece);
  const whole = new Uint8Array(pieces.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}

/** A store that forgets. */
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
