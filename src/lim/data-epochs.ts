import { ConfigError } from '../config-error.ts';
import { counted } from '../look/wording.ts';

/** How rollouts are cut into data epochs. */
export interface EpochRule {
  readonly stepsPerEpoch?: number | undefined;
  readonly epochs?: number | undefined;
}

/** A prompt that was rolled out in a step. */
export interface Visit {
  readonly row: number;
  readonly step: number;
  /** Data epoch that the file gives it. */
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
  /** Why the epochs may be others; undefined where they cannot. */
  readonly doubt: string | undefined;
}

/** The steps of a run as its files have them. */
export interface StepPattern {
  /** All of them, ascending, those that repeat a generation too. */
  readonly steps: readonly number[];
  /** Steps between two that are logged: 1 where every one is. */
  readonly every: number;
  /** Steps that were made and are in no file. */
  readonly lost: number;
}

/** Steps, and whether they are logged at equal distances, as `logging_steps` makes them. */
export function stepPattern(found: Iterable<number>): StepPattern {
  const steps = [...found].sort((a, b) => a - b);
  const [first = 0, second = 0] = steps;
  const last = steps.at(-1) ?? 0;
  const every = second - first;
  const isRegular =
    steps.length > 2 &&
    every > 1 &&
    steps.every((step, i) => i === 0 || step - (steps[i - 1] ?? 0) === every);
  // What is logged at 10, 20, 30 began at 1.
  if (isRegular && first === every) return { steps, every, lost: last - steps.length };
  return {
    steps,
    every: isRegular ? every : 1,
    lost: Math.max(0, last - first + 1 - steps.length),
  };
}

/**
 * Cuts rollouts into data epochs: as asked, by the epochs that the rows name, or by each prompt's coming
 * once in every epoch.
 *
 * @param visits Without those that repeat a generation.
 * @param pool Prompts of the prompt file; undefined where there is none.
 * @param iterations Steps that a generation was used for.
 * @param epochless The first row without an epoch, for messages.
 * @throws ConfigError when the steps do not divide as asked, or a row says no epoch while others do.
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
  // Steps count from 0 or 1; a later start is a run that was continued, or not logged before.
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
  // In epochs that all have as many steps, with every step there, a prompt that comes again can only
  // have begun the next one. Prompts that an engine drops for want of a whole batch change nothing.
  const lengths = new Set(once.lengths.slice(0, -1));
  const lost = pattern.lost > 0;
  if (once.epochs === 1 && !lost) return once;
  if (lengths.size <= 1 && !lost && (once.lengths.at(-1) ?? 0) <= Math.max(0, ...lengths)) {
    return once;
  }
  // Steps lost between two that are logged need not have lost a generation.
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

/** Epochs of so many steps by the numbers of the steps. */
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

/** The same epochs without those of which no step is there. */
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

/** A new epoch begins with the first step that rolls out a prompt seen in the present one. */
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
 * Steps in an epoch by what a step takes of the prompts, with what is left of them dropped: so every
 * engine here shuffles. Sure where the prompts that were seen and those of the prompt file say the same.
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
