import { ConfigError } from '../config-error.ts';
import type { ExperimentConfig } from '../config.ts';
import { parseJson } from '../formats/json.ts';
import { FormatError } from '../formats/format-error.ts';
import type { PromptCompletions } from '../results.ts';
import { readInputs } from '../run-folder/inputs.ts';
import {
  completionsFile,
  CONFIG,
  EVENTS,
  INPUTS,
  BASE,
  LABEL,
  LEFT_OUT,
  METRICS,
  methodCompletionsFile,
  RESULTS,
  seedFiles,
  trainedFolder,
  BASE_MODEL,
  CRITIC,
} from '../run-folder/names.ts';
import { noLabel, parseLabel, type RunLabel } from '../run-folder/label.ts';
import { parseRunFile, type RunFile } from '../run-folder/run-file.ts';
import { trainingOrder } from '../run-plan.ts';
import { SeedCompletions } from '../scheduler/completion-log.ts';
import { MemoryStore } from '../scheduler/run-store.ts';
import type { MethodName } from '../selection/methods.ts';

/** The files of a bundle, by their paths in the run's folder. */
export interface BundledFiles {
  /** All but weights. */
  readonly plain: ReadonlyMap<string, Uint8Array>;
  readonly weights: ReadonlyMap<string, Blob>;
}

/** A run whose files are in memory. */
export interface BundledRun {
  readonly settings: Pick<RunFile, 'config' | 'seeds' | 'memory'>;
  readonly read: (path: string) => Promise<Uint8Array | undefined>;
  /** The responses of a method to a prompt of one seed; FULL's when the method is left out. */
  readonly completions: (
    seed: number,
  ) => Promise<(prompt: number, method?: MethodName) => PromptCompletions['epochs']>;
  readonly label: RunLabel;
  /** The files with which the trainer's worker opens the run to be asked. */
  readonly held: ReadonlyMap<string, Blob>;
}

/**
 * The run of an opened bundle.
 *
 * @param name Of the bundle, for messages.
 * @throws ConfigError or FormatError naming bundle, file and field.
 */
export async function openBundledRun(
  name: string,
  { plain, weights }: BundledFiles,
): Promise<BundledRun> {
  const store = new MemoryStore();
  for (const [path, bytes] of plain) await store.write(path, bytes);
  const text = async (path: string): Promise<string | undefined> => {
    const bytes = await store.read(path);
    return bytes && new TextDecoder().decode(bytes);
  };
  const where = `${name}/${CONFIG}`;
  const file = await text(CONFIG);
  if (file === undefined) throw new FormatError(`${where}: no such file`);
  const inputs = await readInputs(text, `${name}/`);
  const { config, seeds, memory } = await parseRunFile(parseJson(file, where), where, inputs);
  const written = await text(LABEL);
  return {
    label: written === undefined ? noLabel : parseLabel(written, `${name}/${LABEL}`),
    settings: { config, seeds, ...(memory === undefined ? {} : { memory }) },
    async read(path) {
      const file = weights.get(path);
      return file ? new Uint8Array(await file.arrayBuffer()) : store.read(path);
    },
    held: new Map([...blobsOf(plain), ...weights]),
    async completions(seed) {
      if (!seeds.includes(seed)) throw new ConfigError(`${where}: no seed ${seed}`);
      const kept = new SeedCompletions(config, seed);
      await kept.loadAll(store);
      return (prompt, method = 'full') => kept.of(method).of(prompt);
    },
  };
}

/** What says how the run was started. */
const blobsOf = (plain: ReadonlyMap<string, Uint8Array>): [string, Blob][] =>
  [CONFIG, INPUTS].flatMap((path) => {
    const bytes = plain.get(path);
    return bytes ? [[path, new Blob([bytes as Uint8Array<ArrayBuffer>])]] : [];
  });

/** Files of a model folder or of an adapter that a bundle may hold. */
const weightNames = [
  ...['adapter_config.json', 'adapter_model.safetensors', 'config.json', 'generation_config.json'],
  ...['model.safetensors', 'tokenizer.json', CRITIC],
];

/** Every path that a finished run may have, whether it has it or not; those of weights on demand. */
export function pathsOfRun(
  config: ExperimentConfig,
  seeds: readonly number[],
  { weights }: { readonly weights: boolean },
): string[] {
  const methods = trainingOrder(config);
  const paths = [CONFIG, INPUTS, BASE, LEFT_OUT, RESULTS, METRICS, EVENTS];
  for (const seed of seeds) {
    const names = seedFiles(seed, seeds);
    paths.push(names.rewards, names.scores);
    for (let epoch = 0; epoch < config.experiment.epochs; epoch++) {
      paths.push(completionsFile(seed, epoch));
    }
    for (const method of methods) {
      paths.push(names.subset(method), names.online(method));
      if (method !== 'full') paths.push(methodCompletionsFile(seed, method));
    }
  }
  if (!weights) return paths;
  const what = config.adapter ? 'adapter' : 'model';
  const folders = seeds.flatMap((seed) =>
    methods.map((method) => trainedFolder(what, method, seed, seeds)),
  );
  return [
    ...paths,
    ...[BASE_MODEL, ...folders].flatMap((folder) => weightNames.map((one) => `${folder}/${one}`)),
  ];
}
