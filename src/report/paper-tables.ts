// The paper's tables 2 and 3 of a run whose tiers are benchmarks of the paper, with the paper's rows.
import { describeTask } from '../tasks/registry.ts';
import { isSupervised, methodLabel, type MethodName } from '../selection/methods.ts';
import type { Run } from '../run-folder/finished-run.ts';
import { tableOf } from './document.ts';
import { markup, shortened, type Markup, type Part } from './markup.ts';
import {
  type Benchmark,
  benchmarkNames,
  benchmarkTiers,
  paperRows,
  paperSampling,
  type PaperRow,
} from './paper.ts';
import {
  baseEstimate,
  finalEstimate,
  methodsOf,
  onTier,
  promptsOf,
  readoutText,
} from './readings.ts';
import type { Estimate } from '../interval.ts';
import { count, fixed } from './text.ts';

/** Columns of a table: the paper's benchmarks, and the run's tiers that are none of them. */
interface Columns {
  readonly benchmarks: readonly Benchmark[];
  /** The run's tier of each benchmark; absent where the run has none. */
  readonly tiers: ReadonlyMap<Benchmark, string>;
  readonly others: readonly string[];
}

const columnsOf = (run: Run): Columns => {
  const own = Object.keys(run.results.base.tiers);
  const tiers = new Map(benchmarkTiers(own).map(({ benchmark, tier }) => [benchmark, tier]));
  const taken = new Set(tiers.values());
  return {
    benchmarks: benchmarkNames,
    tiers,
    others: own.filter((tier) => !taken.has(tier)),
  };
};

/** Percent with a digit, as the paper has it. */
const inPercent = (share: number): string => fixed(100 * share, 1);

const averageCell = (estimate: Estimate | undefined): Part => {
  if (!estimate) return 'none';
  const { mean, low, high } = estimate;
  const interval = low === high ? '' : `${inPercent(low)} to ${inPercent(high)}`;
  return markup`<b>${inPercent(mean)}</b>${interval === '' ? '' : markup`<small>${interval}</small>`}`;
};

/** A row of the paper, marked as the paper's. */
const paperCells = ({ name, questions, accuracy, average }: PaperRow, columns: Columns): Part[] =>
  [
    `the paper’s ${name}`,
    questions === undefined ? '' : count(questions),
    ...columns.benchmarks.map((benchmark) => fixed(accuracy[benchmark], 1)),
    ...columns.others.map(() => ''),
    fixed(average, 1),
  ].map((text) => markup`<i>${text}</i>`);

/** A row of the run: the base, or a method at the table's read-out. */
function ownCells(run: Run, name: MethodName | 'base', columns: Columns): Part[] {
  const estimateOf = (of: Run): Estimate | undefined =>
    name === 'base' ? baseEstimate(of) : finalEstimate(of, name);
  const on = (tier: string | undefined): string => {
    if (tier === undefined) return '';
    const estimate = estimateOf(onTier(run, tier));
    return estimate ? inPercent(estimate.mean) : 'none';
  };
  return [
    name === 'base' ? 'base' : methodLabel(name),
    name === 'base' ? '' : promptsOf(run, name),
    ...columns.benchmarks.map((benchmark) => on(columns.tiers.get(benchmark))),
    ...columns.others.map(on),
    averageCell(estimateOf(run)),
  ];
}

/** How the numbers of the run and of the paper came about, and what their averages are of. */
function conditions(run: Run, { tiers, others, benchmarks }: Columns): string {
  const { answers = '' } = describeTask(run.results.config.task);
  const own = tiers.size + others.length;
  const same = own === benchmarks.length && others.length === 0;
  const average = same
    ? ''
    : ` The run’s average is of its ${own === 1 ? 'one tier' : `${own} tiers`}, the paper’s of its three benchmarks: the two do not compare.`;
  return (
    `In percent, after ${readoutText(run, run.results.config.experiment.tableReadout)}${answers === '' ? '' : ` (${answers})`}. ` +
    `Rows in italics are the paper’s, of Qwen2.5-Math-7B at the end of its training; it evaluates ${paperSampling}.${average}`
  );
}

/**
 * Table 2 of the paper, and table 3 where a run has methods of supervised fine-tuning; empty unless
 * a tier is one of the paper's benchmarks.
 */
export function paperTables(run: Run): Markup {
  const columns = columnsOf(run);
  if (columns.tiers.size === 0) return markup``;
  const methods = methodsOf(run);
  /** The run's own rows, and the paper's that they stand beside. */
  const rowsOf = (own: readonly (MethodName | 'base')[], like?: PaperRow['like']): Part[][] => [
    ...own.map((name) => ownCells(run, name, columns)),
    ...paperRows.filter((row) => row.like === like).map((row) => paperCells(row, columns)),
  ];
  const beside = (name: MethodName | 'base'): Part[][] =>
    rowsOf(name === 'base' || methods.includes(name) ? [name] : [], name);
  const table = (name: string, rows: readonly Part[][], more = ''): Markup =>
    tableOf({
      caption: markup`<b>The paper’s ${name}, beside this run.</b> ${conditions(run, columns)}${more}`,
      head: [
        'method',
        'questions',
        ...columns.benchmarks,
        ...columns.others.map((tier) => shortened(tier, 24)),
        'AVG.',
      ],
      rows,
    });
  const tried = ['base', 'full', 'rand', 'linear', 'lim'] as const;
  const others = methods.filter(
    (name) => !isSupervised(name) && !tried.some((one) => one === name),
  );
  const taught = methods.filter(isSupervised);
  return markup`${table('table 2', [...tried.flatMap(beside), ...rowsOf(others)])}${
    taught.length === 0
      ? ''
      : table(
          'table 3',
          [...beside('base'), ...rowsOf(taught, 'sft'), ...beside('lim')],
          ' Supervised rows are read at the end of their own training.',
        )
  }`;
}
