import { bytesSource } from '../../src/formats/byte-source.ts';
import { type ModelDirectory, openModelDirectory } from '../../src/model/model-directory.ts';
import { Memo } from './context.ts';
import type { Fixtures } from './folder.ts';

/** A model folder among the fixtures, and a key that stands for its contents. */
export interface FixtureModel {
  readonly directory: ModelDirectory;
  /** Everything that computations on this model depend on, for `Memo`. */
  readonly inputs: readonly unknown[];
}

/** Digests of files that have been read before: the same bytes object has the same contents. */
const digests = new WeakMap<Uint8Array, string>();

function digestOf(bytes: Uint8Array): string {
  const digest = digests.get(bytes) ?? Memo.digest(bytes);
  digests.set(bytes, digest);
  return digest;
}

/**
 * Opens a model folder the way a command does.
 *
 * @param config File to take for its config.json.
 */
export async function openFixtureModel(
  fixtures: Fixtures,
  folder: string,
  config = 'config.json',
): Promise<FixtureModel> {
  const inputs: unknown[] = [];
  const directory = await openModelDirectory(async (name) => {
    const path = `${folder}/${name === 'config.json' ? config : name}`;
    if (!fixtures.has(path)) return undefined;
    const bytes = await fixtures.bytes(path);
    inputs.push(name, digestOf(bytes));
    return bytesSource(path, bytes);
  }, folder);
  await directory.tokenizerTexts();
  return { directory, inputs };
}
