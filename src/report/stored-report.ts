import { readRun, type RunFolder } from '../run-folder/finished-run.ts';

/**
 * The report on one finished run, as `limr report` writes it. The first call loads the code that
 * draws the report, so that a page does not load the charts at its start.
 *
 * @throws FormatError or ConfigError naming file and field.
 */
export async function reportOf(folder: RunFolder): Promise<string> {
  const [run, { renderReport }] = await Promise.all([readRun(folder), import('./page.ts')]);
  return renderReport([run]);
}
