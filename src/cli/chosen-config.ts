import { configFrom, type ExperimentConfig } from '../config.ts';
import { fieldOf, isRecord } from '../formats/json.ts';
import { UsageError } from './arguments.ts';
import { readJson } from './json-file.ts';
import { system } from './system.ts';

/** A config has some hundred fields; larger files hold something else. */
const MOST_BYTES = 2 ** 20;

/** A JSON file of a config's size. @throws UsageError or FormatError as `readJson`. */
export const readConfigFile = (file: string): Promise<unknown> => readJson(file, MOST_BYTES);

/**
 * The config that a file and a preset make together: the file's fields over those of the preset,
 * which is the one asked for, else the one that the file names, else `quick`. Settings that another
 * kind of task changed are named on stderr.
 *
 * @param where What errors call it where there is no file.
 * @param methods In place of the file's `experiment.methods`.
 * @throws UsageError, ConfigError or FormatError naming file and field.
 */
export async function chosenConfig(
  where: string,
  file: string | undefined,
  preset?: string,
  methods?: readonly string[],
): Promise<ExperimentConfig> {
  const name = file ?? where;
  const given = file === undefined ? {} : await readConfigFile(file);
  if (!isRecord(given)) throw new UsageError(`${name}: must hold an object`);
  const named = fieldOf(given, 'preset');
  const chosen = preset ?? (typeof named === 'string' ? named : 'quick');
  // A preset that is no text is refused where its field is checked.
  const own = typeof named === 'string' ? { ...given, preset: chosen } : given;
  const experiment = fieldOf(own, 'experiment');
  const asked =
    methods && (experiment === undefined || isRecord(experiment))
      ? { ...own, experiment: { ...experiment, methods } }
      : own;
  const told: string[] = [];
  const config = configFrom(chosen, asked, name, (text) => told.push(text));
  const host = await system();
  for (const text of told) await host.stderr(`${name}: ${text}\n`);
  return config;
}
