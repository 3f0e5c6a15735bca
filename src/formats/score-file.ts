import { answerOf } from './answer-fields.ts';
import type { ByteSource } from './byte-source.ts';
import { type Prompt, promptOf } from './conversation.ts';
import { FormatError } from './format-error.ts';
import { countOf, fieldOf, finiteOf, type JsonRecord, kindOf } from './json.ts';
import { layoutOf, type RowLayout } from './prompts.ts';
import { recordsOf } from './records.ts';
import { idOf, withMessages } from './rollouts.ts';

/** A row of a score file: LIMR's released `scores.json`, or what `limr score` writes. */
export interface ScoreRow extends Prompt {
  readonly where: string;
  readonly id: string | undefined;
  /** NaN for the file's null: the prompt was never rolled out, or was dropped. */
  readonly score: number;
  /** Mean signal per data epoch, NaN for missing; undefined in a file without curves. */
  readonly curve: readonly number[] | undefined;
  /** Number of samples behind each entry of the curve; undefined in a file that does not tell. */
  readonly samples: readonly number[] | undefined;
  readonly answer: unknown;
  readonly record: JsonRecord;
}

/**
 * Reads a score file, JSON array or JSONL. All rows have curves of equal length, or no row has one.
 *
 * @throws FormatError naming file and row.
 */
export async function readScores(
  source: ByteSource,
): Promise<{ readonly rows: readonly ScoreRow[]; readonly layout: RowLayout }> {
  const rows: ScoreRow[] = [];
  for await (const { where, record } of recordsOf(source)) {
    const score = fieldOf(record, 'score');
    const curve = curveOf(record, where);
    rows.push({
      where,
      ...withMessages(record, 'prompt', promptOf(fieldOf(record, 'prompt'), `${where}: prompt`)),
      id: idOf(record, where),
      score: score === null || Number.isNaN(score) ? NaN : finiteOf(score, `${where}: score`),
      curve,
      samples: samplesOf(record, curve, where),
      answer: answerOf(record),
      record,
    });
    const [first, last] = [rows[0], rows.at(-1)];
    if (first?.curve?.length !== last?.curve?.length) {
      throw new FormatError(
        `${where}: rewards must hold ${first?.curve?.length ?? 'no'} numbers as in row 1, ` +
          `holds ${last?.curve?.length ?? 'none'}`,
      );
    }
  }
  return { rows, layout: await layoutOf(source) };
}

/** Fields of a rollout, which the row of a score file has none of. */
const rolloutFields = [
  ...['reward', 'response', 'completion', 'output', 'solution', 'generation', 'step', 'epoch'],
  ...['responses', 'completions', 'outputs', 'result', 'advantage', 'input'],
];

/**
 * Whether a file holds scores without curves, by its first row: a prompt and its score, and nothing
 * of a rollout. A score file with curves is a matrix too: `detectRollouts`.
 *
 * @throws FormatError if the file is damaged.
 */
export async function holdsScoresAlone(source: ByteSource): Promise<boolean> {
  const head = await source.slice(0, Math.min(16, source.size));
  // Tables and tensors are other files, which take a worker to be looked into.
  if (head.includes(0) || String.fromCharCode(...head).startsWith('PAR1')) return false;
  for await (const { record } of recordsOf(source)) {
    const has = (name: string): boolean => fieldOf(record, name) !== undefined;
    const score = fieldOf(record, 'score');
    const scored = score === null || typeof score === 'number';
    return scored && has('prompt') && !has('rewards') && !rolloutFields.some(has);
  }
  return false;
}

function curveOf(record: JsonRecord, where: string): number[] | undefined {
  const curve = fieldOf(record, 'rewards');
  if (curve === undefined) return undefined;
  if (!Array.isArray(curve)) {
    throw new FormatError(`${where}: rewards must be an array, is ${kindOf(curve)}`);
  }
  return (curve as unknown[]).map((value, k) =>
    value === null || Number.isNaN(value) ? NaN : finiteOf(value, `${where}: rewards[${k}]`),
  );
}

/** The counts behind a curve: at least one where it has a value. */
function samplesOf(
  record: JsonRecord,
  curve: readonly number[] | undefined,
  where: string,
): number[] | undefined {
  const counts = fieldOf(record, 'samples') ?? undefined;
  if (counts === undefined || !curve) return undefined;
  if (!Array.isArray(counts) || counts.length !== curve.length) {
    throw new FormatError(`${where}: samples must be an array of ${curve.length} counts`);
  }
  return curve.map((value, k) => {
    const count = countOf((counts as unknown[])[k], `${where}: samples[${k}]`);
    if (count > 0 || Number.isNaN(value)) return count;
    throw new FormatError(`${where}: samples[${k}] is 0, and rewards[${k}] is ${value}`);
  });
}
