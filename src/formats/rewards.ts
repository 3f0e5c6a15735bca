import { FormatError } from './format-error.ts';
import { fieldOf, isRecord, type JsonRecord, kindOf } from './json.ts';

/** A column of rewards and its weight in the sum. */
export interface RewardTerm {
  readonly name: string;
  readonly weight: number;
}

/**
 * What a row says about its sample: right, wrong, neither (another number), absent (null, NaN or
 * infinite), or undefined without a verdict column.
 */
export type Verdict = boolean | 'neither' | 'absent' | undefined;

/** Columns that may say whether a sample is right; the first column that a file has counts. */
export const verdictFields = ['correct', 'acc', 'is_correct', 'symbolic_correct', 'accuracy'];

/** Names that engines give to the reward that they train on. */
export const rewardNames = ['reward', 'rewards', 'score', 'scores', 'result'];

/**
 * Parses `--reward`: a column, or a weighted sum of columns as `a=1,b=0.5`.
 *
 * @throws FormatError when a weight is not a number, a name is empty, or a name occurs twice.
 */
export function parseRewardTerms(text: string): RewardTerm[] {
  if (!/[=,]/.test(text)) return [{ name: text.trim(), weight: 1 }];
  const terms = text.split(',').map((part) => {
    const at = part.lastIndexOf('=');
    const name = (at < 0 ? part : part.slice(0, at)).trim();
    const given = at < 0 ? '1' : part.slice(at + 1).trim();
    const weight = given === '' ? NaN : Number(given);
    if (name === '' || !Number.isFinite(weight)) {
      throw new FormatError(
        `--reward ${text}: '${part.trim()}' must be a column and its weight, as a=0.5`,
      );
    }
    return { name, weight };
  });
  const twice = terms.find(({ name }, i) => terms.findIndex((other) => other.name === name) !== i);
  if (twice) throw new FormatError(`--reward ${text}: names ${twice.name} twice`);
  return terms;
}

/**
 * A column of a row. `a.b` means the field b of the object a, unless a column has that very name.
 */
export function columnOf(record: JsonRecord, name: string): unknown {
  const own = fieldOf(record, name);
  if (own !== undefined || !name.includes('.')) return own;
  const at = name.indexOf('.');
  const outer = fieldOf(record, name.slice(0, at));
  return isRecord(outer) ? columnOf(outer, name.slice(at + 1)) : undefined;
}

/**
 * A reward; undefined for null, and for Python's NaN and Infinity.
 *
 * @throws FormatError when the value is not a number, a truth value or null.
 */
export function rewardOf(value: unknown, where: string): number | undefined {
  if (value === null) return undefined;
  if (typeof value === 'boolean') return value ? 1 : 0;
  const number = typeof value === 'bigint' ? Number(value) : value;
  if (typeof number !== 'number') {
    throw new FormatError(`${where} must be a finite number, is ${kindOf(value)}`);
  }
  return Number.isFinite(number) ? number : undefined;
}

/**
 * The weighted sum of the columns that have a number in the row; undefined if none has. A sum of
 * several terms that is whole in float32, in which trainers sum, is made whole: 0.7 + 0.2 + 0.1 is
 * 1.
 */
export function weightedSum(
  terms: readonly RewardTerm[],
  valueOf: (name: string) => number | undefined,
): number | undefined {
  let sum: number | undefined;
  for (const { name, weight } of terms) {
    const value = valueOf(name);
    if (value !== undefined) sum = (sum ?? 0) + weight * value;
  }
  if (sum === undefined || terms.length === 1) return sum;
  const rounded = Math.fround(sum);
  return Number.isInteger(rounded) ? rounded : sum;
}

/**
 * Whether a row says that its sample is right.
 *
 * @throws FormatError when the value cannot be a verdict.
 */
export function verdictOf(value: unknown, where: string): Verdict {
  if (value === undefined) return undefined;
  if (value === null || (typeof value === 'number' && !Number.isFinite(value))) return 'absent';
  if (value === true || value === 1 || value === 1n) return true;
  if (value === false || value === 0 || value === 0n) return false;
  if (typeof value === 'number') return 'neither';
  throw new FormatError(`${where} must be true or false, is ${kindOf(value)}`);
}

/** Columns of numbers that are never a reward, in the files of any engine. */
const knownNumbers = new Set([
  ...['step', 'global_step', 'training_step', 'epoch', 'index', 'idx', 'sample_idx', 'prompt_idx'],
  ...['advantage', 'advantages', 'id', 'limr_id', 'kl', 'entropy', 'logprob', 'logprobs', 'seed'],
  ...['length', 'response_length', 'completion_length', 'input_lengths', 'num_tokens', 'timestamp'],
  ...verdictFields,
]);

/** Counts the kinds of values in each column of a file's first rows. */
export class ColumnSurvey {
  readonly #kinds = new Map<
    string,
    { numbers: number; verdicts: number; nulls: number; rows: number }
  >();

  add(record: JsonRecord): void {
    for (const [name, value] of Object.entries(record)) {
      const kind = this.#kinds.get(name) ?? { numbers: 0, verdicts: 0, nulls: 0, rows: 0 };
      kind.rows++;
      const parts = Array.isArray(value) ? (value as unknown[]) : [value];
      if (parts.every((part) => part === null || Number.isNaN(part))) kind.nulls++;
      else if (parts.every(isNumber)) kind.numbers++;
      if (parts.every((part) => part === null || isPlainVerdict(part))) kind.verdicts++;
      this.#kinds.set(name, kind);
    }
  }

  get names(): string[] {
    return [...this.#kinds.keys()];
  }

  has(name: string): boolean {
    return this.#kinds.has(name);
  }

  /**
   * Columns that may hold a reward: numbers or nothing in every row, and a name not known to mean
   * another thing.
   */
  numberColumns(others: ReadonlySet<string>): string[] {
    return this.names.filter((name) => {
      const kind = this.#kinds.get(name);
      if (!kind || others.has(name) || knownNumbers.has(name)) return false;
      return kind.numbers > 0 && kind.numbers + kind.nulls === kind.rows;
    });
  }

  /** Columns without any value whose name contains "reward". */
  emptyRewards(others: ReadonlySet<string>): string[] {
    return this.names.filter((name) => {
      const kind = this.#kinds.get(name);
      return (
        kind !== undefined && kind.nulls === kind.rows && !others.has(name) && /reward/i.test(name)
      );
    });
  }

  /**
   * The column of verdicts. `correct` and `acc` count whatever they hold; other columns count if
   * they hold nothing but verdicts.
   */
  verdictColumn(): string | undefined {
    return verdictFields.find((name) => {
      const kind = this.#kinds.get(name);
      if (!kind) return false;
      return name === 'correct' || name === 'acc' || kind.verdicts === kind.rows;
    });
  }
}

const isNumber = (value: unknown): boolean =>
  value === null || ['number', 'bigint', 'boolean'].includes(typeof value);

const isPlainVerdict = (value: unknown): boolean =>
  [true, false, 0, 1, 0n, 1n].includes(value as never) || Number.isNaN(value);
