import { type DrawnExperimentConfig, type ExperimentConfig, startsDrawn } from '../config.ts';
import {
  float32Entry,
  readSafetensors,
  type SafetensorsFile,
  toFloat32,
  writeSafetensors,
} from '../formats/safetensors.ts';
import { corpusOf } from '../tasks/registry.ts';

/** The metadata field that names the experiments which start from a base. */
const IDENTITY = 'identity';

/**
 * Everything that a base depends on, as canonical text: model, pre-training and corpus, but not the
 * pool. Experiments with the same text start from the same base.
 */
export function baseIdentity({ task, model, base }: DrawnExperimentConfig): string {
  return JSON.stringify({ corpus: corpusOf(task), model, base });
}

/**
 * A pre-trained base as a safetensors file, for `findBase`.
 *
 * @param numbers The base's parameters by Hugging Face names.
 * @param adapter The adapter that computed them.
 */
export function baseFile(
  config: DrawnExperimentConfig,
  numbers: ReadonlyMap<string, Float32Array>,
  adapter: string,
): Uint8Array {
  const entries = [...numbers].map(([name, data]) => float32Entry(name, [data.length], data));
  return writeSafetensors(entries, { [IDENTITY]: baseIdentity(config), adapter });
}

/** A base that was found among files. */
export interface FoundBase {
  /** Its parameters by Hugging Face names; converted at the call. */
  numbers(): ReadonlyMap<string, Float32Array>;
}

/**
 * Finds the base that an experiment starts from.
 *
 * @param files Safetensors files of pre-trained bases.
 * @returns Undefined if none of them is the config's base, or if the config names a model.
 * @throws SafetensorsError if a file is damaged; it names the file by its place among the files.
 */
export function findBase(
  files: readonly Uint8Array[],
  config: ExperimentConfig,
): FoundBase | undefined {
  if (!startsDrawn(config)) return undefined;
  const identity = baseIdentity(config);
  for (const [i, bytes] of files.entries()) {
    const where = `base ${i}`;
    const file = readSafetensors(bytes, where);
    if (file.metadata.get(IDENTITY) === identity) {
      return { numbers: () => numbersIn(file, where) };
    }
  }
  return undefined;
}

const numbersIn = ({ tensors }: SafetensorsFile, where: string): Map<string, Float32Array> =>
  new Map([...tensors].map(([name, entry]) => [name, toFloat32(entry, where)]));
