import { fileIn } from '../formats/paths.ts';
import { TokenizerClient } from '../formats/tokenizer-client.ts';
import {
  type ModelDescription,
  type ModelDirectory,
  openModelDescription,
  openModelDirectory,
  type OpenModelFile,
} from '../model/model-directory.ts';
import { isModelId } from '../hub/model-id.ts';
import { UsageError } from './arguments.ts';
import type { WantedModel } from './hub-cache.ts';
import { type FileContent, system } from './system.ts';

/** A model folder on disk that a command opened. The weights may be missing. */
export interface DiskDescription extends ModelDescription {
  readonly openFile: OpenModelFile;
  /**
   * The tokenizer; undefined if the folder has none.
   *
   * @throws FormatError when the files are not a tokenizer, or take too long to load.
   */
  tokenizer(): Promise<TokenizerClient | undefined>;
  /** Closes the files and ends the tokenizer's worker. */
  close(): Promise<void>;
}

/** A model folder on disk that a command opened. */
export type DiskModel = DiskDescription & ModelDirectory;

/**
 * Opens a model folder, or a model of the hub. Only bare file names inside the folder are ever opened.
 *
 * @throws UsageError when the path is not a folder; the errors of `openModelDirectory`.
 */
export const openDiskModel = async (name: string): Promise<DiskModel> => {
  const path = await modelFolder(name, { weights: true });
  return openFolder(path, async (openFile) => {
    const directory = await openModelDirectory(openFile, path);
    const host = await system();
    for (const note of directory.notes) await host.stderr(`note: ${path}: ${note}\n`);
    return {
      ...directory,
      async read(name, range) {
        const shape = directory.shapes.get(name)?.join(', ') ?? '';
        await host.doing?.(`reading tensor '${name}' (${shape}) of ${path}`);
        return directory.read(name, range);
      },
    };
  });
};

/** Whether a model was opened with its weights. */
export const isWhole = (model: DiskDescription | DiskModel): model is DiskModel => 'read' in model;

/** As `openDiskModel`, without the weights: for callers that only need their sizes. */
export async function openDiskDescription(name: string): Promise<DiskDescription> {
  const path = await modelFolder(name, { weights: false });
  return openFolder(path, (openFile) => openModelDescription(openFile, path));
}

/**
 * The folder of a model: that of `hf:ORG/NAME` is found or downloaded, any other is its own.
 *
 * @throws UsageError where the host has no hub; the errors of `hubFolder`.
 */
export async function modelFolder(name: string, wanted: WantedModel): Promise<string> {
  if (!isModelId(name)) return name;
  const { hubModel } = await system();
  if (!hubModel) throw new UsageError(`${name}: models are not downloaded here; give a folder`);
  return hubModel(name, wanted);
}

async function openFolder<Model extends ModelDescription>(
  path: string,
  read: (openFile: OpenModelFile) => Promise<Model>,
): Promise<DiskDescription & Model> {
  const host = await system();
  const found = await host.info(path);
  if (found?.kind !== 'directory') {
    throw new UsageError(
      `${path}: ${found ? 'is a file' : 'does not exist'}; a model is a folder or hf:ORG/NAME`,
    );
  }
  const open = new Map<string, Awaited<ReturnType<typeof host.open>>>();
  let tokenizer: Promise<TokenizerClient | undefined> | undefined;
  const close = async (): Promise<void> => {
    // If opening failed, the worker has ended and the caller has received the error.
    await tokenizer?.then(
      (client) => client?.close(),
      () => undefined,
    );
    for (const file of open.values()) await file.close();
    open.clear();
  };
  const openFile: OpenModelFile = async (name) => {
    const file = fileIn(path, name);
    const known = open.get(file);
    if (known) return known;
    if ((await host.info(file))?.kind !== 'file') return undefined;
    const source = await host.open(file);
    open.set(file, source);
    return source;
  };
  try {
    const directory = await read(openFile);
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

/** Writes files into a folder, in order; each file is written whole or not at all. */
export async function writeModelFiles(
  path: string,
  files: ReadonlyMap<string, FileContent>,
): Promise<void> {
  const host = await system();
  for (const [name, content] of files) await host.write(`${path}/${name}`, content);
}
