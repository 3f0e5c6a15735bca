import { answerFields, answerOf } from './answer-fields.ts';
import { readText, type ByteSource } from './byte-source.ts';
import { FormatError } from './format-error.ts';
import { readJsonLines } from './json-lines.ts';
import {
  countOf,
  fieldOf,
  finiteOf,
  isRecord,
  type JsonRecord,
  parseJson,
  textOf,
} from './json.ts';
import { readParquet } from './parquet.ts';

/** Whose rollouts a file holds. `jsonl` is any JSONL with `prompt` and `reward`. */
export const rolloutFormats = ['limr', 'openrlhf', 'trl', 'verl', 'jsonl'] as const;
export type RolloutFormat = (typeof rolloutFormats)[number];

/** Largest JSON array that is parsed whole, in bytes. */
export const largestJson = 400 << 20;

/** One sampled response, as far as scores need it. */
export interface RolloutRow {
  /** File and row, for messages. */
  readonly where: string;
  readonly prompt: string;
  readonly id: string | undefined;
  readonly reward: number;
  /** What the file says about being right; undefined where only the reward tells. */
  readonly correct: boolean | undefined;
  /** Training step that the file gives the row. */
  readonly step: number | undefined;
  /** Data epoch that the file gives the row, counted as the file does. */
  readonly epoch: number | undefined;
  /** The answer key, where the file has it: a text, a number, or whatever else it is there. */
  readonly answer: unknown;
}

/** A prompt with its mean signal in each epoch, as `limr score` writes it; null = missing. */
export interface CurveRow {
  readonly where: string;
  readonly prompt: string;
  readonly id: string | undefined;
  readonly answer: unknown;
  readonly curve: readonly (number | null)[];
}

export interface ReadOptions {
  /** Field or column of the reward, where a file does not have it under a name known here. */
  readonly rewardField?: string;
}

/** What a file is, from its first bytes and its first row, never from its name. */
export async function detectRollouts(
  source: ByteSource,
): Promise<RolloutFormat | 'curves' | 'safetensors'> {
  const head = await source.slice(0, Math.min(16, source.size));
  const letters = String.fromCharCode(...head);
  if (letters.startsWith('PAR1')) return 'trl';
  if (head[8] === 0x7b && head.subarray(4, 8).every((byte) => byte === 0)) return 'safetensors';
  for await (const { record } of recordsOf(source)) {
    if (isCurve(record)) return 'curves';
    const has = (name: string): boolean => fieldOf(record, name) !== undefined;
    if (has('input') && has('output') && has('score')) return 'verl';
    if (has('prompt') && has('response') && has('reward')) return 'limr';
    if ((has('query') || has('input') || has('label')) && (has('reward') || has('rewards'))) {
      return 'openrlhf';
    }
    if (has('prompt') && (has('reward') || has('score'))) return 'jsonl';
    throw new FormatError(
      `${source.name} row 1: no known rollout format has the fields ${Object.keys(record).join(', ')}`,
    );
  }
  throw new FormatError(`${source.name}: empty`);
}

const isCurve = (record: JsonRecord): boolean =>
  Array.isArray(fieldOf(record, 'rewards')) && fieldOf(record, 'prompt') !== undefined;

/** The objects of a JSON array, a JSONL file or a parquet file, each with where it stands. */
export async function* recordsOf(
  source: ByteSource,
): AsyncGenerator<{ readonly where: string; readonly record: JsonRecord }> {
  const expectRecord = (value: unknown, where: string): JsonRecord => {
    if (isRecord(value)) return value;
    throw new FormatError(`${where}: must be an object`);
  };
  const head = await source.slice(0, Math.min(4096, source.size));
  const opening = new TextDecoder().decode(head);
  if (opening.startsWith('PAR1')) {
    let row = 0;
    for await (const record of readParquet(source)) {
      yield { where: `${source.name} row ${++row}`, record };
    }
  } else if (opening.trimStart().startsWith('[')) {
    const rows = parseJson(await readText(source, largestJson), source.name);
    if (!Array.isArray(rows)) throw new FormatError(`${source.name}: must be an array of objects`);
    for (const [i, value] of (rows as unknown[]).entries()) {
      const where = `${source.name} row ${i + 1}`;
      yield { where, record: expectRecord(value, where) };
    }
  } else {
    for await (const { line, value } of readJsonLines(source)) {
      const where = `${source.name} line ${line}`;
      yield { where, record: expectRecord(value, where) };
    }
  }
}

const promptFields: Readonly<Record<RolloutFormat, readonly string[]>> = {
  limr: ['prompt'],
  openrlhf: ['prompt', 'query', 'input', 'context_messages'],
  trl: ['prompt'],
  verl: ['input'],
  jsonl: ['prompt', 'input', 'query'],
};

const rewardFields: Readonly<Record<RolloutFormat, readonly string[]>> = {
  limr: ['reward'],
  openrlhf: ['reward', 'rewards', 'score', 'scores'],
  trl: [],
  verl: ['score'],
  jsonl: ['reward', 'score'],
};

/** Columns of a TRL completions table that are not a reward. */
const trlColumns = new Set([
  ...['step', 'prompt', 'completion', 'advantage', 'id', 'limr_id'],
  ...answerFields,
]);

/**
 * The rollouts in a file.
 *
 * @throws FormatError naming file and row for whatever is not as the format says.
 */
export async function* readRollouts(
  source: ByteSource,
  format: RolloutFormat,
  options: ReadOptions = {},
): AsyncGenerator<RolloutRow> {
  for await (const { where, record } of recordsOf(source)) {
    const promptField = promptFields[format].find((name) => fieldOf(record, name) !== undefined);
    if (promptField === undefined) {
      throw new FormatError(`${where}: no field ${promptFields[format].join(' or ')}`);
    }
    const rewardField = options.rewardField ?? rewardFieldOf(record, format, where);
    yield {
      where,
      prompt: promptText(fieldOf(record, promptField), `${where}: ${promptField}`),
      id: idOf(record, where),
      reward: finiteOf(fieldOf(record, rewardField), `${where}: ${rewardField}`),
      correct: correctOf(record, where),
      step: optionalCount(record, 'step', where),
      epoch: optionalCount(record, 'epoch', where),
      answer: answerOf(record),
    };
  }
}

/** Rows that hold a whole learning curve already. @throws FormatError naming file and row. */
export async function* readCurves(source: ByteSource): AsyncGenerator<CurveRow> {
  for await (const { where, record } of recordsOf(source)) {
    const curve = fieldOf(record, 'rewards');
    if (!Array.isArray(curve)) throw new FormatError(`${where}: rewards must be an array`);
    yield {
      where,
      prompt: promptText(fieldOf(record, 'prompt'), `${where}: prompt`),
      id: idOf(record, where),
      answer: answerOf(record),
      curve: (curve as unknown[]).map((value, k) =>
        value === null ? null : finiteOf(value, `${where}: rewards[${k}]`),
      ),
    };
  }
}

/** The identifier of a row, where it has one. */
export function idOf(record: JsonRecord, where: string): string | undefined {
  for (const name of ['id', 'limr_id']) {
    const value = fieldOf(record, name);
    if (value === undefined || value === null) continue;
    if (typeof value === 'number' || typeof value === 'bigint') return String(value);
    return textOf(value, `${where}: ${name}`);
  }
  return undefined;
}

/** A prompt's text. Of a list of chat messages, that of its last user turn. */
export function promptText(value: unknown, where: string): string {
  if (!Array.isArray(value)) return textOf(value, where);
  const turns = (value as unknown[]).filter(isRecord);
  const last = turns.findLast((turn) => fieldOf(turn, 'role') === 'user');
  if (!last) throw new FormatError(`${where} has no user message`);
  return textOf(fieldOf(last, 'content'), `${where}: content`);
}

function rewardFieldOf(record: JsonRecord, format: RolloutFormat, where: string): string {
  if (format !== 'trl') {
    const names = rewardFields[format];
    const found = names.find((name) => fieldOf(record, name) !== undefined);
    if (found === undefined) throw new FormatError(`${where}: no field ${names.join(' or ')}`);
    return found;
  }
  if (fieldOf(record, 'reward') !== undefined) return 'reward';
  const found = Object.keys(record).filter(
    (name) => !trlColumns.has(name) && typeof record[name] === 'number',
  );
  const [only] = found;
  if (only !== undefined && found.length === 1) return only;
  throw new FormatError(
    only === undefined
      ? `${where}: no column of rewards`
      : `${where}: several columns may be the reward (${found.join(', ')}); name one`,
  );
}

function correctOf(record: JsonRecord, where: string): boolean | undefined {
  const value = fieldOf(record, 'correct');
  if (value === undefined || value === null) return undefined;
  if (value === true || value === 1) return true;
  if (value === false || value === 0) return false;
  throw new FormatError(`${where}: correct must be true or false`);
}

function optionalCount(record: JsonRecord, name: string, where: string): number | undefined {
  const value = fieldOf(record, name);
  return value === undefined || value === null ? undefined : countOf(value, `${where}: ${name}`);
}
