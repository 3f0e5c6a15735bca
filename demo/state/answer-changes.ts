// What changed from the answers of one data epoch to those of another: both were drawn for the same
// prompt by the same method.
import type { Completion, Verdict } from '../../src/index.ts';
import { workedSteps, type WorkedResponse } from './worked-steps.ts';

/** Equal answers, and how often they were drawn in each of two epochs. */
export interface AnswerChange {
  readonly text: string;
  readonly verdict: Verdict;
  readonly before: number;
  readonly after: number;
}

/** Answers of an epoch at one step of a prompt's arithmetic. */
export interface StepTally {
  /** Answers whose step is right, given the value before it. */
  readonly right: number;
  /** Answers whose form can be read. */
  readonly of: number;
  /** The value that most of them have; of equally frequent ones the first drawn. Undefined for none. */
  readonly most: string | undefined;
}

export interface StepChange {
  /** As `7 − 3`, or `… × 4` for a later step. */
  readonly text: string;
  readonly before: StepTally;
  readonly after: StepTally;
}

/** Answers that earn the full reward, of all. */
export interface Share {
  readonly paid: number;
  readonly of: number;
}

export interface Changes {
  readonly before: Share;
  readonly after: Share;
  /** Those that are paid first, then by how much more often they were drawn. */
  readonly answers: readonly AnswerChange[];
  /** Empty where the task has no steps, or no answer can be read. */
  readonly steps: readonly StepChange[];
}

const isPaid = (verdict: Verdict): boolean =>
  verdict === 'right' || verdict === 'matches-wrong-key';

/**
 * @param verdictOn The verdict on an answer to the prompt.
 * @param arithmetic The prompt as people read it and the modulus, where the task is digit arithmetic.
 */
export function changesOf(
  before: readonly Completion[],
  after: readonly Completion[],
  verdictOn: (completion: Completion) => Verdict,
  arithmetic: { readonly prompt: string; readonly modulus: number } | undefined,
): Changes {
  const rows = new Map<string, AnswerChange>();
  for (const [completions, side] of [
    [before, 'before'],
    [after, 'after'],
  ] as const) {
    for (const one of completions) {
      const row = rows.get(one.text) ?? {
        text: one.text,
        verdict: verdictOn(one),
        before: 0,
        after: 0,
      };
      rows.set(one.text, { ...row, [side]: row[side] + 1 });
    }
  }
  const answers = [...rows.values()].sort(
    (a, b) =>
      Number(isPaid(b.verdict)) - Number(isPaid(a.verdict)) ||
      b.after - b.before - (a.after - a.before),
  );
  const share = (side: 'before' | 'after', of: number): Share => ({
    paid: answers.reduce((sum, row) => sum + (isPaid(row.verdict) ? row[side] : 0), 0),
    of,
  });
  return {
    before: share('before', before.length),
    after: share('after', after.length),
    answers,
    steps: arithmetic ? stepChanges(before, after, arithmetic) : [],
  };
}

function stepChanges(
  before: readonly Completion[],
  after: readonly Completion[],
  { prompt, modulus }: { readonly prompt: string; readonly modulus: number },
): StepChange[] {
  const worked = (completions: readonly Completion[]): WorkedResponse[] =>
    completions.flatMap(({ text }) => workedSteps(prompt, text, modulus) ?? []);
  const [earlier, later] = [worked(before), worked(after)];
  const [one] = [...earlier, ...later];
  return (one?.steps ?? []).map(({ text }, i) => ({
    // The value before a later step is another one in each answer.
    text: i === 0 ? text : text.replace(/^\d/, '…'),
    before: tally(earlier, i),
    after: tally(later, i),
  }));
}

function tally(worked: readonly WorkedResponse[], step: number): StepTally {
  const counts = new Map<string, number>();
  let right = 0;
  for (const { steps } of worked) {
    const own = steps[step];
    if (!own) continue;
    if (own.right) right++;
    counts.set(own.given, (counts.get(own.given) ?? 0) + 1);
  }
  const [most] = [...counts].sort(([, a], [, b]) => b - a);
  return { right, of: worked.length, most: most?.[0] };
}

/** The places of the steps whose value differs between two answers; every one if one has no steps. */
export function changedSteps(
  one: WorkedResponse | undefined,
  other: WorkedResponse | undefined,
): ReadonlySet<number> {
  const steps = other?.steps ?? [];
  return new Set(
    steps.flatMap(({ given, text }, i) => {
      const own = one?.steps[i];
      return own?.given === given && own.text === text ? [] : [i];
    }),
  );
}
