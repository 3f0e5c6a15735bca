// The weights that a run's folder keeps: the base and what every method has trained, each a folder
// that other programs read too.
import { type ExperimentConfig, startsFromFolder } from '../config.ts';
import { shorten } from '../formats/json.ts';
import { openSafetensors } from '../formats/safetensors-source.ts';
import { SafetensorsError, toFloat32 } from '../formats/safetensors.ts';
import { InspectionError } from '../inspection/calls.ts';
import { adapterLayout, planOf } from '../model/adapters.ts';
import type { ModelConfig } from '../model/config.ts';
import { readAdapter } from '../model/hugging-face/peft.ts';
import { expectParameters } from '../model/load-parameters.ts';
import { openModelDirectory, type OpenModelFile } from '../model/model-directory.ts';
import { heldParameters, type ParameterSource } from '../model/parameter-source.ts';
import { type ParameterLayout, parameterLayout, parameterNames } from '../model/parameters.ts';
import { BASE_MODEL, CRITIC, trainedFolder } from '../run-folder/names.ts';
import { isSupervised, type MethodName } from '../selection/methods.ts';
import type { Text } from '../tasks/text.ts';
import type { Base, GivenModel } from './base.ts';
import { findBase } from './base-file.ts';
import type { ExperimentHost } from './experiment-host.ts';
import type { MethodPlace, MethodTools } from './method-stage.ts';
import type { RunArchive } from './run-archive.ts';
import type { RunStore } from './run-store.ts';
import { criticFile, drawnModel, trainedFiles } from './trained-files.ts';

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
  const files = await trainedFiles(undefined, drawnModel(model, text), base.numbers);
  await archive.writeTrained(BASE_MODEL, files);
}

/**
 * Writes what a method has trained: the value function first, so that a folder whose last file is there
 * has both, and only one of the two is in memory at a time.
 */
export async function keepTrained(
  { host, config, task, seeds, archive, buffers }: MethodTools,
  { pool: { seed }, method }: MethodPlace,
): Promise<void> {
  if (!keeps(host, config)) return;
  const { actor, critic } = buffers.current.trainer;
  const what = config.adapter ? 'adapter' : 'model';
  const folder = trainedFolder(what, method, seed, seeds);
  // A supervised method trains no value function.
  if (critic && !isSupervised(method)) {
    const { weights } = critic;
    const file = criticFile(weights.layout, await weights.read());
    await archive.writeTrained(folder, new Map([[CRITIC, file]]));
  }
  const { given } = host;
  const from =
    given && startsFromFolder(config)
      ? { config: given.directory.config, path: config.model.path, openFile: given.openFile }
      : drawnModel(actor.weights.layout.config, task.text);
  const parameters = await actor.weights.read();
  await archive.writeTrained(folder, await trainedFiles(config.adapter, from, parameters));
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
    const layout = adapterLayout(model, planOf(adapter, model), { head: 'value' });
    return { actor: heldParameters(tensors), critic: await readCritic(openFile, layout) };
  }
  const directory = await openModelDirectory(openFile, folder);
  await expectParameters({ ...directory, config: model }, 'lm');
  const critic = await readCritic(openFile, parameterLayout(model, 'value'));
  return { actor: finite(directory, folder), critic };
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

/** @throws SafetensorsError unless the file holds exactly the parameters of a layout. */
async function readCritic(
  openFile: OpenModelFile,
  layout: ParameterLayout,
): Promise<ParameterSource | undefined> {
  const source = await openFile(CRITIC);
  if (!source) return undefined;
  const file = await openSafetensors(source);
  const shapes = new Map(parameterNames(layout).map(({ name, shape }) => [name, shape]));
  for (const [name, { shape }] of file.slots) {
    const wanted = shapes.get(name);
    if (wanted?.join() === shape.join()) continue;
    const why = wanted
      ? `must be (${wanted.join(', ')}), is (${shape.join(', ')})`
      : 'is no part of the value function';
    throw new SafetensorsError(`${file.name}: tensor '${shorten(name)}' ${why}`);
  }
  for (const name of shapes.keys()) {
    if (!file.slots.has(name)) throw new SafetensorsError(`${file.name}: no tensor '${name}'`);
  }
  const read: ParameterSource['read'] = async (name, range) =>
    toFloat32(await file.read(name, range), file.name);
  return finite({ read }, file.name);
}

/** The same parameters, of which one that no model can compute with is refused when it is read. */
const finite = (of: ParameterSource, where: string): ParameterSource => ({
  async read(name, range) {
    const data = await of.read(name, range);
    const bad = data.find((value) => !Number.isFinite(value));
    if (bad === undefined) return data;
    throw new SafetensorsError(`${where}: tensor '${name}' holds ${bad}`);
  },
});
