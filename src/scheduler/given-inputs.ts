import { ConfigError } from '../config-error.ts';
import { type ExperimentConfig, startsFromFolder, taughtFilesOf } from '../config.ts';
import type { ByteSource } from '../formats/byte-source.ts';
import { createDigest } from '../formats/digest.ts';
import type { InputFiles } from '../formats/input-files.ts';
import { fileIn } from '../formats/paths.ts';
import { expectParameters } from '../model/load-parameters.ts';
import {
  type ModelDescription,
  type ModelDirectory,
  openModelDirectory,
  type OpenModelFile,
  tokenizerFileNames,
} from '../model/model-directory.ts';
import type { Loading } from '../results.ts';
import { baseDigest, type InputMark, type RunInputs } from '../run-folder/inputs.ts';
import { isSubsetFile, pathOfSubset } from '../selection/file.ts';
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

/** Whoever is told how far reading has come. */
export interface LoadingWatch {
  /**
   * A stage begins.
   *
   * @param of Bytes that it will read.
   */
  begin(stage: Loading['stage'], of: number): void;
}

/** SHA-256 of a whole source, read in pieces. */
export async function digestOfSource(source: ByteSource): Promise<string> {
  const digest = createDigest();
  for (let at = 0; at < source.size; at += PIECE) {
    digest.update(await source.slice(at, Math.min(source.size, at + PIECE)));
  }
  return digest.hex();
}

/**
 * Opens the files and the model that a config names.
 *
 * @param options.begunWith What the folder of a run that goes on records: the files must be the same.
 * @param options.watch Is told of each stage before it reads.
 * @throws ConfigError if a file is missing; the errors of `openModelDirectory` and
 *   `expectParameters`.
 * @throws CheckpointError naming the file that has changed since the run began.
 */
export async function openGivenInputs(
  config: ExperimentConfig,
  files: InputFiles,
  options: { readonly begunWith?: RunInputs | undefined; readonly watch?: LoadingWatch } = {},
): Promise<GivenInputs> {
  const { begunWith, watch } = options;
  const digests = new Digests();
  if (begunWith) await expectUnchanged(files, begunWith, digests, watch);
  const named: (readonly [path: string, source: ByteSource])[] = [];
  const subsets = config.experiment.methods.filter(isSubsetFile).map(pathOfSubset);
  const taught = [...taughtFilesOf(config).values()];
  for (const path of new Set([...filesOf(config.task), ...subsets, ...taught])) {
    const source = await files.open(path);
    if (!source) {
      const field = [...subsets, ...taught].includes(path) ? 'experiment.methods' : 'task';
      throw new ConfigError(`${field}: ${path} does not exist`);
    }
    named.push([path, source]);
  }
  const marks = async (): Promise<InputMark[]> => {
    const found: InputMark[] = [];
    for (const [path, source] of named) {
      found.push({ path, size: source.size, sha256: await digests.of(path, source) });
    }
    return found;
  };
  if (!startsFromFolder(config)) {
    return {
      record: { inputs: await marks(), base: undefined },
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
  const sources = [...named.map(([, source]) => source), ...opened.values()];
  if (!begunWith) watch?.begin('check', sizeOf(sources));
  const inputs = await marks();
  const found: [string, string][] = [];
  for (const [name, source] of opened) {
    found.push([name, await digests.of(fileIn(id, name), source)]);
  }
  found.sort(([a], [b]) => (a < b ? -1 : 1));
  const base = { id, files: Object.fromEntries(found) };
  const weights = [...opened.values()].filter(({ name }) => name.endsWith('.safetensors'));
  return {
    record: { inputs, base },
    resources: { files, model: taskModelOf(directory) },
    given: {
      directory: watch
        ? { ...directory, read: watchedRead(directory, watch, sizeOf(weights)) }
        : directory,
      openFile,
      digest: baseDigest(base),
    },
    notes: directory.notes.map((note) => `note: ${id}: ${note}`),
  };
}

const sizeOf = (sources: Iterable<ByteSource>): number => {
  let sum = 0;
  for (const { size } of sources) sum += size;
  return sum;
};

/** Digests by path, each computed once. */
class Digests {
  readonly #known = new Map<string, Promise<string>>();

  of(path: string, source: ByteSource): Promise<string> {
    let digest = this.#known.get(path);
    if (!digest) {
      digest = digestOfSource(source);
      this.#known.set(path, digest);
    }
    return digest;
  }
}

/** Reads tensors, and tells when a network begins to read them: at numbers that it has read before. */
function watchedRead(
  directory: ModelDirectory,
  watch: LoadingWatch,
  of: number,
): ModelDirectory['read'] {
  const seen = new Set<string>();
  return (name, range) => {
    const piece = `${name} ${range?.first ?? 0}`;
    if (seen.size === 0 || seen.has(piece)) {
      seen.clear();
      watch.begin('weights', of);
    }
    seen.add(piece);
    return directory.read(name, range);
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

async function expectUnchanged(
  files: InputFiles,
  { inputs, base }: RunInputs,
  digests: Digests,
  watch: LoadingWatch | undefined,
): Promise<void> {
  const recorded = [
    ...inputs.map(({ path, sha256 }) => [path, sha256] as const),
    ...Object.entries(base?.files ?? {}).map(
      ([name, sha256]) => [fileIn(base?.id ?? '', name), sha256] as const,
    ),
  ];
  const opened: (readonly [path: string, sha256: string, source: ByteSource])[] = [];
  for (const [path, sha256] of recorded) {
    const source = await files.open(path);
    if (!source) throw new CheckpointError(`${path} is missing, which the run began with`);
    opened.push([path, sha256, source]);
  }
  if (opened.length > 0) watch?.begin('check', sizeOf(opened.map(([, , source]) => source)));
  for (const [path, sha256, source] of opened) {
    const now = await digests.of(path, source);
    if (now === sha256) continue;
    throw new CheckpointError(
      `${path} has changed since the run began (SHA-256 ${sha256.slice(0, 12)}…, now ${now.slice(0, 12)}…): ` +
        'a run goes on only with the files that it began with',
    );
  }
}
