import type { ByteSource } from '../formats/byte-source.ts';
import { UsageError } from './arguments.ts';
import { system } from './system.ts';

/** Most files that one command reads from folders. */
export const mostFiles = 100_000;

/** Opens a file, runs `use`, closes the file. @throws UsageError when there is no such file. */
export async function withSource<T>(
  path: string,
  use: (source: ByteSource) => Promise<T>,
): Promise<T> {
  const host = await system();
  const found = await host.info(path);
  if (!found) throw new UsageError(`${path}: no such file`);
  if (found.kind === 'directory') throw new UsageError(`${path}: is a folder, not a file`);
  const source = await host.open(path);
  try {
    return await use(source);
  } finally {
    await source.close();
  }
}

/** Compares names with numbers as numbers: step_2 comes before step_10. */
export const byNumber = (a: string, b: string): number =>
  a.localeCompare(b, 'en', { numeric: true, sensitivity: 'base' });
