import { defineCommand } from 'citty';
import { csvOf } from '../export/csv.ts';
import type { ExportFile } from '../export/files.ts';
import { type ExportFolder, type ExportRun, openRun } from '../export/run-rows.ts';
import { eventFilesOf } from '../export/tensorboard.ts';
import { projectFault, trackioFilesOf } from '../export/trackio.ts';
import { unipoFilesOf } from '../export/unipo.ts';
import { jsonText } from '../formats/json.ts';
import { baseName } from '../formats/paths.ts';
import { counted } from '../look/wording.ts';
import { commonArgs, outArg, UsageError } from './arguments.ts';
import { expectFileOut, expectNewFolder, nextFree } from './output.ts';
import { readResultsText } from './run-report.ts';
import { mostFiles } from '../imports/import-files.ts';
import { system, type System } from './system.ts';

const formats = ['csv', 'trackio', 'tensorboard', 'unipo'] as const;

export const command = defineCommand({
  meta: { name: 'export', description: 'runs, finished or not, in the formats of other programs' },
  args: {
    folder: {
      type: 'positional',
      description: 'folder of a run; several are exported together',
      required: true,
    },
    format: {
      type: 'enum',
      options: [...formats],
      default: 'csv',
      description:
        'csv: one tidy table, a number a row; trackio: a project as SQLite and parquet; ' +
        'tensorboard: event files; unipo: a JSONL log of each training',
    },
    project: {
      type: 'string',
      valueHint: 'name',
      default: 'limr',
      description: 'trackio: the name of the project',
    },
    out: outArg('csv: file to write; else a new or empty folder (default under runs/)'),
    json: commonArgs.json,
  },
  async run({ args }) {
    const host = await system();
    const { format, project } = args;
    const fault = projectFault(project);
    if (fault !== undefined) throw new UsageError(`--project ${fault}, got '${project}'`);
    const out =
      args.out ?? (await nextFree(`runs/export-${format}`, format === 'csv' ? '.csv' : ''));
    if (format === 'csv') await expectFileOut(out);
    else await expectNewFolder(out);
    const runs = await openRuns(host, args._);
    const files: string[] = [];
    if (format === 'csv') {
      await host.write(out, csvOf(runs));
      files.push(out);
    } else {
      for await (const { path, content } of filesOf(format, runs, project)) {
        await host.write(`${out}/${path}`, content);
        files.push(`${out}/${path}`);
      }
    }
    for (const { folder, cut, finished } of runs) {
      if (!finished) await host.stderr(`${folder.name}: not finished; exported as far as it is\n`);
      for (const file of cut) {
        await host.stderr(`${folder.name}/${file}: its last line was cut, and is left out\n`);
      }
    }
    if (args.json) await host.stdout(jsonText({ out, format, files }));
    await host.stderr(`${out}: ${counted(runs.length, 'run')}, ${counted(files.length, 'file')}\n`);
    return 0;
  },
});

function filesOf(
  format: Exclude<(typeof formats)[number], 'csv'>,
  runs: readonly ExportRun[],
  project: string,
): AsyncIterable<ExportFile> {
  if (format === 'trackio') return trackioFilesOf(runs, project);
  return format === 'tensorboard' ? eventFilesOf(runs) : unipoFilesOf(runs);
}

/**
 * Opens runs under the names of their folders.
 *
 * @throws UsageError if a folder is missing, or two have one name.
 */
async function openRuns(host: System, folders: readonly string[]): Promise<ExportRun[]> {
  if (folders.length > mostFiles) throw new UsageError(`${folders.length} runs: too many`);
  const runs = new Map<string, ExportRun>();
  for (const folder of folders) {
    const found = await host.info(folder);
    if (found?.kind !== 'directory') {
      throw new UsageError(`${folder}: ${found ? 'is a file, not a run' : 'no such folder'}`);
    }
    const name = baseName(await host.resolve(folder)) || 'run';
    const same = runs.get(name);
    if (same) {
      throw new UsageError(`${same.folder.name} and ${folder} are both named ${name} in an export`);
    }
    runs.set(name, await openRun(name, folderOf(host, folder)));
  }
  return [...runs.values()];
}

function folderOf(host: System, folder: string): ExportFolder {
  const path = folder.replace(/(?<=.)[/\\]+$/, '');
  const has = async (file: string) => (await host.info(`${path}/${file}`))?.kind === 'file';
  return {
    name: path,
    read: async (file) => ((await has(file)) ? readResultsText(`${path}/${file}`) : undefined),
    open: async (file) => ((await has(file)) ? host.open(`${path}/${file}`) : undefined),
  };
}
