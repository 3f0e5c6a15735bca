// The numbers of the paper: Li, Zou and Liu 2025, arXiv:2502.11886, tables 2 and 3.
import type { MethodName } from '../selection/methods.ts';

/** The paper's benchmarks, in the order of its columns. */
export const benchmarkNames = ['AIME2024', 'MATH500', 'AMC2023'] as const;

/** A benchmark of the paper. */
export type Benchmark = (typeof benchmarkNames)[number];

/** How the paper samples on each benchmark (its section 3.1). */
export const paperSampling =
  'MATH500 greedily, AIME2024 and AMC2023 by the mean of 4 samples at temperature 0.4';

/** A row of the paper's tables, in percent. */
export interface PaperRow {
  /** As the paper writes it. */
  readonly name: string;
  /** What is trained the same way here: a method, or the base. */
  readonly like: MethodName | 'base';
  /** Training prompts; absent for the base. */
  readonly questions?: number;
  readonly accuracy: Readonly<Record<Benchmark, number>>;
  /** The column AVG. */
  readonly average: number;
}

const row = (
  name: string,
  like: PaperRow['like'],
  questions: number | undefined,
  [aime, math, amc, average]: readonly [number, number, number, number],
): PaperRow => ({
  name,
  like,
  ...(questions === undefined ? {} : { questions }),
  accuracy: { AIME2024: aime, MATH500: math, AMC2023: amc },
  average,
});

/** The rows of table 2, and those that table 3 adds. */
export const paperRows: readonly PaperRow[] = [
  row('Qwen-Math-7B', 'base', undefined, [16.7, 52.4, 52.5, 40.5]),
  row('Qwen-Math-7B-FULL', 'full', 8523, [32.5, 76.6, 61.9, 57]),
  row('Qwen-Math-7B-RAND', 'rand', 1389, [25.8, 66, 56.3, 49.4]),
  // Its section 2.3 says 1,189 questions.
  row('Qwen-Math-7B-LINEAR', 'linear', 1138, [28.3, 74.6, 61.9, 54.9]),
  row('LIMR', 'lim', 1389, [32.5, 78, 63.8, 58.1]),
  row('Qwen-Math-7B-s1', 'sft', 1000, [15.8, 55.8, 42.5, 38]),
  row('Qwen-Math-7B-LIMO', 'sft', 817, [15.8, 65, 56.3, 45.7]),
];

/** The paper's average of a method over its benchmarks, in percent; undefined if it tried no such. */
export const paperAverageOf = (method: MethodName): number | undefined =>
  paperRows.find(({ like }) => like === method)?.average;

const patterns: Readonly<Record<Benchmark, RegExp>> = {
  AIME2024: /aime(?:20)?24/,
  MATH500: /math500/,
  AMC2023: /amc(?:20)?23/,
};

/**
 * The benchmarks of the paper among a run's tiers, by the names of their files, such as `aime24` or
 * `MATH-500`: a tier for each benchmark that has one, in the order of the paper's columns.
 */
export function benchmarkTiers(
  tiers: readonly string[],
): { readonly benchmark: Benchmark; readonly tier: string }[] {
  const plain = (tier: string): string => tier.toLowerCase().replace(/[^a-z0-9]/g, '');
  return benchmarkNames.flatMap((benchmark) => {
    const tier = tiers.find((one) => patterns[benchmark].test(plain(one)));
    return tier === undefined ? [] : [{ benchmark, tier }];
  });
}
