import { configFrom, type ExperimentConfig, withConfigPaths } from '../config.ts';
import { fieldOf, isRecord, type JsonRecord } from '../formats/json.ts';
import { isModelId } from '../hub/model-id.ts';
import { PRETRAINED } from '../presets.ts';
import { recipePreset, recipes } from '../recipes.ts';
import { UsageError } from './arguments.ts';
import { readJson } from './json-file.ts';
import { modelFolder } from './model-files.ts';
import { system } from './system.ts';

/** A config has about a hundred fields; a larger file holds something else. */
const MOST_BYTES = 2 ** 20;

/** Reads a JSON file no larger than a config. @throws UsageError or FormatError as `readJson`. */
export const readConfigFile = (file: string): Promise<unknown> => readJson(file, MOST_BYTES);

/**
 * The config of a preset and a file; the file's fields replace the preset's. The preset is the
 * requested one, else the one that the file names, else `pretrained` for a model from a folder, and
 * else `quick`. Paths in the file are relative to the file's folder, and absolute in the result. The
 * command names on stderr each setting that another kind of task changed, and what a recipe does
 * otherwise.
 *
 * @param where Name for errors when there is no file.
 * @param methods Replace the file's `experiment.methods`.
 * @throws UsageError, ConfigError or FormatError naming file and field.
 */
export async function chosenConfig(
  where: string,
  file: string | undefined,
  preset?: string,
  methods?: readonly string[],
): Promise<ExperimentConfig> {
  const name = file ?? where;
  const read = file === undefined ? {} : await readConfigFile(file);
  if (!isRecord(read)) throw new UsageError(`${name}: must hold an object`);
  const given = await withModelFolder(read, name);
  const named = fieldOf(given, 'preset');
  const chosen = preset ?? (typeof named === 'string' ? named : usualPreset(given));
  // The field check refuses a preset that is not text.
  const own = typeof named === 'string' ? { ...given, preset: chosen } : given;
  const experiment = fieldOf(own, 'experiment');
  const asked =
    methods && (experiment === undefined || isRecord(experiment))
      ? { ...own, experiment: { ...experiment, methods } }
      : own;
  const told: string[] = [];
  const config = configFrom(chosen, asked, name, (text) => told.push(text), recipePreset);
  const host = await system();
  for (const text of told) await host.stderr(`${name}: ${text}\n`);
  const recipe = recipes.find((one) => one.name === config.preset);
  for (const text of recipe?.differs ?? []) {
    await host.stderr(`otherwise than in the recipe ${recipe?.label ?? ''}: ${text}\n`);
  }
  return absolutePaths(config, file);
}

/** A config with the folder of its model in place of `model.hf`, a model of the hub. */
async function withModelFolder(given: JsonRecord, where: string): Promise<JsonRecord> {
  const model = fieldOf(given, 'model');
  if (!isRecord(model) || fieldOf(model, 'kind') !== 'folder' || !Object.hasOwn(model, 'hf')) {
    return given;
  }
  const { hf, ...rest } = model;
  if (typeof hf !== 'string' || Object.hasOwn(rest, 'path')) {
    throw new UsageError(`${where}: model.hf: must be ORG/NAME[@REVISION], in place of model.path`);
  }
  const name = isModelId(hf) ? hf : `hf:${hf}`;
  const path = await modelFolder(name, { weights: true });
  return { ...given, model: { ...rest, path } };
}

/** The preset of a config that names none. */
function usualPreset(given: JsonRecord): string {
  const model = fieldOf(given, 'model');
  return isRecord(model) && fieldOf(model, 'kind') === 'folder' ? PRETRAINED : 'quick';
}

/** The folder of a file with a separator at its end; empty for a bare name. */
const folderOf = (path: string): string => path.replace(/[^/\\]*$/, '');

const isAbsolute = (path: string): boolean => /^(?:[/\\]|[a-z]:[/\\])/i.test(path);

/**
 * A config whose files have absolute paths, so that a run goes on from any folder.
 *
 * @param file The file of the config: relative paths begin in its folder. When left out, they begin
 *   in the working folder.
 */
export async function absolutePaths(
  config: ExperimentConfig,
  file: string | undefined,
): Promise<ExperimentConfig> {
  const folder = file === undefined ? '' : folderOf(file);
  const host = await system();
  const found = new Map<string, string>();
  withConfigPaths(config, (path) => {
    found.set(path, path);
    return path;
  });
  for (const path of found.keys()) {
    found.set(path, await host.resolve(isAbsolute(path) ? path : folder + path));
  }
  return withConfigPaths(config, (path) => found.get(path) ?? path);
}
