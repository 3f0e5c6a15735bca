import type { MethodName } from '../selection/methods.ts';

/** Where a comparison is read: at a budget of each method, or at equal total samples. */
type Place =
  | { readonly update: number }
  | { readonly epoch: number }
  | { readonly totalSamples: number }
  | { readonly equal: 'totalSamples' }
  /** The mean accuracy from the base to a read-out. */
  | { readonly areaTo: number };

/** One method minus another, as far as page and table show it. */
export interface ShownContrast {
  /** Name in the file: `P1`. */
  readonly name: string;
  readonly one: MethodName;
  readonly other: MethodName;
  readonly at: Place;
  /** Values of settings, by their dotted paths. */
  readonly where: Readonly<Record<string, unknown>>;
  /** Of an interaction: the settings under which the same difference is subtracted. */
  readonly minus?: Readonly<Record<string, unknown>>;
  readonly pairs: readonly { readonly seed: number; readonly difference: number }[];
  /** Seeds that lack a read-out. */
  readonly missing: readonly number[];
  /** Why no seed can be compared. */
  readonly refused?: string;
  readonly tested?: {
    readonly mean: number;
    /** 95 % over seeds. */
    readonly interval: readonly [low: number, high: number];
    /** 95 % over seeds and prompts. */
    readonly crossed?: readonly [low: number, high: number];
    readonly p: number;
    readonly leastP: number;
    /** The difference that so many seeds of this spread show with 80 %. */
    readonly detectable: number;
    readonly interquartileMean: number;
    readonly improvement: number;
  };
  /** Of a registered contrast: p after Holm's correction, and what follows from it. */
  readonly adjusted?: number;
  readonly verdict?: 'incomplete' | 'ahead' | 'behind' | 'level' | 'undecided';
}

/** What a sweep shows: the comparisons that were fixed before it, and all others. */
export interface ShownEvidence {
  /** Absent if nothing was fixed beforehand. */
  readonly preregistration?: {
    readonly title: string;
    readonly sha256: string;
    readonly alpha: number;
    readonly equivalence: number;
    readonly seeds: readonly number[];
  };
  readonly registered: readonly ShownContrast[];
  /** Areas of the registered pairs, and interactions: always looked at, never judged. */
  readonly secondary: readonly ShownContrast[];
  readonly exploratory: readonly ShownContrast[];
}

/** The interval that is shown first: over seeds and prompts where both are known. */
export const shownInterval = ({
  tested,
}: ShownContrast): readonly [low: number, high: number] | undefined =>
  tested?.crossed ?? tested?.interval;
