import { ConfigError } from '../config-error.ts';
import { configHash, parseStoredConfig, type ExperimentConfig } from '../config.ts';
import { digestOf } from '../formats/digest.ts';
import { fieldOf, isRecord, jsonText } from '../formats/json.ts';
import { digestsOf, noInputs, type RunInputs } from './inputs.ts';

/** The content of `config.json`: how the run was started. A resume reads it again. */
export interface RunFile {
  readonly schema: 1;
  readonly config: ExperimentConfig;
  /**
   * Hash of the config exactly as in the file, where a later version may add settings when it reads
   * the file. Files that the config names count by their content.
   */
  readonly configHash: string;
  readonly seeds: readonly number[];
  /**
   * Bytes of GPU buffers that the run may take; absent if nothing limits it. A resume lays the run
   * out within the same bytes.
   */
  readonly memory?: number;
}

/** SHA-256 over config, seeds and memory if there is one, with fields in the order of the file. */
const digestOfRun = (config: unknown, seeds: unknown, memory: unknown): string =>
  digestOf(JSON.stringify(memory === undefined ? [config, seeds] : [config, seeds, memory]));

/**
 * The text of a run's `config.json`.
 *
 * @param options.inputs The files that the config names.
 * @param options.memory See `RunFile`.
 */
export async function runFileText(
  config: ExperimentConfig,
  seeds: readonly number[],
  options: { readonly inputs?: RunInputs; readonly memory?: number | undefined } = {},
): Promise<string> {
  const { inputs = noInputs, memory } = options;
  const digest = digestOfRun(config, seeds, memory);
  const hash = await configHash(config, digestsOf(inputs));
  const limit = memory === undefined ? {} : { memory };
  const file = { schema: 1, config, configHash: hash, seeds, ...limit, digest };
  return jsonText(file);
}

/**
 * Parses a run's `config.json`, and checks that it is unchanged since it was written.
 *
 * @param where The file, for messages.
 * @param inputs What the folder records of the files that the config names.
 * @throws ConfigError naming file and field.
 */
export async function parseRunFile(
  value: unknown,
  where: string,
  inputs: RunInputs = noInputs,
): Promise<RunFile> {
  if (!isRecord(value) || fieldOf(value, 'schema') !== 1) {
    throw new ConfigError(`${where}: schema must be 1`);
  }
  const [found, seeds] = [fieldOf(value, 'config'), fieldOf(value, 'seeds')];
  const config = parseStoredConfig(found, where);
  if (!isSeedList(seeds)) {
    throw new ConfigError(`${where}: seeds must be a list of whole numbers`);
  }
  const hash = await configHash(found as ExperimentConfig, digestsOf(inputs));
  // Version 0.1.0 wrote no digest.
  const digest = fieldOf(value, 'digest');
  const memory = fieldOf(value, 'memory');
  const whole = digest === undefined || digest === digestOfRun(found, seeds, memory);
  if (!whole || fieldOf(value, 'configHash') !== hash) {
    throw new ConfigError(
      `${where} is damaged or was edited: it does not hold the run that was started; ` +
        'a run with other settings needs a folder of its own',
    );
  }
  if (memory === undefined) return { schema: 1, config, configHash: hash, seeds };
  if (typeof memory !== 'number' || !Number.isSafeInteger(memory) || memory < 1) {
    throw new ConfigError(`${where}: memory must be a whole number of bytes`);
  }
  return { schema: 1, config, configHash: hash, seeds, memory };
}

const isSeedList = (value: unknown): value is number[] =>
  Array.isArray(value) && value.length > 0 && value.every(isSeed);

const isSeed = (value: unknown): boolean =>
  typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= 0xffff_ffff;
