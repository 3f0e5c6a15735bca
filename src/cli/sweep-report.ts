import { sweepReport } from '../report/sweep-page.ts';
import { sweepTable } from '../report/sweep-table.ts';
import { evidenceOf } from '../sweep/evidence.ts';
import type { Sweep } from '../sweep/folder.ts';
import { PREREGISTRATION, SWEEP_REPORT } from '../sweep/names.ts';
import { parsePreregistration } from '../sweep/preregistration.ts';
import { bytesAt } from './sources.ts';
import type { System } from './system.ts';

/** A written page of a sweep. */
export interface WrittenReport {
  /** The file of the page. */
  readonly page: string;
  /** The sweep's comparisons for a terminal: those that were fixed before the run come first. */
  readonly table: string;
}

/**
 * Writes the page of a sweep's finished cells. The page names no folder, so that the same cells give
 * the same bytes.
 *
 * @param folder Holds the sweep, and its pre-registration if there is one.
 * @param page File of the page. Default: `sweep.html` in the folder.
 * @throws FormatError or ConfigError naming file and field.
 */
export async function writeSweepReport(
  host: System,
  folder: string,
  sweep: Sweep,
  page = `${folder}/${SWEEP_REPORT}`,
): Promise<WrittenReport> {
  const where = `${folder}/${PREREGISTRATION}`;
  const fixed = await bytesAt(host, where);
  const evidence = evidenceOf(sweep, fixed && parsePreregistration(fixed, where));
  const option = fixed ? ` --preregistration ${PREREGISTRATION}` : '';
  const commands = [`limr sweep grid.json${option} --out sweep`, 'limr report sweep'];
  const name = `Preset ${sweep.grid.preset}`;
  await host.write(page, await sweepReport(sweep, evidence, { name, commands }));
  return { page, table: sweepTable(sweep, evidence) };
}
