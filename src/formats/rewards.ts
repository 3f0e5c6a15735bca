import { FormatError } from './format-error.ts';
import { fieldOf, isRecord, type JsonRecord, kindOf } from './json.ts';

/** A column of rewards and what it counts in their sum. */
export interface RewardTerm {
  readonly name: string;
  readonly weight: number;
}

/** What decides whether a sample is right. */
export type Verdict = boolean | 'neither' | 'absent' | undefined;

/** Columns that say whether a sample is right, the first one that a row has. */
export const verdictFields = ['correct', 'acc', 'is_correct', 'symbolic_correct', 'accuracy'];

/** Names under which engines write the reward that they train on. */
export const rewardNames = ['reward', 'rewards', 'score', 'scores', 'result'];

/**
 * What `--reward` asks for: a column, or a sum of columns as `a=1,b=0.5`.
 *
 * @throws FormatError when a weight is no number, or a name is empty.
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

/** A column of a row; `a.b` is the field b of the object a where no column has that name. */
export function columnOf(record: JsonRecord, name: string): unknown {
  const own = fieldOf(record, name);
  if (own !== undefined || !name.includes('.')) return own;
  const at = name.indexOf('.');
  const outer = fieldOf(record, name.slice(0, at));
  return isRecord(outer) ? columnOf(outer, name.slice(at + 1)) : undefined;
}

/**
 * A reward, undefined where a row has none: null, or what Python writes as NaN or Infinity.
 *
 * @throws FormatError when it is no number, truth value or null.
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
 * The sum of weighted columns, those left out that a row has no number in; undefined without any. What is
 * whole in float32, in which trainers sum, is whole here: 0.7 + 0.2 + 0.1 is 1.
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
 * @throws FormatError when the value can be no verdict.
 */
export function verdictOf(value: unknown, where: string): Verdict {
  if (value === undefined) return undefined;
  if (value === null || (typeof value === 'number' && !Number.isFinite(value))) return 'absent';
  if (value === true || value === 1 || value === 1n) return true;
  if (value === false || value === 0 || value === 0n) return false;
  if (typeof value === 'number') return 'neither';
  throw new FormatError(`${where} must be true or false, is ${kindOf(value)}`);
}

/** Columns of numbers that are no reward, whoever writes them. */
const knownNumbers = new Set([
  ...['step', 'global_step', 'training_step', 'epoch', 'index', 'idx', 'sample_idx', 'prompt_idx'],
  ...['advantage', 'advantages', 'id', 'limr_id', 'kl', 'entropy', 'logprob', 'logprobs', 'seed'],
  ...['length', 'response_length', 'completion_length', 'input_lengths', 'num_tokens', 'timestamp'],
  ...verdictFields,
]);

/** What the first rows of a file say of its columns. */
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

  /** Columns that may be a reward function's: numbers or nothing in every row, and not known here. */
  numberColumns(others: ReadonlySet<string>): string[] {
    return this.names.filter((name) => {
      const kind = this.#kinds.get(name);
      if (!kind || others.has(name) || knownNumbers.has(name)) return false;
      return kind.numbers > 0 && kind.numbers + kind.nulls === kind.rows;
    });
  }

  /** Columns that hold nothing yet and call themselves a reward. */
  emptyRewards(others: ReadonlySet<string>): string[] {
    return this.names.filter((name) => {
      const kind = this.#kinds.get(name);
      return (
        kind !== undefined && kind.nulls === kind.rows && !others.has(name) && /reward/i.test(name)
      );
    });
  }

  /** The column of verdicts; `correct` is one whatever it holds, others where they hold nothing else. */
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
