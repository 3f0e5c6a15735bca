import { ConfigError } from '../config-error.ts';
import { counted } from '../look/wording.ts';

/** How the user wants rollouts divided into data epochs. */
export interface EpochRule {
  readonly stepsPerEpoch?: number | undefined;
  readonly epochs?: number | undefined;
}

/** One prompt rolled out in one step. */
export interface Visit {
  readonly row: number;
  readonly step: number;
  /** The data epoch that the file states. */
  readonly epoch: number | undefined;
}

/** How the epochs were found. */
export type EpochGrouping =
  'epoch field' | 'steps per epoch' | 'prompts per step' | 'every prompt once' | 'one epoch';

export interface Grouping {
  readonly epochs: number;
  readonly stepsPerEpoch: number | null;
  readonly grouping: EpochGrouping;
  readonly epochOf: (visit: Visit) => number;
  /** Why the epochs may be wrong; undefined if they are certain. */
  readonly doubt: string | undefined;
}

/** The steps of a run, according to its files. */
export interface StepPattern {
  /** All steps, ascending, including steps that repeat a generation. */
  readonly steps: readonly number[];
  /** Distance between logged steps: 1 if every step is logged. */
  readonly every: number;
  /** Number of steps that the run made but no file contains. */
  readonly lost: number;
}

/** Sorts steps and detects whether they are logged at equal distances, as with `logging_steps`. */
export function stepPattern(found: Iterable<number>): StepPattern {
  const steps = [...found].sort((a, b) => a - b);
  const [first = 0, second = 0] = steps;
  const last = steps.at(-1) ?? 0;
  const every = second - first;
  const isRegular =
    steps.length > 2 &&
    every > 1 &&
    steps.every((step, i) => i === 0 || step - (steps[i - 1] ?? 0) === every);
  // Steps logged at 10, 20, 30 began at 1.
  if (isRegular && first === every) return { steps, every, lost: last - steps.length };
  return {
    steps,
    every: isRegular ? every : 1,
    lost: Math.max(0, last - first + 1 - steps.length),
  };
}

/**
 * Divides rollouts into data epochs: as the user asked, by the epochs that the rows state, or by
 * the rule that each prompt occurs once per epoch.
 *
 * @param visits All visits, without those that repeat a generation.
 * @param pool Number of prompts in the prompt file; undefined without such a file.
 * @param iterations Number of steps that use one generation.
 * @param epochless The first row without an epoch, for messages.
 * @throws ConfigError if the steps do not divide as asked, or if only some rows state an epoch.
 */
export function groupEpochs(
  visits: readonly Visit[],
  pattern: StepPattern,
  rule: EpochRule,
  pool: number | undefined,
  iterations: number,
  epochless = 'a row',
): Grouping {
  const { steps, every } = pattern;
  const last = steps.at(-1) ?? 0;
  // Steps count from 0 or 1. A later start means that the run was continued, or not logged before.
  const first = every > 1 && steps[0] === every ? 1 : (steps[0] ?? 0);
  const span = last - first + 1;
  if (rule.stepsPerEpoch !== undefined || rule.epochs !== undefined) {
    const per = rule.stepsPerEpoch ?? span / (rule.epochs ?? 1);
    if (!Number.isInteger(per)) {
      throw new ConfigError(
        `${span} steps do not divide into ${rule.epochs ?? 1} epochs; say --steps-per-epoch`,
      );
    }
    return byNumber(first, span, per, 'steps per epoch', rule.epochs);
  }
  const named = visits.filter(({ epoch }) => epoch !== undefined).length;
  if (named === visits.length) {
    const lowest = visits.reduce((least, { epoch = 0 }) => Math.min(least, epoch), Infinity);
    const highest = visits.reduce((most, { epoch = 0 }) => Math.max(most, epoch), 0);
    return {
      epochs: highest - lowest + 1,
      stepsPerEpoch: null,
      grouping: 'epoch field',
      epochOf: ({ epoch = 0 }) => epoch - lowest,
      doubt: undefined,
    };
  }
  if (named > 0) {
    throw new ConfigError(
      `${epochless}: no field epoch, which other rows have; say --steps-per-epoch or --epochs`,
    );
  }
  const rolled = rolledOut(visits);
  const once = oncePerEpoch(rolled);
  // If all epochs have equally many steps and no step is missing, a repeated prompt can only begin
  // the next epoch. Prompts that an engine drops because they do not fill a batch change nothing.
  const lengths = new Set(once.lengths.slice(0, -1));
  const lost = pattern.lost > 0;
  if (once.epochs === 1 && !lost) return once;
  if (lengths.size <= 1 && !lost && (once.lengths.at(-1) ?? 0) <= Math.max(0, ...lengths)) {
    return once;
  }
  // A step that is missing between logged steps may have shared a generation with them.
  const known = pool ?? new Set(visits.map(({ row }) => row)).size;
  const whole = once.epochs > 1 && once.sizes.every((size) => size === known);
  if (every > 1 && whole) {
    return {
      ...once,
      doubt: `every prompt comes once in each, though ${pattern.lost} steps are missing`,
    };
  }
  const likely = likelyStepsPerEpoch(visits, rolled, pool, iterations, (per) =>
    byNumber(first, span, per, 'prompts per step'),
  );
  if (likely.per !== undefined) {
    const found = byNumber(first, span, likely.per, 'prompts per step');
    return { ...withoutGaps(found, visits), doubt: likely.sure ? undefined : likely.why };
  }
  const why = lost
    ? `${pattern.lost} steps are missing`
    : `they would hold ${listed(once.lengths)} steps`;
  return { ...once, doubt: why };
}

/** Divides by step number into epochs of `per` steps. */
function byNumber(
  first: number,
  span: number,
  per: number,
  grouping: EpochGrouping,
  epochs?: number,
): Grouping {
  const base = first <= 1 || first > per ? first : 1;
  return {
    epochs: epochs ?? Math.ceil((span + first - base) / per),
    stepsPerEpoch: per,
    grouping,
    epochOf: ({ step }) => Math.floor((step - base) / per),
    doubt: undefined,
  };
}

/** Removes epochs without any step, and renumbers the others. */
function withoutGaps(grouping: Grouping, visits: readonly Visit[]): Grouping {
  const there = [...new Set(visits.map(grouping.epochOf))].sort((a, b) => a - b);
  const places = new Map(there.map((epoch, i) => [epoch, i]));
  const epochOf = (visit: Visit): number => places.get(grouping.epochOf(visit)) ?? there.length;
  return { ...grouping, epochs: there.length, epochOf };
}

/** The prompts of each step, in the order of the steps. */
function rolledOut(visits: readonly Visit[]): [number, Set<number>][] {
  const byStep = new Map<number, Set<number>>();
  for (const { row, step } of visits) {
    const rows = byStep.get(step);
    if (rows) rows.add(row);
    else byStep.set(step, new Set([row]));
  }
  return [...byStep].sort(([a], [b]) => a - b);
}

/** Begins a new epoch at each step that repeats a prompt of the current epoch. */
function oncePerEpoch(
  rolled: readonly (readonly [number, ReadonlySet<number>])[],
): Grouping & { readonly lengths: readonly number[]; readonly sizes: readonly number[] } {
  const epochByStep = new Map<number, number>();
  const lengths = [0];
  const sizes: number[] = [];
  let seen = new Set<number>();
  for (const [step, rows] of rolled) {
    if ([...rows].some((row) => seen.has(row))) {
      lengths.push(0);
      sizes.push(seen.size);
      seen = new Set();
    }
    for (const row of rows) seen.add(row);
    epochByStep.set(step, lengths.length - 1);
    lengths[lengths.length - 1] = (lengths.at(-1) ?? 0) + 1;
  }
  sizes.push(seen.size);
  return {
    epochs: lengths.length,
    stepsPerEpoch: null,
    grouping: lengths.length === 1 ? 'one epoch' : 'every prompt once',
    epochOf: ({ step }) => epochByStep.get(step) ?? 0,
    doubt: undefined,
    lengths,
    sizes,
  };
}

/**
 * Guesses the steps of an epoch: prompts / prompts per step, rounded down, times `iterations`.
 * Engines drop the prompts that do not fill a step. The guess is sure if the prompts seen and the
 * prompt file give the same number.
 */
function likelyStepsPerEpoch(
  visits: readonly Visit[],
  rolled: readonly (readonly [number, ReadonlySet<number>])[],
  pool: number | undefined,
  iterations: number,
  cut: (per: number) => Grouping,
): { readonly per: number | undefined; readonly sure: boolean; readonly why: string } {
  const sizes = new Set(rolled.map(([, rows]) => rows.size));
  const [size = 0] = sizes;
  if (sizes.size !== 1) return { per: undefined, sure: false, why: '' };
  const seen = new Set(visits.map(({ row }) => row)).size;
  const isPossible = (per: number): boolean => {
    const { epochOf } = cut(per);
    const met = new Set<string>();
    return visits.every((visit) => {
      const key = `${visit.row} ${epochOf(visit)}`;
      if (met.has(key)) return false;
      met.add(key);
      return true;
    });
  };
  const counts = pool === undefined ? [seen] : [seen, pool];
  const candidates = [...new Set(counts.map((count) => Math.floor(count / size) * iterations))];
  const possible = candidates.filter((per) => per > 0 && isPossible(per));
  const [per] = possible;
  const sure = pool !== undefined && candidates.length === 1 && possible.length === 1;
  return {
    per: possible.length === 1 ? per : undefined,
    sure,
    why: `${counted(per ?? 0, 'step')} each because ${counted(size, 'prompt')} a step and ${seen} in all`,
  };
}

const listed = (numbers: readonly number[]): string =>
  numbers.length > 12 ? `${numbers.slice(0, 12).join(', ')}, ...` : numbers.join(', ');
