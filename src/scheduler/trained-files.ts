import type { FolderExperimentConfig } from '../config.ts';
import { bytesSource } from '../formats/byte-source.ts';
import { characterTokenizerJson } from '../formats/character-tokenizer.ts';
import { jsonText } from '../formats/json.ts';
import { float32Entry, writeSafetensors } from '../formats/safetensors.ts';
import { planOf } from '../model/adapters.ts';
import type { ModelConfig } from '../model/config.ts';
import { adapterFiles } from '../model/hugging-face/peft.ts';
import type { OpenModelFile } from '../model/model-directory.ts';
import { type Head, parameterLayout, parameterNames } from '../model/parameters.ts';
import { type FilePieces, modelDirectoryPieces, tensorToSave } from '../model/save-model.ts';
import { CRITIC } from '../run-folder/names.ts';
import type { Text } from '../tasks/text.ts';
import type { GivenModel } from './base.ts';

/** The files of what a run has trained. */
export interface TrainedFiles {
  readonly folder: 'adapter' | 'model';
  /** In the order to write them, by name. */
  readonly files: ReadonlyMap<string, FilePieces>;
}

/**
 * The files of what was trained of a given model: adapters in PEFT's layout, or a model folder with the
 * tokenizer of the model that it began as.
 *
 * @param parameters The trained parameters by their names in files.
 */
export async function trainedFiles(
  { adapter, model: { path } }: FolderExperimentConfig,
  { directory, openFile }: GivenModel,
  parameters: ReadonlyMap<string, Float32Array>,
): Promise<TrainedFiles> {
  const { config } = directory;
  if (adapter) {
    const { rank, alpha, rslora = false } = adapter;
    const numbers = { rank, alpha, rslora };
    const plan = planOf(adapter, config);
    const files = adapterFiles(config, plan, parameters, { baseName: path, numbers });
    return { folder: 'adapter', files };
  }
  return { folder: 'model', files: await modelFiles(config, parameters, openFile) };
}

/**
 * The files of a drawn model: a model folder, with a tokenizer where every token of the task is a
 * character.
 *
 * @param networks.actor The model's parameters by their names in files.
 * @param networks.critic Those of its value function, for a file beside the model's; none for the base,
 *   and where the estimator has no critic.
 */
export async function drawnModelFiles(
  config: ModelConfig,
  { alphabet }: Pick<Text, 'alphabet'>,
  networks: {
    readonly actor: ReadonlyMap<string, Float32Array>;
    readonly critic?: ReadonlyMap<string, Float32Array> | undefined;
  },
): Promise<ReadonlyMap<string, FilePieces>> {
  const files = new Map<string, FilePieces>();
  const { actor, critic } = networks;
  if (critic) files.set(CRITIC, criticFile(config, critic));
  const tokenizer = alphabet === undefined ? undefined : jsonText(characterTokenizerJson(alphabet));
  const openFile: OpenModelFile = (name) =>
    Promise.resolve(
      tokenizer !== undefined && name === 'tokenizer.json'
        ? bytesSource(name, new TextEncoder().encode(tokenizer))
        : undefined,
    );
  // The model's config.json stays the last file: a folder that has one is complete.
  for (const [name, content] of await modelFiles(config, actor, openFile)) files.set(name, content);
  return files;
}

const modelFiles = (
  config: ModelConfig,
  parameters: ReadonlyMap<string, Float32Array>,
  tokenizerFrom: OpenModelFile,
): Promise<Map<string, FilePieces>> =>
  modelDirectoryPieces(
    config,
    namedParameters(config, 'lm', parameters).map((own) => tensorToSave(own, 'F32')),
    { tokenizerFrom },
  );

const criticFile = (
  config: ModelConfig,
  parameters: ReadonlyMap<string, Float32Array>,
): Uint8Array =>
  writeSafetensors(
    namedParameters(config, 'value', parameters).map(({ name, shape, data }) =>
      float32Entry(name, shape, data),
    ),
    { format: 'pt' },
  );

const namedParameters = (
  config: ModelConfig,
  head: Head,
  parameters: ReadonlyMap<string, Float32Array>,
) =>
  parameterNames(parameterLayout(config, head)).map(({ name, shape }) => ({
    name,
    shape,
    data: parameters.get(name) ?? new Float32Array(0),
  }));
