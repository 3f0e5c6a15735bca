import { baseName } from '../formats/paths.ts';
import { CHECKPOINTS, CONFIG, LATEST, METRICS, REPORT, RESULTS } from '../run-folder/names.ts';
import { UsageError } from './arguments.ts';
import { system, type System } from './system.ts';

/** A folder with any of these files holds a run. */
const runFiles = [
  RESULTS,
  METRICS,
  CHECKPOINTS,
  CONFIG,
  'model.safetensors',
  'model.safetensors.index.json',
];

/**
 * Checks that a result may be written to a path as one file: the path is no folder, no input (by
 * any path), and no file of a run or a model. A run's report may be overwritten.
 *
 * @throws UsageError otherwise.
 */
export async function expectFileOut(out: string, inputs: readonly string[] = []): Promise<void> {
  const host = await system();
  if ((await host.info(out))?.kind === 'directory') {
    throw new UsageError(`--out ${out} is a folder; this command writes one file`);
  }
  const place = await host.resolve(out);
  for (const input of inputs) {
    if ((await host.resolve(input)) === place)
      throw new UsageError(`--out ${out} is also an input`);
  }
  if (baseName(place) === REPORT) return;
  for (let folder = folderOf(place); folder !== ''; folder = folderOf(folder)) {
    const owner = await ownerText(host, folder);
    if (owner !== undefined)
      throw new UsageError(`--out ${out} lies in a folder that holds ${owner}`);
  }
}

const folderOf = (path: string): string => path.replace(/[/\\]*[^/\\]*$/, '');

/** The model or run that a folder's files belong to; undefined if neither. */
async function ownerText(host: System, folder: string): Promise<string | undefined> {
  const has = async (name: string) => (await host.info(`${folder}/${name}`))?.kind === 'file';
  if (!(await has(CONFIG))) return undefined;
  if ((await has('model.safetensors')) || (await has('model.safetensors.index.json'))) {
    return `a model (${folder})`;
  }
  const isRun = (await has(METRICS)) || (await has(LATEST));
  return isRun ? `a run (${folder})` : undefined;
}

/**
 * An unused path, for results without `--out`: STEM with its extension, else the first unused of
 * STEM-2, STEM-3, ... with the extension.
 */
export async function nextFree(stem: string, extension = ''): Promise<string> {
  const host = await system();
  for (let i = 1; ; i++) {
    const path = `${stem}${i === 1 ? '' : `-${i}`}${extension}`;
    if (!(await host.info(path))) return path;
  }
}

/**
 * Checks that a run may start in a folder.
 *
 * @throws UsageError when the folder already holds a run (use `--resume`), or the path is a file.
 */
export async function expectFreshRun(out: string): Promise<void> {
  const host = await system();
  const found = await host.info(out);
  if (!found) return;
  if (found.kind === 'file') throw new UsageError(`--out ${out} is a file; a run needs a folder`);
  const held = (await host.list(out)).find((name) => runFiles.includes(name));
  if (held !== undefined) {
    throw new UsageError(`--out ${out} already holds a run (${held}); continue it with --resume`);
  }
}

/**
 * Checks that several files may be written to a folder: the folder is missing or empty.
 *
 * @param option The option that names the folder, for messages.
 * @throws UsageError otherwise.
 */
export async function expectNewFolder(out: string, option = '--out'): Promise<void> {
  const host = await system();
  const found = await host.info(out);
  if (!found) return;
  if (found.kind === 'file')
    throw new UsageError(`${option} ${out} is a file; this needs a folder`);
  const [held] = await host.list(out);
  if (held !== undefined) throw new UsageError(`${option} ${out} is not empty (${held})`);
}
