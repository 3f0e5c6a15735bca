import type { FolderExperimentConfig } from '../config.ts';
import { planOf } from '../model/adapters.ts';
import { adapterFiles } from '../model/hugging-face/peft.ts';
import { parameterLayout, parameterNames } from '../model/parameters.ts';
import { type FilePieces, modelDirectoryPieces, tensorToSave } from '../model/save-model.ts';
import type { GivenModel } from './base.ts';

/** The files of what a run has trained. */
export interface TrainedFiles {
  readonly folder: 'adapter' | 'model';
  /** In the order to write them, by name. */
  readonly files: ReadonlyMap<string, FilePieces>;
}

/**
 * The files of a trained network: adapters in PEFT's layout, or a model folder with the tokenizer of
 * the model that it began as.
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
  const tensors = parameterNames(parameterLayout(config, 'lm')).map(({ name, shape }) =>
    tensorToSave({ name, shape, data: parameters.get(name) ?? new Float32Array(0) }, 'F32'),
  );
  return {
    folder: 'model',
    files: await modelDirectoryPieces(config, tensors, { tokenizerFrom: openFile }),
  };
}
