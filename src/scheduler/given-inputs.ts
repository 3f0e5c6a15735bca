import { ConfigError } from '../config-error.ts';
import { type ExperimentConfig, startsFromFolder } from '../config.ts';
import type { ByteSource } from '../formats/byte-source.ts';
import { createDigest } from '../formats/digest.ts';
import type { InputFiles } from '../formats/input-files.ts';
import { expectParameters } from '../model/load-parameters.ts';
import {
  type ModelDescription,
  openModelDirectory,
  type OpenModelFile,
  tokenizerFileNames,
} from '../model/model-directory.ts';
import { baseDigest, type InputMark, type RunInputs } from '../run-folder/inputs.ts';
import { filesOf } from '../tasks/registry.ts';
import type { TaskModel, TaskResources } from '../tasks/task.ts';
import type { GivenModel } from './base.ts';
import { CheckpointError } from './checkpoint.ts';

/** The files and the model that a config names, opened and hashed. */
export interface GivenInputs {
  /** What the run's folder records. */
  readonly record: RunInputs;
  readonly resources: TaskResources;
  /** Undefined if the model is drawn. */
  readonly given: GivenModel | undefined;
  /** Sentences for the user about how the model's files were read. */
  readonly notes: readonly string[];
}

/** Bytes per read. */
const PIECE = 2 ** 24;

/** SHA-256 of a whole source, read in pieces. */
export async function digestOfSource(source: ByteSource): Promise<string> {
  const digest = createDigest();
  for (let at = 0; at < source.size; at += PIECE) {
    digest.update(await source.slice(at, Math.min(source.size, at + PIECE)));
  }
  return digest.hex();
}

/** The path of a file in a model's folder. */
export const fileIn = (folder: string, name: string): string =>
  `${folder.replace(/[/\\]+$/, '')}/${name}`;

/**
 * Opens the files and the model that a config names.
 *
 * @param begunWith What the folder of a run that goes on records: the files must be the same.
 * @throws ConfigError if a file is missing; the errors of `openModelDirectory` and
 *   `expectParameters`.
 * @throws CheckpointError naming the file that has changed since the run began.
 */
export async function openGivenInputs(
  config: ExperimentConfig,
  files: InputFiles,
  begunWith?: RunInputs,
): Promise<GivenInputs> {
  if (begunWith) await expectUnchanged(files, begunWith);
  const inputs: InputMark[] = [];
  for (const path of filesOf(config.task)) {
    const source = await files.open(path);
    if (!source) throw new ConfigError(`task: ${path} does not exist`);
    inputs.push({ path, size: source.size, sha256: await digestOfSource(source) });
  }
  if (!startsFromFolder(config)) {
    return {
      record: { inputs, base: undefined },
      resources: { files },
      given: undefined,
      notes: [],
    };
  }
  const { path: id } = config.model;
  const opened = new Map<string, ByteSource>();
  const openFile: OpenModelFile = async (name) => {
    const source = await files.open(fileIn(id, name));
    if (source) opened.set(name, source);
    return source;
  };
  const directory = await openModelDirectory(openFile, id);
  await expectParameters(directory, 'lm');
  for (const name of tokenizerFileNames) await openFile(name);
  const digests: [string, string][] = [];
  for (const [name, source] of opened) digests.push([name, await digestOfSource(source)]);
  digests.sort(([a], [b]) => (a < b ? -1 : 1));
  const base = { id, files: Object.fromEntries(digests) };
  return {
    record: { inputs, base },
    resources: { files, model: taskModelOf(directory) },
    given: { directory, openFile, digest: baseDigest(base) },
    notes: directory.notes.map((note) => `note: ${id}: ${note}`),
  };
}

/** What a task must know of a model. */
export const taskModelOf = ({ where, config, tokenizerTexts }: ModelDescription): TaskModel => ({
  where,
  vocabularySize: config.vocabSize,
  stopIds: config.eosTokenIds,
  maxPositions: config.maxPositions,
  tokenizerTexts,
});

async function expectUnchanged(files: InputFiles, { inputs, base }: RunInputs): Promise<void> {
  const recorded = [
    ...inputs.map(({ path, sha256 }) => [path, sha256] as const),
    ...Object.entries(base?.files ?? {}).map(
      ([name, sha256]) => [fileIn(base?.id ?? '', name), sha256] as const,
    ),
  ];
  for (const [path, sha256] of recorded) {
    const source = await files.open(path);
    if (!source) throw new CheckpointError(`${path} is missing, which the run began with`);
    const now = await digestOfSource(source);
    if (now === sha256) continue;
    throw new CheckpointError(
      `${path} has changed since the run began (SHA-256 ${sha256.slice(0, 12)}…, now ${now.slice(0, 12)}…): ` +
        'a run goes on only with the files that it began with',
    );
  }
}
