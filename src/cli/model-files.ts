import {
  type ModelDirectory,
  openModelDirectory,
  type OpenModelFile,
} from '../model/model-directory.ts';
import { UsageError } from './arguments.ts';
import { system } from './system.ts';

/** A model folder on disk that a command opened; its files stay open until `close`. */
export interface DiskModel extends ModelDirectory {
  readonly openFile: OpenModelFile;
  close(): Promise<void>;
}

/**
 * Opens a model folder. Only bare names inside it are ever opened.
 *
 * @throws UsageError when the path is not a folder, and what `openModelDirectory` throws.
 */
export async function openDiskModel(path: string): Promise<DiskModel> {
  const host = await system();
  const found = await host.info(path);
  if (found?.kind !== 'directory') {
    throw new UsageError(`${path}: ${found ? 'is a file' : 'does not exist'}; a model is a folder`);
  }
  const open = new Map<string, Awaited<ReturnType<typeof host.open>>>();
  const close = async (): Promise<void> => {
    for (const file of open.values()) await file.close();
    open.clear();
  };
  const openFile: OpenModelFile = async (name) => {
    const file = `${path.replace(/[/\\]+$/, '')}/${name}`;
    const known = open.get(file);
    if (known) return known;
    if ((await host.info(file))?.kind !== 'file') return undefined;
    const source = await host.open(file);
    open.set(file, source);
    return source;
  };
  try {
    return { ...(await openModelDirectory(openFile, path)), openFile, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Writes the files of `modelDirectoryFiles` in their order, each whole or not at all. */
export async function writeModelFiles(
  path: string,
  files: ReadonlyMap<string, Uint8Array>,
): Promise<void> {
  const host = await system();
  for (const [name, bytes] of files) await host.write(`${path}/${name}`, bytes);
}
