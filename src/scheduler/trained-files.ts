import type { ExperimentConfig } from '../config.ts';
import { modelDirectoryFiles } from '../model/model-directory.ts';
import { parameterLayout, parameterNames } from '../model/parameters.ts';
import type { GivenModel } from './base.ts';

/** The files of what a run has trained. */
export interface TrainedFiles {
  readonly folder: 'adapter' | 'model';
  /** In the order to write them, by name. */
  readonly files: ReadonlyMap<string, Uint8Array>;
}

/**
 * The files of a trained network: a model folder, with the tokenizer of the model that it began as.
 *
 * @param parameters By their names in files.
 */
export async function trainedFiles(
  _config: ExperimentConfig,
  { directory, openFile }: GivenModel,
  parameters: ReadonlyMap<string, Float32Array>,
): Promise<TrainedFiles> {
  const { config: model } = directory;
  const weights = parameterNames(parameterLayout(model, 'lm')).map(({ name, shape }) => ({
    name,
    shape,
    data: parameters.get(name) ?? new Float32Array(0),
  }));
  const files = await modelDirectoryFiles(model, weights, { tokenizerFrom: openFile });
  return { folder: 'model', files };
}
