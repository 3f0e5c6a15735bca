// The runs of the comparison, and which of them are one experiment with several seeds.
import type { ExperimentConfig, ExperimentResults, RunView } from '../../../src/index.ts';
import { inTableOrder, methodEntries, type Makeup, type MethodName } from '../../../src/index.ts';
import type { Condition, ReadResults } from '../../../src/sweep/readings.ts';

/** A run that can be compared. */
export interface ComparedRun {
  /** `recorded`, `shown` for a run in this tab's memory alone, else its name among the stored ones. */
  readonly id: string;
  readonly kind: 'recorded' | 'shown' | 'stored' | 'shared';
  /** When it was made or begun; undefined while nobody knows. */
  readonly date: Date | undefined;
  readonly adapter: string;
  readonly seeds: readonly number[];
  readonly results: ReadResults;
  /** Whether it may still grow. */
  readonly running: boolean;
}

/** Runs of the same settings: their seeds are one experiment. */
export interface Group {
  readonly runs: readonly ComparedRun[];
  readonly config: ExperimentConfig;
  readonly condition: Condition;
  /** FULL first, then in the order of tables: those with a read-out. */
  readonly methods: readonly MethodName[];
  /** Seeds that a later run had again, and that count once. */
  readonly twice: readonly number[];
}

/** What curves and differences need of a run that is under way, or over. */
export function resultsOf(run: RunView): ReadResults | undefined {
  if (run.results) return run.results;
  const base = run.evaluations.base?.at(-1);
  if (!base) return undefined;
  const { config, seed, pool, makeup } = run;
  const seeds = run.seeds.map((one) => ({
    seed: one,
    lim: null,
    pool: { prompts: pool.length },
    scoreQuantiles: [],
    selections: Object.fromEntries(
      one === seed
        ? methodEntries(makeup)
            .filter(([name]) => name !== 'full')
            .map(([name, made]) => [name, summaryOf(made, run)])
        : [],
    ),
  }));
  const methods: ExperimentResults['methods'] = Object.fromEntries(
    methodEntries(run.evaluations)
      .filter(([name]) => (name as string) !== 'base')
      .map(([name, evaluations]) => [name, { prompts: makeup[name]?.prompts ?? 0, evaluations }]),
  );
  return { config, base: { ...base, shipped: false }, seeds, methods };
}

function summaryOf(made: Makeup, { pool }: RunView): ExperimentResults['seeds'][number]['pool'] {
  const { prompts, wrongKeys, easy, learnable, hard } = made;
  const drawn = pool.some(({ origin }) => origin !== undefined);
  return { prompts, ...(drawn ? { wrongKeys, byOrigin: { easy, learnable, hard } } : {}) };
}

/** Settings by their dotted paths, each value as JSON. */
export function settingsOf(config: object): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  const visit = (value: unknown, path: string): void => {
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
      for (const [name, inner] of Object.entries(value)) {
        visit(inner, path === '' ? name : `${path}.${name}`);
      }
    } else if (value !== undefined) found.set(path, JSON.stringify(value));
  };
  visit(config, '');
  return found;
}

const sameSettings = (config: object): string =>
  JSON.stringify([...settingsOf(config)].sort(([a], [b]) => (a < b ? -1 : 1)));

/** Runs of equal settings together, in the order of their first runs. */
export function groupsOf(runs: readonly ComparedRun[]): Group[] {
  const byConfig = new Map<string, ComparedRun[]>();
  for (const run of runs) {
    const key = sameSettings(run.results.config);
    byConfig.set(key, [...(byConfig.get(key) ?? []), run]);
  }
  return [...byConfig.values()].flatMap((members): Group[] => {
    const [first] = members;
    if (!first) return [];
    const seen = new Set<number>();
    const twice: number[] = [];
    const cells = members.flatMap(({ id, results, seeds }) =>
      seeds.flatMap((seed) => {
        if (seen.has(seed)) {
          twice.push(seed);
          return [];
        }
        seen.add(seed);
        return [{ hash: id, factors: {}, seed, results }];
      }),
    );
    cells.sort((a, b) => a.seed - b.seed);
    const names = cells.flatMap(({ results }) =>
      methodEntries(results.methods).flatMap(([name, { evaluations }]) =>
        evaluations.length > 0 ? [name] : [],
      ),
    );
    return [
      {
        runs: members,
        config: first.results.config,
        condition: { factors: {}, cells },
        methods: inTableOrder([...new Set(names)]),
        twice,
      },
    ];
  });
}

/** A setting that is not the same in all runs. */
export interface Differing {
  readonly field: string;
  /** Values as JSON in the order of the runs; undefined where a run has no such setting. */
  readonly values: readonly (string | undefined)[];
}

/** Settings in which runs differ, in the order in which the runs name them. */
export function differingSettings(
  runs: readonly { readonly results: Pick<ReadResults, 'config'> }[],
): Differing[] {
  const all = runs.map(({ results }) => settingsOf(results.config));
  const fields = [...new Set(all.flatMap((one) => [...one.keys()]))];
  return fields.flatMap((field) => {
    const values = all.map((one) => one.get(field));
    return values.every((value) => value === values[0]) ? [] : [{ field, values }];
  });
}
