import * as v from 'valibot';
import { parseStoredConfig } from '../config.ts';
import { issueText } from '../config-issue.ts';
import { FormatError } from '../formats/format-error.ts';
import { isRecord, kindOf, parseJson, parseJsonLine } from '../formats/json.ts';
import type { ExperimentResults, ScoredPrompt, UpdateRecord } from '../results.ts';
import { storedChoices } from '../variants/stored-choices.ts';
import {
  accuracy,
  evaluation,
  finite,
  limSummary,
  orNaN,
  probe,
  selection,
  whole,
} from '../results-schema.ts';
import { METRICS, RESULTS, seedFiles } from './names.ts';
import { nameFields, placeOf } from './pool-rows.ts';
import { methodName } from '../selection/name-schema.ts';

/** The access to a run's folder that a report needs. */
export interface RunFolder {
  /** A name for error messages, and to tell runs apart on a page that compares several. */
  readonly name: string;
  /** The text of a file; undefined if the folder lacks the file. */
  readonly read: (file: string) => Promise<string | undefined>;
}

/** Everything that a report shows of a run. */
export interface Run {
  readonly name: string;
  readonly results: ExperimentResults;
  readonly records: readonly UpdateRecord[];
  /**
   * The pool of each seed, in the order of `results.seeds`; empty for a seed that has no scores.
   */
  readonly scores: readonly (readonly ScoredPrompt[])[];
}

/** Kernel variants of any version: a report need not know them. */
const kernels = v.pipe(
  v.unknown(),
  v.rawTransform(({ dataset, addIssue, NEVER }) => {
    const choices = storedChoices(dataset.value);
    if (choices) return choices;
    addIssue({ message: 'names no variants of kernels' });
    return NEVER;
  }),
);

const method = v.object({
  prompts: whole,
  evaluations: v.array(evaluation),
});
const resultsSchema = v.object({
  config: v.unknown(),
  configHash: v.string(),
  overrides: v.array(v.object({ field: v.string(), value: v.unknown(), reference: v.unknown() })),
  injected: v.array(v.string()),
  adapter: v.string(),
  kernels: v.exactOptional(kernels),
  host: v.string(),
  seconds: v.pipe(finite, v.minValue(0)),
  warnings: v.exactOptional(v.array(v.string())),
  base: v.object({ ...accuracy, shipped: v.boolean() }),
  probe: v.exactOptional(probe),
  model: v.exactOptional(
    v.object({
      sha256: v.string(),
      architecture: v.string(),
      layers: whole,
      hiddenSize: whole,
      heads: whole,
      parameters: whole,
      adapterParameters: v.exactOptional(whole),
    }),
  ),
  memory: v.exactOptional(v.string()),
  lim: limSummary,
  seeds: v.pipe(
    v.array(
      v.object({
        seed: whole,
        lim: limSummary,
        pool: selection,
        selections: v.record(methodName, selection),
        scoreQuantiles: v.array(finite),
      }),
    ),
    v.minLength(1),
  ),
  methods: v.record(methodName, method),
});
const recordSchema = v.object({
  seed: whole,
  method: methodName,
  update: whole,
  epoch: whole,
  metrics: v.record(v.string(), orNaN),
});
const scoreSchema = v.object({
  prompt: v.string(),
  ...nameFields,
  score: v.nullable(finite),
  rewards: v.array(v.nullable(finite)),
  origin: v.exactOptional(v.picklist(['easy', 'learnable', 'hard'])),
  wrongKey: v.exactOptional(v.boolean()),
  key: v.exactOptional(v.string()),
  truth: v.exactOptional(v.string()),
  columns: v.exactOptional(v.record(v.string(), v.string())),
});

/**
 * Reads the files of a finished run.
 *
 * @throws FormatError, or ConfigError for the config inside the results, naming file and field: if
 *   a file is missing, has an unknown schema, or is invalid.
 */
export async function readRun(folder: RunFolder): Promise<Run> {
  const read = async (file: string): Promise<{ text: string; where: string }> => {
    const where = `${folder.name}/${file}`;
    const text = await folder.read(file);
    if (text === undefined)
      throw new FormatError(`${where}: no such file; is this a finished run?`);
    return { text, where };
  };
  const results = parseResults(await read(RESULTS));
  const records = parseRecords(await read(METRICS));
  const scores: (readonly ScoredPrompt[])[] = [];
  const seeds = results.seeds.map(({ seed }) => seed);
  for (const { seed, lim, pool } of results.seeds) {
    if (!lim) {
      scores.push([]);
      continue;
    }
    const file = await read(seedFiles(seed, seeds).scores);
    scores.push(parseScores(file, pool.prompts, lim.meanCurve.length));
  }
  return { name: folder.name, results, records, scores };
}

/** The text of a file, and the file's name for messages. */
export interface NamedText {
  readonly text: string;
  readonly where: string;
}

/**
 * Parses a `results.json`. Fields that it does not know are left out.
 *
 * @throws FormatError, or ConfigError for the config inside the results, naming file and field.
 */
export function parseResults({ text, where }: NamedText): ExperimentResults {
  const value = parseJson(text, where);
  if (!isRecord(value)) throw new FormatError(`${where}: must hold an object, is ${kindOf(value)}`);
  if (value['schema'] !== 1) {
    throw new FormatError(
      `${where}: schema: only 1 is known to this version, found ${kindOf(value['schema'])}`,
    );
  }
  const results = checked(resultsSchema, value, where);
  return { ...results, schema: 1, config: parseStoredConfig(results.config, `${where}: config`) };
}

function parseRecords({ text, where }: NamedText): UpdateRecord[] {
  return text.split('\n').flatMap((line, i) => {
    if (line.trim() === '') return [];
    const at = `${where} line ${i + 1}`;
    return [checkedRecord(parseJsonLine(line, at), at)];
  });
}

/**
 * The value of a line of `metrics.jsonl` as an update.
 *
 * @throws FormatError naming line and field.
 */
export const checkedRecord = (value: unknown, where: string): UpdateRecord =>
  checked(recordSchema, value, where);

function parseScores({ text, where }: NamedText, prompts: number, epochs: number): ScoredPrompt[] {
  const rows = parseJson(text, where);
  if (!Array.isArray(rows)) {
    throw new FormatError(`${where}: must hold an array, is ${kindOf(rows)}`);
  }
  if (rows.length !== prompts) {
    throw new FormatError(
      `${where}: must hold the ${prompts} prompts of the pool, not ${rows.length}`,
    );
  }
  return rows.map((row: unknown, i) => {
    const at = `${where} row ${i + 1}`;
    const parsed = checked(scoreSchema, row, at);
    if (parsed.rewards.length !== epochs) {
      throw new FormatError(
        `${at}: rewards: must hold ${epochs} numbers, one per data epoch, not ${parsed.rewards.length}`,
      );
    }
    const rowId = typeof parsed.id === 'string' ? { rowId: parsed.id } : {};
    return { ...withoutNames(parsed), id: placeOf(parsed) ?? i, ...rowId };
  });
}

const withoutNames = ({ id: _id, index: _index, ...row }: v.InferOutput<typeof scoreSchema>) => row;

function checked<Schema extends v.GenericSchema>(
  schema: Schema,
  value: unknown,
  where: string,
): v.InferOutput<Schema> {
  const parsed = v.safeParse(schema, value, { abortEarly: true });
  if (parsed.success) return parsed.output;
  const [issue] = parsed.issues;
  throw new FormatError(`${where}: ${issueText(issue)}`);
}
