// The paper's figures 1 to 4, panel by panel, of a run or of a pool that somebody rolled out.
import { methodLabel } from '../selection/methods.ts';
import type { MetricKey } from '../metrics.ts';
import type { Run } from '../run-folder/finished-run.ts';
import { barChart } from './chart.ts';
import {
  type Chart,
  courseChart,
  type CurveNames,
  curveNamesOf,
  figure,
  learningChart,
  learningEntries,
  meanCurveChart,
  type LegendEntry,
  numbers,
  type ScoredPool,
  styleIn,
  swatchBox,
  trainingChart,
  trainingEntries,
  trajectoryChart,
} from './figures.ts';
import { markup, shortened, type Markup } from './markup.ts';
import { benchmarkTiers } from './paper.ts';
import {
  armsOf,
  baseEstimate,
  finalEstimate,
  inScoreOrder,
  isEvaluated,
  onTier,
  readoutText,
} from './readings.ts';
import { fixed } from './text.ts';

/** A panel of the paper's figures, as it leaves the page. */
export interface Panel {
  /** Name of its file, without the ending: `figure-4-math500`. */
  readonly file: string;
  readonly title: string;
  readonly drawing: Markup;
  /** What its lines and colours mean. */
  readonly legend: readonly LegendEntry[];
}

/** The run's tiers in the order of the paper's columns, those that are no benchmark of it last. */
function tiersInOrder(run: Run): string[] {
  const tiers = Object.keys(run.results.base.tiers);
  const known = benchmarkTiers(tiers).map(({ tier }) => tier);
  return [...known, ...tiers.filter((tier) => !known.includes(tier))];
}

/** The tier of figure 1: AIME2024, else the first. */
function firstTier(run: Run): string | undefined {
  const tiers = Object.keys(run.results.base.tiers);
  const aime = benchmarkTiers(tiers).find(({ benchmark }) => benchmark === 'AIME2024');
  return aime?.tier ?? tiers[0];
}

/** Longest name of a tier in a caption, in characters. */
const LONGEST_NAME = 40;

/** Accuracy on each tier over read-outs: the paper's figures 1a and 4. */
export function tierFigures(run: Run, id: string): Markup {
  const first = firstTier(run);
  return markup`${tiersInOrder(run).map((tier, i) => {
    const { drawing, data } = tierChart(run, tier, `${id}tier-${i}`);
    const panels = tier === first ? 'figures 1a and 4' : 'figure 4';
    return figure(
      drawing,
      markup`<b>${shortened(tier, LONGEST_NAME)}.</b> Accuracy at equal read-outs. The paper’s ${panels}.`,
      data,
    );
  })}`;
}

const tierChart = (run: Run, tier: string, id: string): Chart =>
  learningChart(onTier(run, tier), id, { what: shortened(tier, LONGEST_NAME) });

/** The base and the methods that train on less than the pool, or on other data: the bars of figure 1b. */
const barNames = (run: Run) => ['base' as const, ...armsOf(run)];

/** Accuracy on each tier at the table's read-out: the paper's figure 1b; empty without arms. */
export function barFigure(run: Run, id: string): Markup {
  if (armsOf(run).length === 0) return markup``;
  const { drawing, data } = barsOf(run, `${id}bars`);
  return figure(
    drawing,
    markup`<b>Less data, method by method</b>, after ${readoutText(run, run.results.config.experiment.tableReadout)}, in percent: ${barNames(
      run,
    ).map(
      (name, i) =>
        markup`${i === 0 ? '' : ', '}${swatchBox(styleIn(run, name).color)} ${name === 'base' ? 'base' : methodLabel(name)}`,
    )}. The paper’s figure 1b.`,
    data,
  );
}

function barsOf(run: Run, id: string): Chart {
  const tiers = tiersInOrder(run);
  const views = tiers.map((tier) => onTier(run, tier));
  const bars = barNames(run).map((name) => ({
    name: name === 'base' ? 'base' : methodLabel(name),
    color: styleIn(run, name).color,
    values: views.map(
      (view) => (name === 'base' ? baseEstimate(view) : finalEstimate(view, name))?.mean ?? NaN,
    ),
  }));
  const names = tiers.map((tier) => shortened(tier, LONGEST_NAME));
  const drawing = barChart({
    width: 460,
    height: 300,
    id,
    label: `Accuracy on ${names.join(', ')} of ${bars.map(({ name }) => name).join(', ')}. Numbers in the table below.`,
    xName: 'held-out tier',
    yName: 'share right',
    groups: names,
    bars,
  });
  const data = numbers(
    ['method', ...names],
    bars.map(({ name, values }) => [name, ...values.map((value) => fixed(value))]),
  );
  return { drawing, data };
}

/** Every panel that a run has the numbers for, in the order of the paper. */
export function runPanels(run: Run): Panel[] {
  const [first] = run.results.seeds.flatMap(({ lim }, i) => {
    const scores = run.scores[i] ?? [];
    return lim && scores.length > 0 ? [{ ranked: inScoreOrder(scores), lim }] : [];
  });
  const learning = learningEntries(run);
  const tier = firstTier(run);
  const tierPanel = (name: string, figureName: string): Panel => ({
    file: `${figureName}-${fileNameOf(name)}`,
    title: `Accuracy on ${name}`,
    drawing: tierChart(run, name, `${figureName}-${fileNameOf(name)}`).drawing,
    legend: learning,
  });
  const training = (file: string, title: string, key: MetricKey): Panel[] => {
    const chart = trainingChart(run, file, key);
    return chart ? [{ file, title, drawing: chart.drawing, legend: trainingEntries(run) }] : [];
  };
  const evaluated = isEvaluated(run);
  return [
    ...(tier === undefined ? [] : [tierPanel(tier, 'figure-1a')]),
    ...(evaluated && armsOf(run).length > 0
      ? [
          {
            file: 'figure-1b',
            title: 'Methods that train on less data',
            drawing: barsOf(run, 'figure-1b').drawing,
            legend: barNames(run).map((name) => ({
              style: { color: styleIn(run, name).color, symbol: 'rect' as const },
              text: name === 'base' ? 'base' : methodLabel(name),
            })),
          },
        ]
      : []),
    ...(first ? dynamicsPanels(curveNamesOf(run, first.lim), first) : []),
    ...(evaluated
      ? [
          {
            file: 'figure-3a',
            title: 'Held-out accuracy',
            drawing: learningChart(run, 'figure-3a').drawing,
            legend: learning,
          },
        ]
      : []),
    ...training('figure-3b', 'Response length', 'response_length_mean'),
    ...training('figure-3c', 'Mean reward', 'reward_mean'),
    ...uniqueFiles(tiersInOrder(run).map((name) => tierPanel(name, 'figure-4'))),
  ];
}

/** The panels of figure 2: how the prompts of a pool went, and against the mean curve. */
function dynamicsPanels(names: CurveNames, pool: ScoredPool): Panel[] {
  const courses = courseChart(names, pool, 'figure-2a');
  const mean = { style: { color: 'var(--mean)', symbol: 'none' as const }, text: 'mean curve' };
  const trajectories = (kept: boolean, file: string, color: string): Panel[] => {
    const chart = trajectoryChart(names, pool, file, kept);
    if (!chart) return [];
    const text = kept ? 'kept by LIM' : 'rejected by LIM';
    return [
      {
        file,
        title: `Learning trajectories, ${text}`,
        drawing: chart.drawing,
        legend: [{ style: { color, symbol: 'none' }, text }, mean],
      },
    ];
  };
  return [
    ...(courses
      ? [
          {
            file: 'figure-2a',
            title: 'Learning dynamics of prompts',
            drawing: courses.drawing,
            legend: courses.kinds.map(({ name, color }) => ({
              style: { color, symbol: 'none' as const },
              text: name,
            })),
          },
        ]
      : []),
    ...trajectories(true, 'figure-2b', 'var(--lim)'),
    ...trajectories(false, 'figure-2b-rejected', 'var(--rejected)'),
  ];
}

/**
 * The panels that rollouts alone have the numbers for: those of figure 2, the mean signal over data
 * epochs, and the same for each kind of prompts.
 *
 * @param kinds Prompts by benchmark, or whatever else their rows say; empty if they say nothing.
 */
export function poolPanels(
  names: CurveNames,
  pool: ScoredPool,
  kinds: readonly { readonly name: string; readonly pool: ScoredPool }[],
): Panel[] {
  const mean = (file: string, title: string, { lim, ranked }: ScoredPool): Panel => ({
    file,
    title,
    drawing: meanCurveChart(names, [{ lim }], ranked, file).drawing,
    legend: [],
  });
  const signal = pool.lim.signal === 'accuracy' ? 'Accuracy' : 'Mean reward';
  return [
    ...dynamicsPanels(names, pool),
    mean(pool.lim.signal === 'accuracy' ? 'figure-3a' : 'figure-3c', `${signal} of the pool`, pool),
    ...uniqueFiles(
      kinds.map((kind) =>
        mean(`figure-4-${fileNameOf(kind.name)}`, `${signal} on ${kind.name}`, kind.pool),
      ),
    ),
  ];
}

/** A name of a tier as a part of a file's name: letters, digits and dashes. */
const fileNameOf = (name: string): string =>
  name
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, LONGEST_NAME) || 'tier';

/** The panels with files of their own: equal names are numbered. */
function uniqueFiles(panels: readonly Panel[]): Panel[] {
  const taken = new Map<string, number>();
  return panels.map((panel) => {
    const before = taken.get(panel.file) ?? 0;
    taken.set(panel.file, before + 1);
    return before === 0 ? panel : { ...panel, file: `${panel.file}-${before + 1}` };
  });
}
