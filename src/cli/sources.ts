import type { ByteSource } from '../formats/byte-source.ts';
import { UsageError } from './arguments.ts';
import { system } from './system.ts';

/** Most files that one command takes from folders. */
const mostFiles = 100_000;

/** Runs something with a file open. @throws UsageError when there is no such file. */
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

/** The last part of a path. */
export const baseName = (path: string): string => path.split(/[/\\]/).at(-1) ?? path;

/** Numbers compare as numbers: step_2 comes before step_10. */
export const byNumber = (a: string, b: string): number =>
  a.localeCompare(b, 'en', { numeric: true, sensitivity: 'base' });

/**
 * The files that paths name: files themselves, and of a folder the files in it (not deeper) whose
 * name `accepts`, in the order of their numbers.
 *
 * @throws UsageError when a path does not exist or a folder holds no such file.
 */
export async function expandPaths(
  paths: readonly string[],
  accepts: (name: string) => boolean,
): Promise<string[]> {
  const host = await system();
  const files: string[] = [];
  for (const path of paths) {
    const found = await host.info(path);
    if (!found) throw new UsageError(`${path}: no such file or folder`);
    if (found.kind === 'file') {
      files.push(path);
      continue;
    }
    const names = (await host.list(path)).filter(accepts).sort(byNumber);
    if (names.length === 0) throw new UsageError(`${path}: no rollout files in this folder`);
    for (const name of names) files.push(`${path.replace(/[/\\]$/, '')}/${name}`);
  }
  if (files.length > mostFiles) {
    throw new UsageError(`${files.length} files, more than the ${mostFiles} allowed`);
  }
  return files;
}
