import {
  DIMMED,
  lineLook,
  markPath,
  rampSteps,
  runLooks,
  type LineLook,
  type LineName,
} from '../look/tokens.ts';
import { percent } from '../look/wording.ts';
import { metric, type MetricKey } from '../metrics.ts';
import type { LimSummary, ScoredPrompt } from '../results.ts';
import { estimatorLabel } from '../vocabulary/estimators.ts';
import { methodLabel, type MethodName } from '../selection/methods.ts';
import {
  type Backdrop,
  heatMap,
  histogram,
  lineChart,
  type Line,
  type Point,
  type SeriesStyle,
} from './chart.ts';
import { type Course, courseOf, courses } from './course.ts';
import { leastSeeds } from '../interval.ts';
import { markup, raw, type Markup } from './markup.ts';
import { cutOf, cutText } from './cut.ts';
import {
  armsOf,
  baseEstimate,
  keptIds,
  lastUpdate,
  learningCurve,
  methodsOf,
  passUpdates,
  readersOf,
  selectionUpdates,
  thinned,
  trainingCurve,
  unitOf,
  metricMeaning,
} from './readings.ts';
import type { Run } from '../run-folder/finished-run.ts';
import { describeTask } from '../tasks/registry.ts';
import { average, count, counted, fixed, listed } from './text.ts';

const styleOf = ({
  tone,
  dash,
  mark,
  width,
}: Pick<LineLook, 'tone' | 'dash' | 'mark'> & { readonly width?: number }): SeriesStyle => ({
  color: `var(${tone})`,
  ...(dash.length > 0 ? { dash } : {}),
  symbol: mark,
  ...(width === undefined ? {} : { width }),
});

/** The style of a line in the figures of a run. */
export const styleIn = (run: Run, name: LineName): SeriesStyle =>
  styleOf(lineLook(name, methodsOf(run)));

/** Styles of the runs of a comparison; colour, dash and symbol tell the runs apart. */
export const runStyles: readonly SeriesStyle[] = runLooks.map(styleOf);

/** Colours of the matrix, lowest share first. */
const heat = Array.from({ length: rampSteps }, (_, i) => `var(--ramp-${i})`);

/**
 * Most points of a training curve, and most columns of a heat map: their width can show no more.
 */
const MOST_POINTS = 160;
const MOST_COLUMNS = 320;
const MOST_ROWS = 48;
/** Most prompts drawn in one panel of trajectories. */
const MOST_CURVES = 200;
/** One bar counts all lower scores; a nearly solved pool has scores down to minus millions. */
const LOWEST_SCORE = -5;

/** A figure with a caption below, and with its data as a table if given. */
export const figure = (drawing: Markup, caption: Markup, data?: Markup): Markup => markup`<figure>
<div class="drawing">${drawing}</div>
<figcaption>${caption}</figcaption>
${data ?? ''}</figure>
`;

/** The panel of the paper that a figure corresponds to, behind a caption; empty for none. */
const panelText = (panel: string | undefined): string =>
  panel === undefined ? '' : ` The paper’s figure ${panel}.`;

/** The numbers of a figure as a folded table. */
export const numbers = (head: readonly string[], rows: readonly (readonly string[])[]): Markup =>
  markup`<details class="numbers"><summary>Numbers</summary><div class="scroll"><table><thead><tr>${head.map(
    (text) => markup`<th scope="col">${text}</th>`,
  )}</tr></thead><tbody>${rows.map(
    ([first = '', ...rest]) =>
      markup`<tr><th scope="row">${first}</th>${rest.map((text) => markup`<td>${text}</td>`)}</tr>`,
  )}</tbody></table></div></details>
`;

/** What a line of a figure means. */
export interface LegendEntry {
  readonly style: SeriesStyle;
  readonly text: string;
}

/** The legend of a group of figures, outside of the figures so that it is text. */
export const legend = (entries: readonly LegendEntry[]): Markup =>
  markup`<p class="legend">${entries.map(
    ({ style, text }) => markup`<span>${swatch(style)} ${text}</span> `,
  )}</p>
`;

function swatch({ color, dash, symbol, width = 2 }: SeriesStyle): Markup {
  const dashes = dash ? ` stroke-dasharray="${dash.join(',')}"` : '';
  const mark = markPath(symbol, 18, 7);
  return raw(
    `<svg class="swatch" viewBox="0 0 36 14" aria-hidden="true"><path d="M1 7H35" fill="none" stroke="${color}" stroke-width="${width}"${dashes}/>${
      mark === '' ? '' : `<path d="${mark}" fill="${color}"/>`
    }</svg>`,
  );
}

const trained = (run: Run): MethodName[] =>
  methodsOf(run).filter((method) => learningCurve(run, method).length > 0);

/** What the lines of learning curves mean. */
export const learningEntries = (run: Run): LegendEntry[] => [
  { style: styleIn(run, 'base'), text: 'base' },
  ...trained(run).map((method) => ({ style: styleIn(run, method), text: methodLabel(method) })),
];

/** What the lines of training curves mean. */
export const trainingEntries = (run: Run): LegendEntry[] =>
  methodsOf(run)
    .filter((method) => lastUpdate(run, method) > 0)
    .map((method) => ({
      style: { ...styleIn(run, method), symbol: 'none' },
      text: methodLabel(method),
    }));

export const learningLegend = (run: Run): Markup => legend(learningEntries(run));

/** Empty for a single method, which has nothing to be told from. */
export function trainingLegend(run: Run): Markup {
  const entries = trainingEntries(run);
  return entries.length < 2 ? markup`` : legend(entries);
}

const wide = { width: 460, height: 300 };
const narrow = { width: 380, height: 250 };
const middle = { width: 460, height: 270 };

/** How held-out prompts were answered, behind a noun; empty where each tier says it for itself. */
const answeringText = ({ results }: Run): string =>
  describeTask(results.config.task).answers === undefined ? ', greedy,' : '';

/** Where the charged curves start, and why. */
function chargedText(run: Run): string {
  const pass = passUpdates(run);
  const costs = armsOf(run).map((method) => ({ method, updates: selectionUpdates(run, method) }));
  const readers = readersOf(run);
  const whole = costs.filter(({ method, updates }) => readers.includes(method) && updates === pass);
  const part = costs.filter(({ updates }) => updates > 0 && updates !== pass);
  const names = (list: typeof costs): string =>
    listed(list.map(({ method }) => methodLabel(method)));
  const others = costs.filter(({ updates }) => updates === 0);
  const chosen =
    whole.length === 0
      ? []
      : [
          `${names(whole)} ${whole.length === 1 ? 'is' : 'are'} chosen from the rewards of FULL’s ${counted(pass, 'update')}, so ` +
            `${whole.length === 1 ? 'its curve starts' : 'their curves start'} there.`,
        ];
  const early = part.map(
    ({ method, updates }) =>
      `The selection of ${methodLabel(method)} takes as many responses as ${counted(updates, 'update')}, so its curve starts there.`,
  );
  const free =
    others.length === 0
      ? []
      : [`${names(others)} ${others.length === 1 ? 'needs' : 'need'} no pass.`];
  return [...chosen, ...early, ...free].join(' ');
}

/** A drawing with its numbers. */
export interface Chart {
  readonly drawing: Markup;
  readonly data: Markup;
}

/**
 * Held-out accuracy over read-outs. With `charged`, accuracy over updates, and a method begins after
 * the updates that its selection is worth.
 *
 * @param what Whose accuracy, for the label: `Held-out`, or the name of a tier.
 * @returns The chart, and whether it dims where FULL goes on alone.
 */
export function learningChart(
  run: Run,
  id: string,
  {
    charged = false,
    what = 'Held-out',
  }: { readonly charged?: boolean; readonly what?: string } = {},
): Chart & { readonly dims: boolean } {
  const { results } = run;
  const { tableReadout } = results.config.experiment;
  const pass = passUpdates(run);
  const unit = charged ? 'update' : unitOf(run);
  const base = baseEstimate(run);
  const manySeeds = results.seeds.length >= leastSeeds;
  const curves = methodsOf(run).flatMap((method) => {
    const shift = charged ? selectionUpdates(run, method) : 0;
    const points = learningCurve(run, method).map(({ readout, updates, estimate }) => ({
      x: charged ? updates + shift : readout,
      estimate,
    }));
    return points.length === 0 ? [] : [{ method, points }];
  });
  const last = Math.max(1, ...curves.flatMap(({ points }) => points.map(({ x }) => x)));
  // After this update only FULL has values, and nothing to compare it with.
  const others = curves.filter(({ method }) => method !== 'full').flatMap(({ points }) => points);
  const alone = charged || others.length === 0 ? Infinity : Math.max(...others.map(({ x }) => x));
  const lines: Line[] = [
    ...(base
      ? [
          {
            style: styleIn(run, 'base'),
            points: [
              [0, base.mean],
              [last, base.mean],
            ] as const,
            width: 1.5,
          },
        ]
      : []),
    ...curves.map(({ method, points }): Line => ({
      style: styleIn(run, method),
      points: points
        .filter(({ x }) => x <= alone)
        .map(({ x, estimate }) => [x, estimate.mean] as const),
      // The base's interval is over prompts, so a band over seeds starts at the first read-out.
      ...(manySeeds
        ? {
            band: points
              .slice(1)
              .map(({ x, estimate }) => [x, estimate.low, estimate.high] as const),
          }
        : {}),
    })),
    ...curves.flatMap(({ method, points }): Line[] => {
      const start = Math.max(
        0,
        points.findLastIndex(({ x }) => x <= alone),
      );
      const rest = points.slice(start).map(({ x, estimate }) => [x, estimate.mean] as const);
      return rest.length < 2
        ? []
        : [{ style: styleIn(run, method), points: rest, opacity: DIMMED }];
    }),
  ];
  const drawing = lineChart({
    ...wide,
    id,
    label:
      `${what} accuracy over ${unit}s of ${estimatorLabel(run.results.config.ppo.estimator)} of ${curves.map(({ method }) => methodLabel(method)).join(', ')} and the base` +
      `${charged ? ', with the responses that a selection takes charged to it' : ''}. Numbers in the table below.`,
    xName: charged ? 'updates, FULL pass charged' : `${unit}s`,
    yName: 'share right',
    lines,
    xRange: [0, last],
    rules: charged
      ? [{ x: pass, text: 'FULL pass ends' }]
      : [{ x: tableReadout, text: `table: ${tableReadout}` }],
  });
  const data = numbers(
    [`${unit}s`, ...curves.map(({ method }) => methodLabel(method))],
    [...new Set(curves.flatMap(({ points }) => points.map(({ x }) => x)))]
      .sort((a, b) => a - b)
      .map((x) => [
        count(x),
        ...curves.map(({ points }) => {
          const found = points.find((point) => point.x === x);
          return found
            ? `${fixed(found.estimate.mean)} (${fixed(found.estimate.low)}–${fixed(found.estimate.high)})`
            : '';
        }),
      ]),
  );
  return { drawing, data, dims: alone < last };
}

/** The figure of `learningChart`, over all tiers. */
export function learningFigure(run: Run, id: string, charged: boolean): Markup {
  const { drawing, data, dims } = learningChart(run, id, { charged });
  const unit = unitOf(run);
  const manySeeds = run.results.seeds.length >= leastSeeds;
  const bands = manySeeds
    ? 'Bands: 95 % intervals over seeds.'
    : 'Intervals, over prompts, stand in the table.';
  const caption = charged
    ? markup`<b>The same, with the FULL pass charged.</b> ${chargedText(run)}`
    : markup`<b>Held-out accuracy${answeringText(run)} at equal ${unit}s.</b> The rule marks the read-out of the table, fixed before the run.${dims ? ' Where FULL goes on alone it is dimmed.' : ''} ${bands}${panelText('3a')}`;
  return figure(drawing, caption, data);
}

/** The logged scalars of training that get a small figure each. */
export const trainingKeys = [
  'reward_mean',
  'accuracy_mean',
  'kl_mean',
  'response_length_mean',
  'format_error_rate',
  'informative_groups',
  'cut_share',
  'supervised_loss',
] as const satisfies readonly MetricKey[];

/** A logged scalar over updates; undefined if no method has logged it. */
export function trainingChart(run: Run, id: string, key: MetricKey): Chart | undefined {
  const { name, unit } = metric(key);
  const curves = methodsOf(run).flatMap((method) => {
    const points = trainingCurve(run, method, key);
    return points.length === 0 ? [] : [{ method, points }];
  });
  if (curves.length === 0) return undefined;
  const drawing = lineChart({
    ...narrow,
    id,
    label: `${name} over updates, by method. First and last values in the table below.`,
    xName: 'updates',
    yName: unit || name.toLowerCase(),
    lines: curves.map(({ method, points }) => ({
      style: { ...styleIn(run, method), symbol: 'none' as const },
      points: thinned(points, MOST_POINTS),
      width: 1.6,
    })),
  });
  const data = numbers(
    ['method', 'first update', 'last update'],
    curves.map(({ method, points }) => [
      methodLabel(method),
      fixed(points[0]?.[1] ?? NaN),
      fixed(points.at(-1)?.[1] ?? NaN),
    ]),
  );
  return { drawing, data };
}

/** The paper's panels of what is logged in training. */
const trainingPanels: Readonly<Partial<Record<MetricKey, string>>> = {
  response_length_mean: '3b',
  reward_mean: '3c',
};

export function trainingFigure(run: Run, id: string, key: MetricKey): Markup {
  const chart = trainingChart(run, id, key);
  if (!chart) return markup``;
  const { name, unit } = metric(key);
  const units = unit === '' || unit === 'share' ? '' : `, ${unit}`;
  return figure(
    chart.drawing,
    markup`<b>${name}${units}.</b> ${metricMeaning(run.results.config.task, key)}.${panelText(trainingPanels[key])}`,
    chart.data,
  );
}

/**
 * Range of the signal that LIM used. A user's verifier may pay rewards outside of [-1, 1]; whole
 * numbers then enclose them.
 */
function signalRange(
  { signal, meanCurve }: LimSummary,
  ranked: readonly ScoredPrompt[],
): readonly [number, number] {
  if (signal === 'accuracy') return [0, 1];
  let [low, high] = [-1, 1];
  for (const curve of [meanCurve, ...ranked.map(({ rewards }) => rewards)]) {
    for (const value of curve) {
      if (value === null || !Number.isFinite(value)) continue;
      low = Math.min(low, Math.floor(value));
      high = Math.max(high, Math.ceil(value));
    }
  }
  return [low, high];
}

/** Name of the signal, for its axis. */
const signalName = (signal: LimSummary['signal'], { results }: Run): string =>
  signal === 'reward'
    ? 'mean reward'
    : describeTask(results.config.task).verdicts
      ? 'share judged right'
      : 'share matching the key';

/** What the axes of a pool's curves are called. */
export interface CurveNames {
  readonly signal: string;
  readonly epoch: string;
  /** As `epoch`, within a sentence. */
  readonly said: string;
}

/** The names in the figures of a run. */
export const curveNamesOf = (run: Run, { signal }: LimSummary): CurveNames => ({
  signal: signalName(signal, run),
  epoch: 'data epoch of the FULL pass',
  said: 'data epoch of FULL',
});

const epochPoints = (curve: readonly number[]): Point[] =>
  curve.flatMap((value, k): Point[] => (Number.isFinite(value) ? [[k + 1, value]] : []));

/** The mean signal of a run's pool per data epoch, one line per seed. */
export function runMeanCurveFigure(run: Run, id: string): Markup {
  const scored = run.results.seeds.flatMap(({ seed, lim }) => (lim ? [{ seed, lim }] : []));
  const [first] = scored;
  if (!first) return markup``;
  return meanCurveFigure(curveNamesOf(run, first.lim), scored, run.scores.flat(), id);
}

/** The LIM of a pool, and the seed where there are several. */
interface ScoredSeed {
  readonly seed?: number;
  readonly lim: LimSummary;
}

/** The figure of `meanCurveChart`. */
export function meanCurveFigure(
  names: CurveNames,
  scored: readonly ScoredSeed[],
  prompts: readonly ScoredPrompt[],
  id: string,
): Markup {
  const [first, ...others] = scored;
  if (!first) return markup``;
  const { drawing, data } = meanCurveChart(names, [first, ...others], prompts, id);
  const lines = scored.length > 1 ? ' One line per seed.' : '';
  return figure(
    drawing,
    markup`<b>Mean curve.</b> Mean ${first.lim.signal} of all prompts in each ${names.said}: what each prompt’s own curve is held against.${lines}`,
    data,
  );
}

/** The mean signal of a pool per data epoch, one line per seed. */
export function meanCurveChart(
  names: CurveNames,
  scored: readonly [ScoredSeed, ...ScoredSeed[]],
  prompts: readonly ScoredPrompt[],
  id: string,
): Chart {
  const [{ lim }] = scored;
  const epochs = lim.meanCurve.length;
  const drawing = lineChart({
    ...middle,
    id,
    label: `Mean ${lim.signal} of the pool per data epoch. Numbers in the table below.`,
    xName: names.epoch,
    yName: names.signal,
    xRange: epochs === 1 ? [0, 2] : [1, epochs],
    yRange: signalRange(lim, prompts),
    lines: scored.map((one) => ({
      style: { color: 'var(--mean)', symbol: epochs > 24 ? 'none' : 'circle' },
      points: epochPoints(one.lim.meanCurve),
      width: scored.length > 1 ? 1.4 : 2.4,
    })),
  });
  const data = numbers(
    ['epoch', ...scored.map(({ seed }) => (seed === undefined ? 'mean' : `seed ${seed}`))],
    Array.from({ length: epochs }, (_, k) => [
      String(k + 1),
      ...scored.map((one) => fixed(one.lim.meanCurve[k] ?? NaN)),
    ]),
  );
  return { drawing, data };
}

/** Possible widths of a bar; the smallest that makes at most 40 bars is used. */
const binWidths = [0.05, 0.1, 0.2, 0.5, 1, 2, 5];

/** Scores in bins that end at theta, so that each bin is kept or rejected as a whole. */
export function scoreBins(
  scores: readonly (number | null)[],
  theta: number,
): { start: number; end: number; count: number; kept: boolean }[] {
  const values = scores.filter((score) => score !== null).map((s) => Math.max(s, LOWEST_SCORE));
  if (values.length === 0) return [];
  const low = values.reduce((least, value) => Math.min(least, value), theta);
  const high = values.reduce((most, value) => Math.max(most, value), theta);
  const width = binWidths.find((size) => (high - low) / size <= 40) ?? 10;
  const counts = new Map<number, number>();
  for (const value of values) {
    const bin = Math.floor((value - theta) / width);
    counts.set(bin, (counts.get(bin) ?? 0) + 1);
  }
  return [...counts]
    .sort(([a], [b]) => a - b)
    .map(([bin, held]) => ({
      start: theta + bin * width,
      end: theta + (bin + 1) * width,
      count: held,
      kept: bin >= 0,
    }));
}

export function histogramFigure(
  scores: readonly ScoredPrompt[],
  lim: LimSummary,
  id: string,
): Markup {
  const bins = scoreBins(
    scores.map(({ score }) => score),
    cutOf(lim),
  );
  if (bins.length === 0) return markup``;
  const clipped = scores.filter(({ score }) => score !== null && score < LOWEST_SCORE).length;
  const drawing = histogram({
    ...middle,
    id,
    label: `Histogram of LIM scores with the cut at ${fixed(cutOf(lim), 3)}. Numbers in the table below.`,
    xName: 'LIM score',
    yName: 'prompts',
    bins: bins.map((bin) => ({ ...bin, color: bin.kept ? 'var(--lim)' : 'var(--rejected)' })),
    rules: [{ x: cutOf(lim), text: cutText(lim) }],
  });
  const note =
    clipped > 0
      ? ` ${counted(clipped, 'score')} below ${fixed(LOWEST_SCORE, 0)} in its first bar.`
      : '';
  return figure(
    drawing,
    markup`<b>Scores.</b> Prompts by LIM score: ${swatchBox('var(--lim)')} kept (${cutText(lim)}), ${swatchBox('var(--rejected)')} rejected. Always solved scores ${fixed(lim.alwaysSolved, 2)}, never solved ${fixed(lim.neverSolved, 2)}.${note}`,
    numbers(
      ['score', 'prompts'],
      bins.map((bin) => [`${fixed(bin.start, 2)} to ${fixed(bin.end, 2)}`, String(bin.count)]),
    ),
  );
}

/** The prompts of a seed's pool in order of score, and the scores' summary. */
export interface ScoredPool {
  readonly ranked: readonly ScoredPrompt[];
  readonly lim: LimSummary;
}

export const swatchBox = (color: string): Markup =>
  raw(
    `<svg class="box" viewBox="0 0 10 10" aria-hidden="true"><rect width="10" height="10" fill="${color}"/></svg>`,
  );

/** Curves of prompts in one colour; equal curves are one, the thicker the more there are. */
function curvesOf(color: string, members: readonly ScoredPrompt[]): Backdrop {
  const same = new Map<string, { points: readonly (number | null)[]; count: number }>();
  for (const { rewards } of members) {
    const key = rewards.join();
    const held = same.get(key);
    if (held) held.count++;
    else same.set(key, { points: rewards, count: 1 });
  }
  return {
    color,
    curves: [...same.values()].map(({ points, count: times }) => ({
      points,
      width: 0.8 + 0.7 * Math.log2(times),
    })),
  };
}

/** Colours of the courses of prompts. */
const courseTones: Readonly<Record<Exclude<Course, 'unseen'>, string>> = {
  unsolved: 'var(--hard)',
  still: 'var(--rejected)',
  solved: 'var(--wrong-key)',
  moved: 'var(--lim)',
};

/** Trajectories of a pool's prompts by how they went: the paper's figure 2a. */
export function courseFigure(names: CurveNames, pool: ScoredPool, id: string): Markup {
  const chart = courseChart(names, pool, id);
  if (!chart) return markup``;
  const { drawing, kinds, shown } = chart;
  const some =
    shown < pool.ranked.length
      ? ` ${count(shown)} of them are drawn, evenly spaced in the order of scores.`
      : '';
  return figure(
    drawing,
    markup`<b>How prompts went.</b> ${counted(pool.ranked.length, 'prompt')}: ${kinds.map(
      ({ name, color, prompts }, i) =>
        markup`${i === 0 ? '' : ', '}${swatchBox(color)} ${count(prompts)} ${name}`,
    )}.${some}${panelText('2a')}`,
  );
}

/** The drawing of `courseFigure`, and the kinds of prompts in it; undefined without curves. */
export function courseChart(names: CurveNames, { ranked, lim }: ScoredPool, id: string) {
  const shown = evenly(ranked, MOST_CURVES);
  const kinds = courses.flatMap(({ course, name }) => {
    if (course === 'unseen') return [];
    const has = (prompt: ScoredPrompt): boolean => courseOf(prompt, lim.signal) === course;
    const members = shown.filter(has);
    const prompts = ranked.filter(has).length;
    return prompts === 0 ? [] : [{ name, color: courseTones[course], members, prompts }];
  });
  if (kinds.length === 0) return undefined;
  const epochs = lim.meanCurve.length;
  const drawing = lineChart({
    ...middle,
    id,
    label: `Trajectories of ${counted(ranked.length, 'prompt')}, ${lim.signal} per data epoch: ${kinds.map(({ name, prompts }) => `${count(prompts)} ${name}`).join(', ')}.`,
    xName: names.epoch,
    yName: names.signal,
    xRange: epochs === 1 ? [0, 2] : [1, epochs],
    yRange: signalRange(lim, ranked),
    // What moved lies behind: curves that stay where they are would vanish under it.
    backdrops: kinds.map(({ color, members }) => curvesOf(color, members)).reverse(),
    lines: [],
  });
  return { drawing, kinds, shown: shown.length };
}

/** Trajectories of the prompts that LIM kept or rejected, with the mean curve in red. */
export function trajectoryFigure(
  names: CurveNames,
  pool: ScoredPool,
  id: string,
  kept: boolean,
): Markup {
  const chart = trajectoryChart(names, pool, id, kept);
  if (!chart) return markup``;
  const { drawing, members, shown } = chart;
  const some =
    shown < members
      ? ` ${count(shown)} of them, evenly spaced in the order of scores, are drawn.`
      : '';
  return figure(
    drawing,
    kept
      ? markup`<b>Kept trajectories.</b> ${counted(members, 'prompt')} kept (${cutText(pool.lim)}); the mean curve in ${swatchBox('var(--mean)')} red. Equal curves are one thicker line.${some}${panelText('2b')}`
      : markup`<b>Rejected trajectories.</b> ${counted(members, 'prompt')} below the cut, or without a score; the mean curve in ${swatchBox('var(--mean)')} red.${some}`,
  );
}

/** The drawing of `trajectoryFigure`, with the numbers of its prompts; undefined without prompts. */
export function trajectoryChart(
  names: CurveNames,
  { ranked, lim }: ScoredPool,
  id: string,
  kept: boolean,
) {
  const ids = keptIds(ranked, lim);
  const members = ranked.filter(({ id: prompt }) => ids.has(prompt) === kept);
  if (members.length === 0) return undefined;
  const shown = evenly(members, MOST_CURVES);
  const epochs = lim.meanCurve.length;
  const what = kept ? 'kept' : 'rejected';
  const drawing = lineChart({
    ...middle,
    id,
    label: `Trajectories of ${counted(members.length, 'prompt')} that LIM ${what}: ${lim.signal} per data epoch, the mean curve in red.`,
    xName: names.epoch,
    yName: names.signal,
    xRange: epochs === 1 ? [0, 2] : [1, epochs],
    yRange: signalRange(lim, ranked),
    backdrops: [curvesOf(kept ? 'var(--lim)' : 'var(--rejected)', shown)],
    lines: [
      {
        style: { color: 'var(--mean)', symbol: epochs === 1 ? 'circle' : 'none' },
        points: epochPoints(lim.meanCurve),
        width: 3,
      },
    ],
  });
  return { drawing, members: members.length, shown: shown.length };
}

/** At most `most` elements, evenly spaced, with the first and the last. */
function evenly<T>(list: readonly T[], most: number): T[] {
  if (list.length <= most) return [...list];
  return Array.from({ length: most }, (_, i) => {
    const at = Math.round((i * (list.length - 1)) / (most - 1));
    return list.slice(at, at + 1);
  }).flat();
}

/** Splits `length` places into at most `most` equal stretches [start, end). */
function stretches(length: number, most: number): [number, number][] {
  const parts = Math.min(length, most);
  return Array.from({ length: parts }, (_, i) => [
    Math.round((i * length) / parts),
    Math.round(((i + 1) * length) / parts),
  ]);
}

/** The reward matrix with prompts in order of score; below it, how each prompt was made. */
export function heatMapFigure(
  ranked: readonly ScoredPrompt[],
  lim: LimSummary,
  id: string,
): Markup {
  const epochs = lim.meanCurve.length;
  const [low, high] = signalRange(lim, ranked);
  const columns = stretches(ranked.length, MOST_COLUMNS);
  const bands = stretches(epochs, MOST_ROWS);
  const colorOf = (value: number): string =>
    heat[Math.round(((value - low) / (high - low)) * (heat.length - 1))] ?? 'none';
  const signalRows = bands.map(([from, to]) => ({
    name: to - from === 1 ? `epoch ${to}` : `${from + 1}–${to}`,
    cells: columns.flatMap(([start, end]) => {
      const values = ranked
        .slice(start, end)
        .flatMap(({ rewards }) => rewards.slice(from, to).filter((value) => value !== null));
      return values.length === 0 ? [] : [{ start, end, color: colorOf(average(values)) }];
    }),
  }));
  const drawn = ranked.some(({ origin }) => origin !== undefined);
  const marks = drawn
    ? [
        { name: 'easy', has: ({ origin }: ScoredPrompt) => origin === 'easy' },
        { name: 'learnable', has: ({ origin }: ScoredPrompt) => origin === 'learnable' },
        { name: 'hard', has: ({ origin }: ScoredPrompt) => origin === 'hard' },
        { name: 'wrong key', has: ({ wrongKey }: ScoredPrompt) => wrongKey === true },
      ]
    : [];
  const markRows = marks.map(({ name, has }) => ({
    name,
    cells: columns.flatMap(([start, end]) => {
      const held = ranked.slice(start, end).filter(has).length / (end - start);
      const step = Math.ceil(held * 4);
      return step === 0 ? [] : [{ start, end, color: `var(--mark-${step})` }];
    }),
  }));
  const rowHeight = bands.length > 20 ? 9 : 20;
  const kept = keptIds(ranked, lim).size;
  const drawing = heatMap({
    id,
    width: 960,
    height: 70 + (signalRows.length + markRows.length) * rowHeight,
    label:
      `Reward matrix: ${lim.signal} of ${counted(ranked.length, 'prompt')} in ${counted(epochs, 'data epoch')}, ` +
      `in order of LIM score; LIM kept the first ${count(kept)}.${drawn ? ' Below, where the prompts came from.' : ''}`,
    xName: 'prompts, highest LIM score first',
    columns: ranked.length,
    rows: [...signalRows, ...markRows],
    rules: [{ x: kept, text: `${lim.lowestKept === undefined ? 'θ: ' : ''}${count(kept)} kept` }],
  });
  const merged =
    columns.length < ranked.length
      ? ` A column is the mean of about ${fixed(ranked.length / columns.length, 1)} neighbours.`
      : '';
  return figure(
    drawing,
    markup`<b>Reward matrix.</b> ${lim.signal === 'accuracy' ? 'Accuracy' : 'Reward'} of every prompt in every data epoch, from ${fixed(low, 0)} ${raw(
      `<span class="ramp" aria-hidden="true">${heat.map((color) => `<i style="background:${color}"></i>`).join('')}</span>`,
    )} to ${fixed(high, 0)}; gaps were not rolled out. Left of the rule is what LIM kept.${drawn ? ' The rows below mark each prompt’s origin and wrong keys, stronger for a larger share.' : ''}${merged}`,
  );
}

/** One method's learning curves, one line per run of a comparison. */
export function comparisonFigure(
  runs: readonly { readonly label: string; readonly run: Run }[],
  method: MethodName,
  id: string,
): Markup {
  const curves = runs.flatMap(({ label, run }, i) => {
    const points = learningCurve(run, method);
    const style = runStyles[i];
    return points.length === 0 || !style ? [] : [{ label, style, points }];
  });
  if (curves.length === 0) return markup``;
  const drawing = lineChart({
    ...wide,
    id,
    label: `Held-out accuracy of ${methodLabel(method)} over updates, a line for each run. Numbers in the table below.`,
    xName: 'updates',
    yName: 'share right',
    lines: curves.map(({ style, points }) => ({
      style,
      points: points.map(({ updates, estimate }): Point => [updates, estimate.mean]),
    })),
  });
  const updates = [
    ...new Set(curves.flatMap(({ points }) => points.map((point) => point.updates))),
  ];
  const data = numbers(
    ['updates', ...curves.map(({ label }) => label)],
    updates
      .sort((a, b) => a - b)
      .map((update) => [
        count(update),
        ...curves.map(({ points }) => {
          const found = points.find((point) => point.updates === update);
          return found ? fixed(found.estimate.mean) : '';
        }),
      ]),
  );
  return figure(
    drawing,
    markup`<b>${methodLabel(method)}.</b> Held-out accuracy${runs.some(({ run }) => answeringText(run) === '') ? '' : ', greedy,'} at equal updates.`,
    data,
  );
}

export const shareText = (part: number, whole: number): string =>
  whole === 0 ? count(part) : `${count(part)} (${percent(part / whole)})`;
