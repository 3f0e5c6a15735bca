import { bytesSource } from '../formats/byte-source.ts';
import { characterTokenizerJson } from '../formats/character-tokenizer.ts';
import { jsonText } from '../formats/json.ts';
import { float32Entry, safetensorsPieces } from '../formats/safetensors.ts';
import { planOf } from '../model/adapters.ts';
import type { ModelConfig } from '../model/config.ts';
import { adapterFiles } from '../model/hugging-face/peft.ts';
import type { OpenModelFile } from '../model/model-directory.ts';
import { type ParameterLayout, parameterLayout, parameterNames } from '../model/parameters.ts';
import { type FilePieces, modelDirectoryPieces, tensorToSave } from '../model/save-model.ts';
import type { Text } from '../tasks/text.ts';
import type { AdapterSpec } from '../vocabulary/adapters.ts';

/** The model that a training began with, as its files tell it. */
export interface TrainedFrom {
  readonly config: ModelConfig;
  /** Its path in the run's config; null for a model that was drawn. */
  readonly path: string | null;
  /** Opens the files of its tokenizer. */
  readonly openFile: OpenModelFile;
}

/**
 * The files of what was trained: adapters in PEFT's layout, or a model folder with the tokenizer of the
 * model that it began as.
 *
 * @param parameters The trained parameters by their names in files.
 * @returns In the order to write them, by name.
 */
export async function trainedFiles(
  adapter: AdapterSpec | null | undefined,
  { config, path, openFile }: TrainedFrom,
  parameters: ReadonlyMap<string, Float32Array>,
): Promise<ReadonlyMap<string, FilePieces>> {
  if (!adapter) return modelFiles(config, parameters, openFile);
  const { rank, alpha, rslora = false } = adapter;
  const numbers = { rank, alpha, rslora };
  return adapterFiles(config, planOf(adapter, config), parameters, { baseName: path, numbers });
}

/** A drawn model: its tokenizer is there where every token of the task is a character. */
export function drawnModel(config: ModelConfig, { alphabet }: Pick<Text, 'alphabet'>): TrainedFrom {
  const tokenizer = alphabet === undefined ? undefined : jsonText(characterTokenizerJson(alphabet));
  const openFile: OpenModelFile = (name) =>
    Promise.resolve(
      tokenizer !== undefined && name === 'tokenizer.json'
        ? bytesSource(name, new TextEncoder().encode(tokenizer))
        : undefined,
    );
  return { config, path: null, openFile };
}

const modelFiles = (
  config: ModelConfig,
  parameters: ReadonlyMap<string, Float32Array>,
  tokenizerFrom: OpenModelFile,
): Promise<Map<string, FilePieces>> =>
  modelDirectoryPieces(
    config,
    namedParameters(parameterLayout(config, 'lm'), parameters).map((own) =>
      tensorToSave(own, 'F32'),
    ),
    { tokenizerFrom },
  );

/**
 * The file of a trained value function: a whole model with its head, or its adapters and the head.
 *
 * @param parameters The trained parameters by their names in files.
 */
export const criticFile = (
  layout: ParameterLayout,
  parameters: ReadonlyMap<string, Float32Array>,
): readonly Uint8Array[] =>
  safetensorsPieces(
    namedParameters(layout, parameters).map(({ name, shape, data }) =>
      float32Entry(name, shape, data),
    ),
    { format: 'pt' },
  );

const namedParameters = (layout: ParameterLayout, parameters: ReadonlyMap<string, Float32Array>) =>
  parameterNames(layout).map(({ name, shape }) => ({
    name,
    shape,
    data: parameters.get(name) ?? new Float32Array(0),
  }));
