import packageJson from '../../package.json' with { type: 'json' };
import { readAll } from '../formats/byte-source.ts';
import { digestOf } from '../formats/digest.ts';
import { isRecord } from '../formats/json.ts';
import { CONFIG, REPORT, RESULTS, runFolders } from '../run-folder/names.ts';
import { sweepReport } from '../report/sweep-page.ts';
import { sweepTable } from '../report/sweep-table.ts';
import { collectedCellText } from '../sweep/collected-cell.ts';
import { evidenceOf } from '../sweep/evidence.ts';
import { readSweep, type Sweep, type SweepFolder } from '../sweep/folder.ts';
import type { Grid, PlannedCell } from '../sweep/grid.ts';
import {
  cellFile,
  cellFolder,
  passFolder,
  PREREGISTRATION,
  ROWS,
  SWEEP,
  SWEEP_REPORT,
} from '../sweep/names.ts';
import { parsePreregistration } from '../sweep/preregistration.ts';
import { rowsText } from '../sweep/rows.ts';
import { parseSweepFile, sweepFileText } from '../sweep/sweep-file.ts';
import { UsageError } from './arguments.ts';
import { withSource } from './sources.ts';
import { isDone } from './sweep-member.ts';
import type { System } from './system.ts';
import { visibleText } from './visible-text.ts';

/** Largest file of a sweep that is read, in bytes: the matrix of a million prompts. */
const MOST_BYTES = 512 * 2 ** 20;

/** The bytes of a file; undefined if there is no such file. */
async function bytesAt(host: System, path: string): Promise<Uint8Array | undefined> {
  if ((await host.info(path))?.kind !== 'file') return undefined;
  return withSource(path, (source) => readAll(source, MOST_BYTES));
}

/** A sweep's folder on disk. */
export const sweepFolder = (host: System, folder: string): SweepFolder => ({
  name: folder,
  read: (file) => bytesAt(host, `${folder}/${file}`),
});

/** A value with its records' fields in order, for a comparison. */
const canonical = (value: unknown): string =>
  JSON.stringify(value, (_, one: unknown) =>
    isRecord(one)
      ? Object.fromEntries(Object.entries(one).sort(([a], [b]) => (a < b ? -1 : 1)))
      : one,
  );

/**
 * Makes a folder that of a sweep, or goes on with it.
 *
 * @param preregistration The file of what was decided before the first seed; undefined if nothing was.
 * @throws UsageError if the folder holds another grid, another pre-registration or something else.
 */
export async function beginSweep(
  host: System,
  out: string,
  grid: Grid,
  cells: readonly PlannedCell[],
  preregistration: Uint8Array | undefined,
): Promise<void> {
  const found = await host.info(out);
  if (found?.kind === 'file')
    throw new UsageError(`--out ${out} is a file; a sweep needs a folder`);
  const known = await bytesAt(host, `${out}/${SWEEP}`);
  if (!known) {
    const other = found && (await host.list(out)).find((name) => [CONFIG, RESULTS].includes(name));
    if (other !== undefined) throw new UsageError(`--out ${out} holds a run (${other}), no sweep`);
  } else {
    const { grid: before } = parseSweepFile(new TextDecoder().decode(known), `${out}/${SWEEP}`);
    if (canonical(before) !== canonical(grid)) {
      throw new UsageError(
        `--out ${out} holds a sweep of another grid (${SWEEP}): this one needs a folder of its own, ` +
          'and --reuse takes over the cells and passes that both have',
      );
    }
  }
  const place = `${out}/${PREREGISTRATION}`;
  const decided = await bytesAt(host, place);
  if (preregistration !== undefined) {
    if (decided && digestOf(decided) !== digestOf(preregistration)) {
      throw new UsageError(`--preregistration: ${place} is another one, and it stays`);
    }
    if (!decided && known) {
      throw new UsageError(`--preregistration: the sweep in ${out} was begun without one`);
    }
    if (!decided) await host.write(place, preregistration);
  }
  // Last: a folder with this file holds a sweep.
  if (!known) {
    const file = { grid, cells: listed(cells), limr: packageJson.version, adapters: [] };
    await host.write(`${out}/${SWEEP}`, sweepFileText(file));
  }
}

const listed = (cells: readonly PlannedCell[]) =>
  cells.map(({ hash, factors, seed, pass }) => ({
    hash,
    factors,
    seed,
    pass: pass?.hash ?? null,
  }));

/** A sweep that was read, and its table for a person. */
export interface WrittenSweep {
  readonly sweep: Sweep;
  /** Empty if no cell is finished. */
  readonly table: string;
}

/** Writes what a sweep's finished cells make together. The same cells give the same bytes. */
export async function writeSweep(host: System, out: string): Promise<WrittenSweep> {
  const sweep = await readSweep(sweepFolder(host, out));
  const bytes = await bytesAt(host, `${out}/${SWEEP}`);
  const file = parseSweepFile(new TextDecoder().decode(bytes), `${out}/${SWEEP}`);
  const adapters = [...new Set(sweep.cells.map(({ results }) => results.adapter))].sort();
  await host.write(`${out}/${SWEEP}`, sweepFileText({ ...file, adapters }));
  return writeTogether(host, out, sweep);
}

/** Writes rows and report of a sweep. Neither names the folder. */
async function writeTogether(host: System, out: string, sweep: Sweep): Promise<WrittenSweep> {
  await host.write(`${out}/${ROWS}`, rowsText(sweep));
  if (sweep.cells.length === 0) return { sweep, table: '' };
  const { page, table } = await reported(host, out, sweep);
  await host.write(`${out}/${SWEEP_REPORT}`, page);
  return { sweep, table };
}

/** The page of a sweep, and its table for a terminal. Neither names the folder. */
async function reported(
  host: System,
  folder: string,
  sweep: Sweep,
): Promise<{ readonly page: string; readonly table: string }> {
  const where = `${folder}/${PREREGISTRATION}`;
  const decided = await bytesAt(host, where);
  const evidence = evidenceOf(sweep, decided && parsePreregistration(decided, where));
  const option = decided ? ` --preregistration ${PREREGISTRATION}` : '';
  const commands = [`limr sweep grid.json${option} --out sweep`, 'limr report sweep'];
  return {
    page: await sweepReport(sweep, evidence, { name: `Preset ${sweep.grid.preset}`, commands }),
    table: visibleText(sweepTable(sweep, evidence)),
  };
}

/** Whether a folder holds a sweep. */
export const isSweep = async (host: System, folder: string): Promise<boolean> =>
  (await host.info(`${folder}/${SWEEP}`))?.kind === 'file';

/**
 * Writes the page of a sweep's finished cells.
 *
 * @returns The table for a terminal.
 * @throws FormatError or ConfigError naming file and field.
 */
export async function writeSweepReport(host: System, folder: string, out: string): Promise<string> {
  const sweep = await readSweep(sweepFolder(host, folder));
  const { page, table } = await reported(host, folder, sweep);
  await host.write(out, page);
  return table;
}

/**
 * Takes over the finished cells and passes of another sweep that this one has too.
 *
 * @returns Folders that were taken over.
 */
export async function reuse(
  host: System,
  from: string,
  out: string,
  cells: readonly PlannedCell[],
): Promise<number> {
  const wanted = new Map<string, boolean>();
  for (const { hash, pass } of cells) {
    if (pass) wanted.set(passFolder(pass.hash), false);
    wanted.set(cellFolder(hash), true);
  }
  let taken = 0;
  for (const [folder, isCell] of wanted) {
    if (!(await isDone(host, `${from}/${folder}`, isCell))) continue;
    if (await host.info(`${out}/${folder}/${CONFIG}`)) continue;
    await copyRun(host, `${from}/${folder}`, `${out}/${folder}`);
    taken++;
  }
  return taken;
}

/** Copies a finished run, so that a copy that was cut short is no run yet: its config comes last. */
async function copyRun(host: System, from: string, to: string): Promise<void> {
  const files: string[] = [];
  for (const folder of ['', ...runFolders]) {
    const at = folder === '' ? from : `${from}/${folder}`;
    if ((await host.info(at))?.kind !== 'directory') continue;
    for (const name of await host.list(at)) {
      if ((await host.info(`${at}/${name}`))?.kind !== 'file') continue;
      files.push(folder === '' ? name : `${folder}/${name}`);
    }
  }
  const last = [RESULTS, REPORT, CONFIG];
  const rest = files.filter((name) => !last.includes(name) && !name.startsWith('.'));
  for (const name of [...rest, ...last.filter((one) => files.includes(one))]) {
    const bytes = await bytesAt(host, `${from}/${name}`);
    if (bytes) await host.write(`${to}/${name}`, bytes);
  }
}

/** Writes one small file for each finished cell, from which a report can be made again. */
export async function collect(host: System, from: string, out: string): Promise<Sweep> {
  const folder = sweepFolder(host, from);
  const sweep = await readSweep(folder);
  for (const cell of sweep.cells) {
    await host.write(`${out}/${cellFile(cell.hash)}`, await collectedCellText(cell));
  }
  for (const name of [PREREGISTRATION, SWEEP]) {
    const bytes = await folder.read(name);
    if (bytes) await host.write(`${out}/${name}`, bytes);
  }
  await writeTogether(host, out, sweep);
  return sweep;
}
