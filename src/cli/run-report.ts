import { Bundle, isBundle } from '../bundle/bundle.ts';
import { bundleTitle, folderOfBundle } from '../bundle/run-bundle.ts';
import { readText } from '../formats/byte-source.ts';
import { expectShallow } from '../formats/json-depth.ts';
import { baseName } from '../formats/paths.ts';
import { renderReport } from '../report/page.ts';
import { readRun, type Run, type RunFolder } from '../run-folder/finished-run.ts';
import { REPORT } from '../run-folder/names.ts';
import { withSource } from './sources.ts';
import { system } from './system.ts';

/** Largest file of a run that is read, in bytes: a million prompts with their curves. */
const MOST_BYTES = 512 * 2 ** 20;

/** More levels than results nest: one for each part of a result and of a config. */
const MOST_DEPTH = 64;

/**
 * The text of a file of results.
 *
 * @throws UsageError if there is no such file; FormatError if it is too large or too deep.
 */
export async function readResultsText(path: string): Promise<string> {
  const text = await withSource(path, (source) => readText(source, MOST_BYTES));
  expectShallow(text, path, MOST_DEPTH);
  return text;
}

/**
 * The run of a bundle, called as the bundle's file; undefined for a file that is no bundle.
 *
 * @throws FormatError or ConfigError naming the bundle, the file in it and the field.
 */
export async function readRunBundle(path: string): Promise<Run | undefined> {
  const bundle = await withSource(path, async (source) =>
    (await isBundle(source)) ? Bundle.open(source) : undefined,
  );
  if (!bundle) return undefined;
  const { name, read } = folderOfBundle(bundle);
  const shallow: RunFolder = {
    name,
    async read(file) {
      const text = await read(file);
      if (text !== undefined) expectShallow(text, `${name}/${file}`, MOST_DEPTH);
      return text;
    },
  };
  return { ...(await readRun(shallow)), name: bundleTitle(path) };
}

/** A run's folder on disk. */
const diskFolder = (folder: string): RunFolder => ({
  name: folder,
  async read(file) {
    const path = `${folder}/${file}`;
    const host = await system();
    return (await host.info(path))?.kind === 'file' ? readResultsText(path) : undefined;
  },
});

/**
 * Reads the files of a run. The run's name is the folder's name without its path, which a report
 * must not show.
 *
 * @throws FormatError or ConfigError naming file and field.
 */
export async function readRunFolder(folder: string): Promise<Run> {
  const path = folder.replace(/(?<=.)[/\\]+$/, '');
  return { ...(await readRun(diskFolder(path))), name: baseName(path) };
}

/**
 * Writes `report.html` into the folder of a finished run. Equal files give equal bytes.
 *
 * @returns The run in the report.
 */
export async function writeReport(folder: string): Promise<Run> {
  const host = await system();
  const run = await readRunFolder(folder);
  await host.write(`${folder}/${REPORT}`, renderReport([run]));
  return run;
}
