import { defineCommand } from 'citty';
import { jsonText } from '../formats/json.ts';
import { mostRuns, renderReport } from '../report/page.ts';
import type { Run } from '../run-folder/finished-run.ts';
import { commonArgs, outArg, UsageError } from './arguments.ts';
import { isBundle } from '../bundle/bundle.ts';
import { CONFIG, EVENTS, METRICS, REPORT, RESULTS } from '../run-folder/names.ts';
import { expectFileOut, expectNewFolder, nextFree } from './output.ts';
import { readRunBundle, readRunFolder } from './run-report.ts';
import { SWEEP_REPORT } from '../sweep/names.ts';
import { isSweep, writeSweepReport } from './sweep-folder.ts';
import { imageKindsOf, writeFigures } from './figure-files.ts';
import { poolArgs, readPool } from './pool-report.ts';
import { panelsOfPool, poolReport } from '../report/pool-page.ts';
import { runPanels } from '../report/paper-figures.ts';
import { withSource } from './sources.ts';
import { system, type System } from './system.ts';

export const command = defineCommand({
  meta: {
    name: 'report',
    description: 'one self-contained page on a run, on several, on a sweep, or on rollouts',
  },
  args: {
    folder: {
      type: 'positional',
      description: `folder or bundle of a run, up to ${mostRuns} of which are compared, or of a sweep; or rollouts, or a score file`,
      required: true,
    },
    out: outArg(
      'HTML file to write (default: report.html in the folder of a single run, else in runs/)',
    ),
    figures: {
      type: 'string',
      valueHint: 'folder',
      description: "write the paper's figures of a run or of rollouts there too, a file a panel",
    },
    images: {
      type: 'string',
      valueHint: 'svg,png',
      default: 'svg',
      description: '--figures: kinds of image; png takes a Chromium',
    },
    ...poolArgs,
    json: commonArgs.json,
  },
  async run({ args }) {
    const host = await system();
    const folders = args._;
    if (folders.length > mostRuns) {
      throw new UsageError(`${folders.length} runs: at most ${mostRuns} fit on one page`);
    }
    const [first = '.'] = folders;
    const kinds = imageKindsOf(args.images);
    const figures = args.figures;
    if (figures !== undefined) await expectNewFolder(figures, '--figures');
    const isFolder = (await host.info(first))?.kind !== 'file';
    const own = folders.length === 1 && isFolder ? `${first}/${REPORT}` : undefined;
    if (folders.length === 1 && (await isSweep(host, first))) {
      if (figures !== undefined) throw new UsageError('--figures is of one run or of rollouts');
      const page = args.out ?? `${first}/${SWEEP_REPORT}`;
      await expectFileOut(page);
      await host.stderr(await writeSweepReport(host, first, page));
      if (args.json) await host.stdout(jsonText({ out: page, runs: [] }));
      await host.stderr(`${page}: report of a sweep\n`);
      return 0;
    }
    if (await isPool(host, folders)) {
      const page = args.out ?? (await nextFree('runs/report', '.html'));
      await expectFileOut(page, folders);
      const pool = await readPool(folders, args);
      await host.write(page, poolReport(pool));
      if (figures !== undefined) await writeFigures(figures, panelsOfPool(pool), kinds);
      if (args.json) await host.stdout(jsonText({ out: page, runs: [] }));
      await host.stderr(`${page}: report of rollouts\n`);
      return 0;
    }
    if (figures !== undefined && folders.length > 1) {
      throw new UsageError('--figures is of one run or of rollouts');
    }
    const out = args.out ?? own ?? (await nextFree('runs/report', '.html'));
    await expectFileOut(out);
    const runs: Run[] = [];
    for (const folder of folders) {
      const found = await host.info(folder);
      if (!found) throw new UsageError(`${folder}: no such folder`);
      if (found.kind === 'directory') runs.push(await readRunFolder(folder));
      else {
        const run = await readRunBundle(folder);
        if (!run) throw new UsageError(`${folder}: is a file, not a run`);
        runs.push(run);
      }
    }
    await host.write(out, renderReport(runs));
    const [run] = runs;
    if (figures !== undefined && run) await writeFigures(figures, runPanels(run), kinds);
    if (args.json) await host.stdout(jsonText({ out, runs: runs.map(({ name }) => name) }));
    await host.stderr(`${out}: ${runs.length === 1 ? 'report' : `${runs.length} runs compared`}\n`);
    return 0;
  },
});

/**
 * Whether paths hold rollouts or scores, and no runs: the first decides, as a report compares runs
 * with runs.
 */
async function isPool(host: System, [first = '']: readonly string[]): Promise<boolean> {
  const found = await host.info(first);
  if (found?.kind === 'file') return !(await withSource(first, isBundle));
  if (!found) return false;
  const names = new Set(await host.list(first));
  return names.size > 0 && ![RESULTS, CONFIG, METRICS, EVENTS].some((name) => names.has(name));
}
