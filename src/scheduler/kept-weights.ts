// The weights that a run's folder keeps: the base and what every method has trained, each a folder
// that other programs read too.
import { type ExperimentConfig, startsFromFolder } from '../config.ts';
import { readSafetensors, toFloat32 } from '../formats/safetensors.ts';
import { InspectionError } from '../inspection/calls.ts';
import type { ModelConfig } from '../model/config.ts';
import { readAdapter } from '../model/hugging-face/peft.ts';
import { expectParameters } from '../model/load-parameters.ts';
import { openModelDirectory, type OpenModelFile } from '../model/model-directory.ts';
import {
  heldParameters,
  parameterLayout,
  parameterNames,
  type ParameterSource,
} from '../model/parameters.ts';
import { BASE_MODEL, CRITIC, trainedFolder } from '../run-folder/names.ts';
import type { MethodName } from '../selection/methods.ts';
import type { Text } from '../tasks/text.ts';
import type { Base, GivenModel } from './base.ts';
import { findBase } from './base-file.ts';
import type { ExperimentHost } from './experiment-host.ts';
import type { MethodPlace, MethodTools } from './method-stage.ts';
import type { RunArchive } from './run-archive.ts';
import type { RunStore } from './run-store.ts';
import { drawnModelFiles, trainedFiles } from './trained-files.ts';

/** Whether a run keeps weights. */
const keeps = (
  { given, keepWeights = true }: Pick<ExperimentHost, 'given' | 'keepWeights'>,
  { experiment }: ExperimentConfig,
): boolean => experiment.keepWeights ?? (given !== undefined || keepWeights);

/** What a base is kept with. */
interface BaseKeeping {
  readonly host: Pick<ExperimentHost, 'given' | 'keepWeights'>;
  readonly config: ExperimentConfig;
  readonly model: ModelConfig;
  readonly text: Pick<Text, 'alphabet'>;
  readonly archive: RunArchive;
  readonly base: Base;
}

/** Writes the model folder of a drawn base; a given model stays where it is. */
export async function keepBase(of: BaseKeeping): Promise<void> {
  const { host, config, model, text, archive, base } = of;
  if (!base.numbers || !keeps(host, config)) return;
  const files = await drawnModelFiles(model, text, { actor: base.numbers });
  await archive.writeTrained(BASE_MODEL, files);
}

/** Writes what a method has trained. */
export async function keepTrained(
  { host, config, task, seeds, archive, buffers }: MethodTools,
  { pool: { seed }, method }: MethodPlace,
): Promise<void> {
  if (!keeps(host, config)) return;
  const { trainer } = buffers.current;
  const actor = await trainer.actor.weights.read();
  if (host.given && startsFromFolder(config)) {
    const { folder, files } = await trainedFiles(config, host.given, actor);
    await archive.writeTrained(trainedFolder(folder, method, seed, seeds), files);
    return;
  }
  const critic = await trainer.critic?.weights.read();
  const { config: model } = trainer.actor.weights.layout;
  const files = await drawnModelFiles(model, task.text, { actor, critic });
  await archive.writeTrained(trainedFolder('model', method, seed, seeds), files);
}

/** Weights of a run's folder. */
export interface KeptWeights {
  /** What a network is loaded from: a model, or its adapters. */
  readonly actor: ParameterSource;
  /** Undefined where no value function is kept. */
  readonly critic: ParameterSource | undefined;
}

/** Weights to look for. */
export interface WeightsPlace {
  readonly config: ExperimentConfig;
  /** The shape that the weights must have. */
  readonly model: ModelConfig;
  /** The base, or what a method has trained. */
  readonly of: 'base' | MethodName;
  readonly seed: number;
  readonly seeds: readonly number[];
}

/**
 * Reads weights that a run's folder keeps. The files are hostile: their shapes must be those of the
 * run's model, and nothing is allocated before they are.
 *
 * @returns Undefined if the folder does not keep them.
 * @throws ConfigError, SafetensorsError or FormatError naming the file; RangeError for a seed that is
 *   none of the run's.
 */
export async function readKeptWeights(
  store: RunStore,
  { config, model, of, seed, seeds }: WeightsPlace,
): Promise<KeptWeights | undefined> {
  const { adapter } = config;
  const what = adapter ? 'adapter' : 'model';
  const folder = of === 'base' ? BASE_MODEL : trainedFolder(what, of, seed, seeds);
  const openFile: OpenModelFile = async (name) => {
    const path = `${folder}/${name}`;
    const size = await store.size(path);
    if (size === undefined) return undefined;
    return { name: path, size, slice: (start, end) => store.slice(path, start, end) };
  };
  // The last file to be written.
  const whole = adapter && of !== 'base' ? 'adapter_config.json' : 'config.json';
  if (!(await openFile(whole))) return undefined;
  if (adapter && of !== 'base') {
    const { tensors } = await readAdapter(openFile, model, folder, { head: 'lm' });
    return { actor: heldParameters(tensors), critic: undefined };
  }
  const directory = await openModelDirectory(openFile, folder);
  await expectParameters({ ...directory, config: model }, 'lm');
  return { actor: directory, critic: await readCritic(openFile, model) };
}

/**
 * The base that a run's models are compared with: the given model, the one that its folder keeps, or one
 * that ships.
 *
 * @param bases Safetensors files of trained bases.
 * @throws InspectionError if there is none; as `readKeptWeights`.
 */
export async function baseToAsk(
  store: RunStore,
  place: Omit<WeightsPlace, 'of'>,
  from: { readonly given: GivenModel | undefined; readonly bases: readonly Uint8Array[] },
): Promise<ParameterSource> {
  if (from.given) return from.given.directory;
  const kept = await readKeptWeights(store, { ...place, of: 'base' });
  if (kept) return kept.actor;
  const shipped = findBase(from.bases, place.config);
  if (shipped) return heldParameters(shipped.numbers());
  throw new InspectionError('weights: the folder of the run keeps no base');
}

async function readCritic(
  openFile: OpenModelFile,
  model: ModelConfig,
): Promise<ParameterSource | undefined> {
  const source = await openFile(CRITIC);
  if (!source) return undefined;
  const { count, stored } = parameterLayout(model, 'value');
  // Names and shapes take far less than a hundred words each.
  const most = 4 * count + 4096 * (stored.length + 1);
  if (source.size > most) {
    throw new RangeError(
      `${source.name}: ${source.size} bytes, more than the ${most} of its model`,
    );
  }
  const { tensors } = readSafetensors(await source.slice(0, source.size), source.name);
  const held = new Map<string, Float32Array>();
  for (const { name } of parameterNames(parameterLayout(model, 'value'))) {
    const entry = tensors.get(name);
    if (entry) held.set(name, toFloat32(entry, source.name));
  }
  return heldParameters(held);
}
