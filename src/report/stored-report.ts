import { readRun, type RunFolder } from '../run-folder/finished-run.ts';

/**
 * The report on one finished run, as `limr report` writes it. What draws it is loaded at the first
 * call: a page that offers reports does not carry their charts from the start.
 *
 * @throws FormatError or ConfigError naming file and field.
 */
export async function reportOf(folder: RunFolder): Promise<string> {
  const [run, { renderReport }] = await Promise.all([readRun(folder), import('./page.ts')]);
  return renderReport([run]);
}
