import { type ExportRun, scalarsOf } from './run-rows.ts';

/** The columns of the table, in order. */
export const csvColumns = ['run', 'seed', 'method', 'kind', 'update', 'metric', 'value'] as const;

/**
 * A tidy table of runs: one number a row, in UTF-8 with CRLF line ends (RFC 4180).
 *
 * | column | holds |
 * |---|---|
 * | `run` | the name of the run's folder |
 * | `seed` | the seed; empty for the base, which all seeds share |
 * | `method` | `full`, `lim`, ..., or `base` |
 * | `kind` | `update` or `evaluation` |
 * | `update` | updates of the method up to the number; 0 for the base |
 * | `metric` | of an update: `epoch` or a key of `metrics.jsonl`; of an evaluation: `mean`, `tiers/NAME`, `outOfDistribution/NAME`, `sampled/...`, `samples`, `samples_trained` where it is less, `epochs` |
 * | `value` | the number; empty if there is none, as for a mean over no tiers |
 */
export async function* csvOf(runs: readonly ExportRun[]): AsyncGenerator<string, void, void> {
  yield lineOf(csvColumns);
  for (const run of runs) {
    for await (const row of run.rows()) {
      const { seed, method, kind, update } = row;
      for (const [metric, value] of scalarsOf(row)) {
        yield lineOf([run.name, seed, method, kind, update, metric, value]);
      }
    }
  }
}

const lineOf = (cells: readonly (string | number | undefined)[]): string =>
  `${cells.map(cellOf).join(',')}\r\n`;

/**
 * A text that a spreadsheet would take for a formula gets an apostrophe in front, as OWASP advises;
 * names of runs, files and tiers come from others.
 */
function cellOf(cell: string | number | undefined): string {
  if (cell === undefined || Number.isNaN(cell)) return '';
  if (typeof cell === 'number') return String(cell);
  const text = /^[=+\-@\t\r]/.test(cell) ? `'${cell}` : cell;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
