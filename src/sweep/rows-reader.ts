import { FormatError } from '../formats/format-error.ts';
import type { Evaluation, ExperimentResults } from '../results.ts';
import { methodFileName } from '../run-folder/names.ts';
import { type MethodName, onlineOf } from '../selection/methods.ts';
import { cellsOf } from './grid.ts';
import { ROWS } from './names.ts';
import type { ReadCell, ReadSweep } from './readings.ts';
import type { SweepFile } from './sweep-file.ts';

/** Most characters of a table: a hundred thousand cells of a dozen methods are less. */
const MOST_CHARACTERS = 2 ** 28;

/**
 * Reads the accuracies of a sweep from its `runs.csv`. Its `sweep.json` says what the settings of the
 * cells are; of the base the table holds what `area` tells.
 *
 * @param where Name of the file, for messages.
 * @throws FormatError naming line and column, ConfigError for the grid.
 */
export async function sweepOfRows(
  text: string,
  { grid, cells: listed }: SweepFile,
  where: string = ROWS,
): Promise<ReadSweep<ReadCell>> {
  if (text.length > MOST_CHARACTERS) {
    throw new FormatError(`${where}: more than ${MOST_CHARACTERS} characters`);
  }
  const configs = new Map((await cellsOf(grid, where)).map((one) => [one.hash, one.config]));
  const [head = [], ...rows] = rowsIn(text, where);
  const column = (name: string): number => {
    const place = head.indexOf(name);
    if (place === -1) throw new FormatError(`${where}: no column '${name}'`);
    return place;
  };
  const places = {
    cell: column('cell'),
    seed: column('seed'),
    method: column('method'),
    prompts: column('prompts'),
    update: column('update'),
    epochs: column('epochs'),
    samples: column('samples'),
    mean: column('mean'),
    area: column('area'),
  };
  const tiers = head.flatMap((name, place) =>
    name.startsWith('tier_') ? [{ name: name.slice('tier_'.length), place }] : [],
  );
  const methods = new Map(grid.methods.map((name) => [methodFileName(name), name]));
  const byCell = new Map<string, Map<MethodName, { prompts: number; rows: Row[] }>>();
  for (const [i, fields] of rows.entries()) {
    const at = `${where} line ${i + 2}`;
    const field = (name: keyof typeof places): string => fields[places[name]] ?? '';
    const number = (name: keyof typeof places): number => numberIn(field(name), `${at}, ${name}`);
    const method = methods.get(field('method'));
    if (!method) {
      throw new FormatError(`${at}, method: '${field('method')}' is no method of the sweep`);
    }
    const held =
      byCell.get(field('cell')) ?? new Map<MethodName, { prompts: number; rows: Row[] }>();
    byCell.set(field('cell'), held);
    const of = held.get(method) ?? { prompts: number('prompts'), rows: [] };
    held.set(method, of);
    // A selection without prompts was never read.
    if (field('update') === '') continue;
    of.rows.push({
      seed: number('seed'),
      update: number('update'),
      epochs: number('epochs'),
      samples: number('samples'),
      mean: number('mean'),
      area: field('area') === '' ? NaN : number('area'),
      tiers: Object.fromEntries(
        tiers.flatMap(({ name, place }) => {
          const value = fields[place] ?? '';
          return value === '' ? [] : [[name, numberIn(value, `${at}, tier_${name}`)]];
        }),
      ),
    });
  }
  const known = new Set(listed.map(({ hash }) => hash));
  for (const hash of byCell.keys()) {
    if (!known.has(hash)) throw new FormatError(`${where}: cell '${hash}' is not in the sweep`);
  }
  const cells = listed.flatMap(({ hash, factors, seed }): ReadCell[] => {
    const [held, config] = [byCell.get(hash), configs.get(hash)];
    if (!held || !config) return [];
    const results = resultsOf(held, config, seed);
    return [{ hash, factors, seed, results }];
  });
  return { grid, cells, planned: listed.length };
}

interface Row {
  readonly seed: number;
  readonly update: number;
  readonly epochs: number;
  readonly samples: number;
  readonly mean: number;
  readonly area: number;
  readonly tiers: Readonly<Record<string, number>>;
}

function resultsOf(
  held: ReadonlyMap<MethodName, { readonly prompts: number; readonly rows: readonly Row[] }>,
  config: ExperimentResults['config'],
  seed: number,
): ReadCell['results'] {
  const byUpdates = config.experiment.budget === 'updates';
  const evaluationOf = ({ update, epochs, samples, mean, tiers }: Row): Evaluation => ({
    seed,
    update,
    samples,
    mean,
    tiers,
    // The table does not tell how many prompts were answered.
    prompts: {},
    ...(byUpdates ? {} : { epochs }),
  });
  const methods = Object.fromEntries(
    [...held].map(([method, { prompts, rows }]) => [
      method,
      { prompts, evaluations: rows.map(evaluationOf) },
    ]),
  );
  // Up to a first read-out the area is the mean of the base and that read-out.
  const first = [...held.values()].flatMap(({ rows }) => {
    const earliest = [...rows].sort((a, b) => a.samples - b.samples)[0];
    return earliest && !Number.isNaN(earliest.area) ? [2 * earliest.area - earliest.mean] : [];
  })[0];
  const pool = held.get('full')?.prompts ?? 0;
  const selections = Object.fromEntries(
    [...held].flatMap(([method, { prompts }]) =>
      method === 'full' || onlineOf(method) ? [] : [[method, { prompts }]],
    ),
  );
  return {
    config,
    base: { mean: first ?? NaN, tiers: {}, shipped: false },
    seeds: [{ seed, lim: null, pool: { prompts: pool }, selections, scoreQuantiles: [] }],
    methods,
  };
}

function numberIn(text: string, where: string): number {
  const value = Number(text);
  if (text === '' || !Number.isFinite(value)) {
    throw new FormatError(`${where}: must be a number, is '${text.slice(0, 40)}'`);
  }
  return value;
}

/** The rows of a CSV file (RFC 4180). @throws FormatError for a quote that is not closed. */
function rowsIn(text: string, where: string): string[][] {
  const rows: string[][] = [];
  let row: string[] = [];
  const part = /"((?:[^"]|"")*)"(,|\r?\n|$)|([^",\r\n]*)(,|\r?\n|$)/y;
  while (part.lastIndex < text.length) {
    const at = part.lastIndex;
    const found = part.exec(text);
    if (!found) {
      throw new FormatError(`${where} line ${rows.length + 1}: a quote where none may be`);
    }
    const [, quoted, endOfQuoted, plain, end] = found;
    row.push(quoted === undefined ? (plain ?? '') : quoted.replaceAll('""', '"'));
    if ((endOfQuoted ?? end) !== ',') {
      rows.push(row);
      row = [];
    }
    if (part.lastIndex === at) break;
  }
  if (row.length > 0) rows.push(row);
  const width = rows[0]?.length ?? 0;
  const odd = rows.findIndex(({ length }) => length !== width);
  if (odd > 0) {
    throw new FormatError(
      `${where} line ${odd + 1}: ${rows[odd]?.length ?? 0} fields, ${width} in the first line`,
    );
  }
  return rows;
}
