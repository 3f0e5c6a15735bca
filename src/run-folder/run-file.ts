import { ConfigError } from '../config-error.ts';
import { configHash, parseStoredConfig, type ExperimentConfig } from '../config.ts';
import { digestOf } from '../formats/digest.ts';
import { fieldOf, isRecord } from '../formats/json.ts';
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
}

/** SHA-256 over config and seeds, with fields in the order of the file. */
const digestOfRun = (config: unknown, seeds: unknown): string =>
  digestOf(JSON.stringify([config, seeds]));

/**
 * The text of a run's `config.json`.
 *
 * @param inputs The files that the config names.
 */
export async function runFileText(
  config: ExperimentConfig,
  seeds: readonly number[],
  inputs: RunInputs = noInputs,
): Promise<string> {
  const digest = digestOfRun(config, seeds);
  const hash = await configHash(config, digestsOf(inputs));
  const file = { schema: 1, config, configHash: hash, seeds, digest };
  return `${JSON.stringify(file, null, 2)}\n`;
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
  const whole = digest === undefined || digest === digestOfRun(found, seeds);
  if (!whole || fieldOf(value, 'configHash') !== hash) {
    throw new ConfigError(
      `${where} is damaged or was edited: it does not hold the run that was started; ` +
        'a run with other settings needs a folder of its own',
    );
  }
  return { schema: 1, config, configHash: hash, seeds };
}

const isSeedList = (value: unknown): value is number[] =>
  Array.isArray(value) && value.length > 0 && value.every(isSeed);

const isSeed = (value: unknown): boolean =>
  typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= 0xffff_ffff;
