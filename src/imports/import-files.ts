import type { ByteSource } from '../formats/byte-source.ts';
import { ImportError } from './import-error.ts';

/** Files and folders that an import reads: of a disk, or of what was dropped on a page. */
export interface ImportFiles {
  /** The kind of a path; undefined if nothing exists there. */
  info(path: string): Promise<{ readonly kind: 'file' | 'directory' } | undefined>;
  /** Names inside a folder, sorted. */
  list(path: string): Promise<string[]>;
  /** Random access to a file's bytes; whoever opened the file closes it. */
  open(path: string): Promise<ByteSource & { close(): Promise<void> }>;
}

/** Most files that one import reads from folders. */
export const mostFiles = 100_000;

/** Opens a file, runs `use`, closes the file. @throws ImportError when there is no such file. */
export async function readWith<T>(
  from: ImportFiles,
  path: string,
  use: (source: ByteSource) => Promise<T>,
): Promise<T> {
  const found = await from.info(path);
  if (!found) throw new ImportError(`${path}: no such file`);
  if (found.kind === 'directory') throw new ImportError(`${path}: is a folder, not a file`);
  const source = await from.open(path);
  try {
    return await use(source);
  } finally {
    await source.close();
  }
}

/** Compares names with numbers as numbers: step_2 comes before step_10. */
export const byNumber = (a: string, b: string): number =>
  a.localeCompare(b, 'en', { numeric: true, sensitivity: 'base' });
