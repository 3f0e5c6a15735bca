import { sweepReport } from '../report/sweep-page.ts';
import { sweepTable } from '../report/sweep-table.ts';
import { evidenceOf } from '../sweep/evidence.ts';
import { readSweep } from '../sweep/folder.ts';
import { PREREGISTRATION, SWEEP_REPORT } from '../sweep/names.ts';
import { parsePreregistration } from '../sweep/preregistration.ts';
import { sweepFolder } from './sweep-folder.ts';
import type { System } from './system.ts';
import { visibleText } from './visible-text.ts';

/**
 * Writes the page of a sweep's finished cells, and tells its comparisons on standard error: those
 * that were fixed before the run come first.
 *
 * @param out File of the page. Default: `sweep.html` in the folder.
 * @returns The file that was written.
 * @throws FormatError or ConfigError naming file and field.
 */
export async function writeSweepReport(
  host: System,
  folder: string,
  out = `${folder}/${SWEEP_REPORT}`,
): Promise<string> {
  const files = sweepFolder(host, folder);
  const sweep = await readSweep(files);
  const fixed = await files.read(PREREGISTRATION);
  const evidence = evidenceOf(
    sweep,
    fixed && parsePreregistration(fixed, `${folder}/${PREREGISTRATION}`),
  );
  const begun = fixed ? ` --preregistration ${PREREGISTRATION}` : '';
  await host.write(
    out,
    await sweepReport(sweep, evidence, {
      name: `Preset ${sweep.grid.preset}`,
      commands: [`limr sweep GRID.json${begun} --out DIR`, 'limr report DIR'],
    }),
  );
  await host.stderr(visibleText(sweepTable(sweep, evidence)));
  return out;
}
