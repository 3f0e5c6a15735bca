import * as v from 'valibot';
import { issueText } from '../config-issue.ts';
import { FormatError } from '../formats/format-error.ts';
import { isRecord, type JsonValue, parseJson } from '../formats/json.ts';
import { whole } from '../results-schema.ts';
import { type Grid, parseGrid, type PlannedCell } from './grid.ts';

/** A cell as `sweep.json` lists it. */
export type ListedCell = Pick<PlannedCell, 'hash' | 'factors' | 'seed'> & {
  /** The folder of the FULL pass that the cell shares; null if it shares none. */
  readonly pass: string | null;
};

/** The content of `sweep.json`. */
export interface SweepFile {
  readonly grid: Grid;
  readonly cells: readonly ListedCell[];
  /** The version that began the sweep. */
  readonly limr: string;
  /** Adapters that have computed finished cells, sorted. */
  readonly adapters: readonly string[];
}

const hash = v.pipe(v.string(), v.regex(/^[0-9a-f]{16}$/));
const factors = v.custom<Readonly<Record<string, JsonValue>>>(isRecord, 'an object');
const schema = v.object({
  schema: v.literal(1),
  grid: v.unknown(),
  cells: v.array(v.object({ hash, factors, seed: whole, pass: v.nullable(hash) })),
  limr: v.string(),
  adapters: v.array(v.string()),
});

export const sweepFileText = ({ grid, cells, limr, adapters }: SweepFile): string => {
  const listed = cells.map(({ hash: name, factors: of, seed, pass }) => ({
    hash: name,
    factors: of,
    seed,
    pass,
  }));
  return `${JSON.stringify({ schema: 1, grid, cells: listed, limr, adapters }, null, 1)}\n`;
};

/** Parses a `sweep.json`. @throws FormatError or ConfigError naming file and field. */
export function parseSweepFile(text: string, where: string): SweepFile {
  const parsed = v.safeParse(schema, parseJson(text, where), { abortEarly: true });
  if (!parsed.success) throw new FormatError(`${where}: ${issueText(parsed.issues[0])}`);
  const { grid, cells, limr, adapters } = parsed.output;
  return { grid: parseGrid(grid, `${where}: grid`), cells, limr, adapters };
}
