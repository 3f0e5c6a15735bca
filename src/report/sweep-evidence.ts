import type { MethodName } from '../selection/methods.ts';

/** The words of a test that was fixed before the run. */
export type Verdict =
  /** The first method is above the second, by the adjusted p. */
  | 'above'
  | 'below'
  /** The interval for equivalence lies within the margin. */
  | 'level'
  | 'not told apart'
  | 'no data';

/** A comparison as the tables and figures of a sweep show it. */
export interface Finding {
  /** Name in the file: `P1`. */
  readonly name: string;
  readonly one: MethodName;
  readonly other: MethodName;
  /** Where it is read, in words: `update 40`, `equal total samples`. */
  readonly at: string;
  /** The factors' values of the condition. */
  readonly where: Readonly<Record<string, unknown>>;
  /** The difference by seed; empty without data. */
  readonly bySeed: readonly { readonly seed: number; readonly value: number }[];
  readonly mean?: number;
  /** The interval of the report, and of which kind it is. */
  readonly interval?: readonly [low: number, high: number];
  /** Two-sided p of the exact sign-flip test, before and after Holm's correction. */
  readonly p?: number;
  readonly adjusted?: number;
  readonly verdict: Verdict;
  /** What else belongs to it in sentences: the effect these seeds could have seen. */
  readonly notes?: readonly string[];
}

/** What was fixed before the first seed, and what came of it. */
export interface Registered {
  readonly title: string;
  /** SHA-256 of the file, in hex. */
  readonly sha256: string;
  readonly alpha: number;
  /** Margin within which two methods count as level. */
  readonly equivalence: number;
  /** Kind of the findings' intervals, in words. */
  readonly intervals: string;
  readonly seeds: readonly number[];
  readonly findings: readonly Finding[];
}

/** The comparisons of a sweep that were fixed before it, if any, and the others that were tested. */
export interface Evidence {
  readonly registered?: Registered;
  readonly exploratory?: readonly Finding[];
}
