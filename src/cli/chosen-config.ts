import { configFrom, type ExperimentConfig } from '../config.ts';
import { UsageError } from './arguments.ts';
import { readJson } from './json-file.ts';

/**
 * The config that a file and a preset make together: the file's fields over those of the preset,
 * which is the one asked for, else the one that the file names, else `quick`.
 *
 * @param where What errors call it where there is no file.
 * @throws UsageError, ConfigError or FormatError naming file and field.
 */
export async function chosenConfig(
  where: string,
  file: string | undefined,
  preset?: string,
): Promise<ExperimentConfig> {
  if (file === undefined) return configFrom(preset ?? 'quick', undefined, where);
  const given = await readJson(file);
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    throw new UsageError(`${file}: must hold an object`);
  }
  const { preset: named } = given as { preset?: unknown };
  const chosen = preset ?? (typeof named === 'string' ? named : 'quick');
  // A preset that is no text is refused where its field is checked.
  const own = typeof named === 'string' ? { ...given, preset: chosen } : given;
  return configFrom(chosen, own, file);
}
