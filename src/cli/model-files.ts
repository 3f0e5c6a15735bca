import { TokenizerClient } from '../formats/tokenizer-client.ts';
import {
  type ModelDirectory,
  openModelDirectory,
  type OpenModelFile,
} from '../model/model-directory.ts';
import { UsageError } from './arguments.ts';
import { system } from './system.ts';

/** A model folder on disk that a command opened. */
export interface DiskModel extends ModelDirectory {
  readonly openFile: OpenModelFile;
  /**
   * The tokenizer; undefined where the folder has none.
   *
   * @throws FormatError when its files are none, or take too long.
   */
  tokenizer(): Promise<TokenizerClient | undefined>;
  /** Closes the files and ends the tokenizer's worker. */
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
  let tokenizer: Promise<TokenizerClient | undefined> | undefined;
  const close = async (): Promise<void> => {
    // One that failed to open has ended its worker, and thrown at whoever asked for it.
    await tokenizer?.then(
      (client) => client?.close(),
      () => undefined,
    );
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
    const directory = await openModelDirectory(openFile, path);
    for (const note of directory.notes) await host.stderr(`note: ${path}: ${note}\n`);
    const openTokenizer = async (): Promise<TokenizerClient | undefined> => {
      const texts = await directory.tokenizerTexts();
      return texts && TokenizerClient.open(texts);
    };
    return { ...directory, openFile, tokenizer: () => (tokenizer ??= openTokenizer()), close };
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
