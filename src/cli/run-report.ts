import { readText } from '../formats/byte-source.ts';
import { expectShallow } from '../formats/json-depth.ts';
import { renderReport } from '../report/page.ts';
import { readRun, type Run, type RunFolder } from '../run-folder/finished-run.ts';
import { REPORT } from '../run-folder/names.ts';
import { baseName, withSource } from './sources.ts';
import { system } from './system.ts';

/** Largest file of a run that is read: a million prompts with their curves. */
const MOST_BYTES = 512 * 2 ** 20;

/** Deeper than results nest: one level for each of a result's parts, and a config's. */
const MOST_DEPTH = 64;

/** A run's files on disk. */
const diskFolder = (folder: string): RunFolder => ({
  name: folder,
  async read(file) {
    const path = `${folder}/${file}`;
    const host = await system();
    if ((await host.info(path))?.kind !== 'file') return undefined;
    const text = await withSource(path, (source) => readText(source, MOST_BYTES));
    expectShallow(text, path, MOST_DEPTH);
    return text;
  },
});

/**
 * The files of a run, named after their folder alone: where it lies must not show in a report.
 *
 * @throws FormatError or ConfigError naming file and field.
 */
export async function readRunFolder(folder: string): Promise<Run> {
  const path = folder.replace(/(?<=.)[/\\]+$/, '');
  return { ...(await readRun(diskFolder(path))), name: baseName(path) };
}

/**
 * Writes `report.html` into a finished run's folder. The same files give the same bytes.
 *
 * @returns The run that it shows.
 */
export async function writeReport(folder: string): Promise<Run> {
  const host = await system();
  const run = await readRunFolder(folder);
  await host.write(`${folder}/${REPORT}`, renderReport([run]));
  return run;
}
