import * as v from 'valibot';
import { issueText } from '../config-issue.ts';
import { FormatError } from '../formats/format-error.ts';
import { type JsonValue, parseJson } from '../formats/json.ts';
import { readSafetensors, type SafetensorsFile, toFloat32 } from '../formats/safetensors.ts';
import type { ExperimentResults } from '../results.ts';
import { parseResults } from '../run-folder/finished-run.ts';
import { RESULTS, seedFiles } from '../run-folder/names.ts';
import { subsetPlaces } from '../run-folder/pool-rows.ts';
import type { ByMethod, MethodName } from '../selection/methods.ts';
import type { Origin } from '../tasks/task.ts';
import { parseCollectedCell } from './collected-cell.ts';
import type { Grid } from './grid.ts';
import { cellFile, cellFolder, SWEEP } from './names.ts';
import { type ListedCell, parseSweepFile } from './sweep-file.ts';

/** A finished cell of a sweep: one config, one seed. */
export interface SweepCell {
  /** Hash of the cell's config and seed; the name of its folder. */
  readonly hash: string;
  /** The grid's factors of this cell: dotted config key to value. */
  readonly factors: Readonly<Record<string, JsonValue>>;
  readonly seed: number;
  readonly results: ExperimentResults;
  /** The matrix and LIM scores of the cell's FULL pass, read when asked for. */
  readonly pass: () => Promise<SweepPass>;
}

/** What a cell knows of its pool. */
export interface SweepPass {
  readonly prompts: number;
  readonly epochs: number;
  /** Shares of right samples, (prompts, epochs); NaN where nothing was sampled. */
  readonly accuracy: Float32Array;
  /** LIM scores; NaN if a prompt has none. */
  readonly scores: Float64Array;
  /** Absent where the task does not tell how its prompts were made. */
  readonly origins?: readonly Origin[];
  readonly wrongKeys?: readonly boolean[];
  /** Places in the pool of the prompts that each method trained on. */
  readonly selections: ByMethod<readonly number[]>;
}

/** A sweep with its finished cells, in the order of the grid. */
export interface Sweep {
  readonly grid: Grid;
  readonly cells: readonly SweepCell[];
  /** Cells of the whole grid. */
  readonly planned: number;
}

/** The access to a sweep's folder that a reader needs. */
export interface SweepFolder {
  /** A name for error messages. */
  readonly name: string;
  /** The bytes of a file; undefined if the folder lacks the file. */
  readonly read: (file: string) => Promise<Uint8Array | undefined>;
}

/**
 * Reads a sweep: its own folder, or what `limr sweep --collect` made of one.
 *
 * @throws FormatError or ConfigError naming file and field.
 */
export async function readSweep(folder: SweepFolder): Promise<Sweep> {
  const text = await textIn(folder, SWEEP);
  if (text === undefined) {
    throw new FormatError(`${folder.name}/${SWEEP}: no such file; is this the folder of a sweep?`);
  }
  const { grid, cells: listed } = parseSweepFile(text, `${folder.name}/${SWEEP}`);
  const cells: SweepCell[] = [];
  for (const one of listed) {
    const cell = (await folderCell(folder, one)) ?? (await collectedCell(folder, one));
    if (cell) cells.push(cell);
  }
  return { grid, cells, planned: listed.length };
}

const textIn = async ({ read }: SweepFolder, file: string): Promise<string | undefined> => {
  const bytes = await read(file);
  return bytes && new TextDecoder().decode(bytes);
};

/** A cell from the folder of its run; undefined if it is not finished. */
async function folderCell(
  folder: SweepFolder,
  { hash, factors, seed }: ListedCell,
): Promise<SweepCell | undefined> {
  const file = `${cellFolder(hash)}/${RESULTS}`;
  const text = await textIn(folder, file);
  if (text === undefined) return undefined;
  const results = parseResults({ text, where: `${folder.name}/${file}` });
  expectSeed(results, seed, `${folder.name}/${file}`);
  return { hash, factors, seed, results, pass: () => passIn(folder, hash, results) };
}

async function collectedCell(
  folder: SweepFolder,
  { hash, factors, seed }: ListedCell,
): Promise<SweepCell | undefined> {
  const file = cellFile(hash);
  const text = await textIn(folder, file);
  if (text === undefined) return undefined;
  const where = `${folder.name}/${file}`;
  const { results, pass } = parseCollectedCell(text, where);
  expectSeed(results, seed, where);
  return { hash, factors, seed, results, pass: () => Promise.resolve(pass()) };
}

function expectSeed({ seeds }: ExperimentResults, seed: number, where: string): void {
  const found = seeds.map((one) => one.seed);
  if (found.length !== 1 || found[0] !== seed) {
    throw new FormatError(`${where}: is of seed ${found.join(', ')}, not of ${seed}`);
  }
}

const scoredRows = v.array(
  v.object({
    score: v.nullable(v.number()),
    origin: v.exactOptional(v.picklist(['easy', 'learnable', 'hard'])),
    wrongKey: v.exactOptional(v.boolean()),
  }),
);

async function passIn(
  folder: SweepFolder,
  hash: string,
  results: ExperimentResults,
): Promise<SweepPass> {
  const own = results.seeds.map(({ seed }) => seed);
  const [seed = NaN] = own;
  const names = seedFiles(seed, own);
  const place = (file: string): string => `${cellFolder(hash)}/${file}`;
  const need = async (file: string): Promise<Uint8Array> => {
    const bytes = await folder.read(place(file));
    if (!bytes) throw new FormatError(`${folder.name}/${place(file)}: no such file`);
    return bytes;
  };
  const rows = async <Schema extends v.GenericSchema>(file: string, schema: Schema) => {
    const where = `${folder.name}/${place(file)}`;
    const text = new TextDecoder().decode(await need(file));
    const parsed = v.safeParse(schema, parseJson(text, where), { abortEarly: true });
    if (!parsed.success) throw new FormatError(`${where}: ${issueText(parsed.issues[0])}`);
    return parsed.output;
  };
  const scored = await rows(names.scores, scoredRows);
  const where = `${folder.name}/${place(names.rewards)}`;
  const tensors = readSafetensors(await need(names.rewards), where);
  const accuracy = matrixIn(tensors, 'accuracy', scored.length, where);
  const selections: Partial<Record<MethodName, number[]>> = {};
  for (const method of Object.keys(results.seeds[0]?.selections ?? {}) as MethodName[]) {
    const places = await rows(names.subset(method), subsetPlaces);
    if (places.some((at) => at >= scored.length)) {
      throw new FormatError(`${folder.name}/${place(names.subset(method))}: names no prompt`);
    }
    selections[method] = places;
  }
  const origins = scored.flatMap(({ origin }) => (origin === undefined ? [] : [origin]));
  const wrongKeys = scored.flatMap(({ wrongKey }) => (wrongKey === undefined ? [] : [wrongKey]));
  return {
    prompts: scored.length,
    epochs: accuracy.length / scored.length,
    accuracy,
    scores: Float64Array.from(scored, ({ score }) => score ?? NaN),
    ...(origins.length === scored.length ? { origins } : {}),
    ...(wrongKeys.length === scored.length ? { wrongKeys } : {}),
    selections,
  };
}

function matrixIn(
  { tensors }: SafetensorsFile,
  name: string,
  prompts: number,
  where: string,
): Float32Array {
  const entry = tensors.get(name);
  if (entry?.shape.length !== 2 || entry.shape[0] !== prompts) {
    throw new FormatError(`${where}: '${name}' must be a matrix with a row for each prompt`);
  }
  return toFloat32(entry, where);
}
