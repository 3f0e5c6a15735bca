import { lineLook } from '../look/tokens.ts';
import { methodLabel, type MethodName } from '../selection/methods.ts';
import {
  areaDifference,
  areaMean,
  conditionsOf,
  conditionText,
  configOf,
  crossingOf,
  differencesOf,
  factorName,
  factorValue,
  pointsOf,
  promptsOf,
  selectionSamples,
  sideOf,
  sweepMethods,
  sweepUnit,
  type Condition,
  type Crossing,
  type ReadSweep,
} from '../sweep/readings.ts';
import {
  detectors,
  selectionReadings,
  type SelectionReadings,
} from '../sweep/selection-readings.ts';
import { ROWS } from '../sweep/names.ts';
import { leastP } from './caveats.ts';
import { pageOf, tableOf } from './document.ts';
import { legend } from './figures.ts';
import { leastSeeds } from '../interval.ts';
import { takesGivenModel } from '../tasks/registry.ts';
import { markup, raw, shortened, type Markup, type Part } from './markup.ts';
import { drawnMaps, groupsBut, phaseMaps, type PhaseMap } from './phase-maps.ts';
import { findingStrip } from './sweep-drawing.ts';
import { shownInterval, type ShownContrast, type ShownEvidence } from './sweep-evidence.ts';
import {
  accuracyAxis,
  agreementText,
  curvesOf,
  curveTable,
  detectorName,
  differenceText,
  factorFigure,
  folded,
  mapKey,
  reportMapWords,
  methodPanel,
  numbersTable,
  overview,
  rocFigure,
  scaleOf,
  seedTable,
  shareText,
  short,
} from './sweep-figures.ts';
import plotCss from './plot.css?raw';
import css from './sweep.css?raw';
import { average, count, counted, fixed, listed } from './text.ts';

/** What a sweep's page says of how it was made. */
export interface SweepOrigin {
  /** What the sweep is called in the title, without a path. */
  readonly name: string;
  /** Commands that make the sweep and its page again. */
  readonly commands: readonly string[];
}

/** What is taken where nothing was fixed: the margin of equivalence, and the level of a test. */
const USUAL_MARGIN = 0.02;
const USUAL_ALPHA = 0.05;
/** Conditions whose curves are unfolded. */
const UNFOLDED = 3;
/** Most conditions of which each method gets a figure of its own with all seeds. */
const MOST_PANELLED = 12;
/**
 * Most conditions whose curves, seeds and intervals are on the page: it stays under a megabyte for a
 * hundred conditions of a dozen methods.
 */
const MOST_WITH_SEEDS = 30;

interface Read {
  readonly sweep: ReadSweep;
  readonly evidence: ShownEvidence;
  readonly origin: SweepOrigin;
  readonly methods: readonly MethodName[];
  readonly conditions: readonly Condition[];
  readonly finished: readonly Condition[];
  readonly selections: ReadonlyMap<Condition, SelectionReadings>;
  readonly unit: string;
}

/**
 * The page of a sweep: one HTML file that loads nothing and runs nothing. It holds no date and no
 * path, so that the same cells give the same bytes.
 *
 * @throws What reading the pass of a cell throws.
 */
export async function sweepReport(
  sweep: ReadSweep,
  evidence: ShownEvidence,
  origin: SweepOrigin,
): Promise<string> {
  const methods = sweepMethods(sweep);
  const conditions = conditionsOf(sweep);
  const finished = conditions.filter(({ cells }) => cells.length > 0);
  const selections = new Map<Condition, SelectionReadings>();
  for (const condition of finished) {
    const read = await selectionReadings(condition, methods);
    if (read) selections.set(condition, read);
  }
  const read: Read = {
    sweep,
    evidence,
    origin,
    methods,
    conditions,
    finished,
    selections,
    unit: sweepUnit(sweep),
  };
  const title = `When is less more? ${shortened(origin.name, 60)}`;
  const shown = sections(read).filter(({ body }) => body.text !== '');
  return pageOf(
    title,
    markup`<header><p class="kind">LIMR Lab · sweep</p><h1>${title}</h1>${factLine(read)}</header>
<nav aria-label="Sections"><ul><li><a href="#fixed">Fixed before the run</a></li>${shown.map(
      ({ id, name }) => markup`<li><a href="#${id}">${name}</a></li>`,
    )}</ul></nav>
<main>
${fixedSection(read)}
${shown.map(
  ({ id, name, body, plain }) =>
    markup`<section id="${id}"><h2>${name}${plain === true ? '' : markup` <span class="tag">exploratory</span>`}</h2>
${body}</section>
`,
)}</main>`,
    `${css}${plotCss}`,
  );
}

function factLine({ sweep, methods, conditions }: Read): Markup {
  const { grid, cells, planned } = sweep;
  return markup`<p class="facts">${counted(conditions.length, 'condition')} × ${counted(methods.length, 'method')} × ${counted(grid.seeds.length, 'seed')} · preset ${shortened(grid.preset, 40)} · ${count(cells.length)} of ${counted(planned, 'cell')} finished</p>
${cells.length < planned ? markup`<div class="warning"><p><b>The sweep is not finished.</b> ${counted(planned - cells.length, 'cell')} of ${count(planned)} are missing, so every number here may still move; the number of seeds stands beside each.</p></div>` : ''}
`;
}

const sections = (
  read: Read,
): {
  readonly id: string;
  readonly name: string;
  readonly body: Markup;
  readonly plain?: boolean;
}[] => [
  { id: 'secondary', name: 'Secondary outcomes', body: secondarySection(read) },
  { id: 'tested', name: 'Other comparisons', body: exploratoryFindings(read) },
  { id: 'phase', name: 'When is less more?', body: phaseSection(read) },
  { id: 'crossing', name: 'Where the lead ends', body: crossingSection(read) },
  { id: 'area', name: 'Area under the curve', body: areaSection(read) },
  { id: 'factors', name: 'Factor by factor', body: factorSection(read) },
  { id: 'curves', name: 'Curves', body: curveSection(read) },
  { id: 'selections', name: 'Do selections repeat?', body: stabilitySection(read) },
  { id: 'keys', name: 'Wrong keys', body: rocSection(read) },
  { id: 'cost', name: 'Cost in samples', body: costSection(read), plain: true },
  { id: 'seeds', name: 'Every seed', body: seedsSection(read), plain: true },
  { id: 'limits', name: 'What this shows', body: limitsSection(read), plain: true },
  { id: 'again', name: 'Make it again', body: againSection(read), plain: true },
];

function fixedSection({ evidence, sweep, methods }: Read): Markup {
  const { preregistration, registered } = evidence;
  if (!preregistration) {
    return markup`<section id="fixed" class="fixed"><h2>Nothing was fixed before the run</h2>
<p>No file of comparisons was registered before the first seed. <b>Everything on this page is exploratory</b>: it suggests what to test on fresh seeds, and proves nothing.</p></section>
`;
  }
  const { title, sha256, alpha, equivalence, seeds } = preregistration;
  const own = new Set(seeds);
  const differ =
    seeds.length !== sweep.grid.seeds.length || sweep.grid.seeds.some((seed) => !own.has(seed));
  const crossed = registered.every(({ tested }) => !tested || tested.crossed !== undefined);
  return markup`<section id="fixed" class="fixed"><h2>Fixed before the run</h2>
<p><b>${shortened(title, 160)}</b><br><small>SHA-256 of the file <code>${shortened(sha256, 80)}</code></small></p>
${findingList(registered, equivalence, methods)}
<p class="aside">Intervals: 95 %, ${crossed ? 'bootstrap crossed over seeds and held-out prompts' : 'over seeds, and over prompts too where every answer was kept'}. p: two-sided sign-flip test over seeds, adjusted by Holm’s method over ${counted(registered.length, 'comparison')}, α = ${alpha}. “Level” only where the interval for equivalence lies within ± ${equivalence} (the box). Dots are seeds, the diamond is the mean, the bar its interval. ${counted(seeds.length, 'seed')} cannot give a p below ${Number(leastP(seeds.length).toPrecision(2))}.${differ ? markup` <b>The sweep’s seeds are not those of the file</b>, which names ${shortened(listed(seeds.map(String)), 120)}.` : ''} All that follows was not fixed before the run and is labelled exploratory.</p></section>
`;
}

const pair = ({ one, other }: Pick<ShownContrast, 'one' | 'other'>): string =>
  `${methodLabel(one)} − ${methodLabel(other)}`;

/** A verdict in words that name the methods; where nothing is judged, what the interval says. */
export function verdictText(contrast: ShownContrast): string {
  const { verdict, refused, missing, one, other, pairs } = contrast;
  const [first, second] = [methodLabel(one), methodLabel(other)];
  if (verdict === undefined && pairs.length > 0) {
    const interval = shownInterval(contrast);
    if (!interval) return 'one seed';
    const side = sideOf({ interval });
    return side === 0
      ? 'the interval holds 0'
      : `the interval is ${side > 0 ? 'above' : 'below'} 0`;
  }
  switch (verdict) {
    case 'ahead':
      return `${first} is ahead of ${second}`;
    case 'behind':
      return `${first} is behind ${second}`;
    case 'level':
      return 'level';
    case 'undecided':
      return 'not told apart';
    default:
      return refused === undefined
        ? `incomplete: ${counted(missing.length, 'seed')} missing`
        : 'not to be told';
  }
}

const pText = (p: number): string => (p < 0.001 ? 'p < .001' : `p ${fixed(p).replace(/^0/, '')}`);

/** Where a comparison is read, in words. */
export function whereText({
  at,
  where,
  minus,
}: Pick<ShownContrast, 'at' | 'where' | 'minus'>): string {
  const settings = (of: Readonly<Record<string, unknown>>): string[] =>
    Object.entries(of).map(([key, value]) => `${factorName(key)} ${factorValue(key, value)}`);
  const found = [placeText(at), ...settings(where)].join(', ');
  return minus ? `${found}, minus the same at ${settings(minus).join(', ')}` : found;
}

function placeText(at: ShownContrast['at']): string {
  if ('update' in at) return `update ${count(at.update)}`;
  if ('epoch' in at) return `own epoch ${count(at.epoch)}`;
  if ('areaTo' in at) return `mean accuracy up to ${count(at.areaTo)}`;
  return 'totalSamples' in at ? `${count(at.totalSamples)} total samples` : 'equal total samples';
}

/** `−.035 (−.045 to −.025), p .002, adjusted p .006, 10 seeds`. */
export function numbersOf(contrast: ShownContrast): string {
  const { tested, adjusted, pairs } = contrast;
  const interval = shownInterval(contrast);
  return [
    ...(tested
      ? [
          differenceText({ mean: tested.mean, bySeed: [], ...(interval ? { interval } : {}) }),
          pText(tested.p),
        ]
      : []),
    ...(tested && adjusted !== undefined ? [`adjusted ${pText(adjusted)}`] : []),
    counted(pairs.length, 'seed'),
  ].join(', ');
}

/** What else a referee asks of a comparison. */
const notesOf = ({ tested, refused, missing, verdict }: ShownContrast): string[] => [
  ...(refused === undefined ? [] : [refused]),
  ...(verdict === 'incomplete' && missing.length > 0
    ? [`seeds without a read-out: ${missing.join(', ')}`]
    : []),
  ...(tested
    ? [
        `interquartile mean ${short(tested.interquartileMean)}; probability of improvement ${fixed(tested.improvement, 2)}; ` +
          `seeds like these show ${short(tested.detectable).replace('+', '')} in 80 % of sweeps`,
      ]
    : []),
];

function findingList(
  findings: readonly ShownContrast[],
  equivalence: number,
  methods: readonly MethodName[],
): Markup {
  const reach =
    1.05 *
    Math.max(
      2 * equivalence,
      ...findings.flatMap((finding) => [
        ...finding.pairs.map(({ difference }) => Math.abs(difference)),
        ...(shownInterval(finding) ?? []).map(Math.abs),
      ]),
    );
  return markup`<ol class="contrasts-list">
${findings.map((finding) => {
  const { tested, pairs } = finding;
  return markup`<li><p><b>${shortened(finding.name, 40)}: ${pair(finding)}</b><small>${shortened(whereText(finding), 120)}</small></p>
<p><b class="verdict">${verdictText(finding)}</b><small>${numbersOf(finding)}</small>${notesOf(finding).map((note) => markup`<small>${shortened(note, 300)}</small>`)}</p>
${
  tested
    ? findingStrip(
        `${pair(finding)}: ${verdictText(finding)}. By seed: ${pairs.map(({ seed, difference }) => `${seed}: ${short(difference)}`).join(', ')}`,
        reach,
        equivalence,
        lineLook(finding.one, methods).tone,
        pairs.map(({ difference }) => difference),
        tested.mean,
        shownInterval(finding),
      )
    : ''
}</li>
`;
})}</ol>
<p class="aside">Every strip reaches from ${short(-reach)} to ${short(reach)}, 0 in its middle.</p>
`;
}

/** Comparisons that are looked at in every sweep and judged in none. */
function secondarySection({ evidence, methods }: Read): Markup {
  const { secondary, preregistration } = evidence;
  if (secondary.length === 0) return markup``;
  return markup`<p>Looked at whatever the first table says, and judged by nothing: the mean accuracy of whole curves of the pairs that were fixed, and how much LIM’s lead over RAND grows with wrong keys. p is not adjusted.</p>
${findingList(secondary, preregistration?.equivalence ?? USUAL_MARGIN, methods)}`;
}

/** Comparisons with LIM that nobody fixed. Those with FULL are the maps. */
function exploratoryFindings({ evidence }: Read): Markup {
  const { exploratory } = evidence;
  const shown = exploratory.filter(
    ({ one, other, tested }) =>
      tested && [one, other].includes('lim') && ![one, other].includes('full'),
  );
  if (shown.length === 0) return markup``;
  const crossed = shown.every(({ tested }) => tested?.crossed !== undefined);
  return markup`<p>LIM beside the other selections at the read-out that the config names. ${multiplicityText(evidence)} Intervals: 95 %, ${crossed ? 'bootstrap crossed over seeds and held-out prompts' : 'over seeds, and over prompts too where every answer was kept'}.</p>
${folded(
  counted(shown.length, 'comparison'),
  numbersTable(
    'Comparisons with LIM',
    ['comparison', 'where', 'difference (95 %), p, seeds'],
    shown.map((finding) => [pair(finding), whereText(finding), numbersOf(finding)]),
  ),
)}`;
}

/** How many comparisons nobody fixed, and what so many mean, in one line. */
export function multiplicityText({
  exploratory,
  preregistration,
}: Pick<ShownEvidence, 'exploratory' | 'preregistration'>): string {
  const tested = exploratory.flatMap((contrast) => contrast.tested ?? []);
  if (tested.length === 0) return 'No two methods can be compared: a comparison needs two seeds.';
  const alpha = preregistration?.alpha ?? USUAL_ALPHA;
  const below = tested.filter(({ p }) => p <= alpha).length;
  const least = Math.min(...tested.map((one) => one.leastP));
  const reach = tested.length * least > alpha;
  return (
    `${counted(tested.length, 'comparison')} of two methods could be made here and p is adjusted for none of them: ` +
    `${count(below)} of them ${below === 1 ? 'has' : 'have'} p ≤ ${alpha}, where about ${count(Math.round(tested.length * alpha))} would without any difference` +
    (reach ? `; adjusted for all of them, so few seeds could show none.` : '.')
  );
}

function phaseSection(read: Read): Markup {
  const { unit, finished } = read;
  const equal = phaseMaps(read, 'budget');
  if (equal.length === 0) return markup`<p>Nothing can be compared with FULL yet.</p>`;
  const charged = phaseMaps(read, 'samples');
  const points = equal.flatMap(({ rows }) => rows.flatMap((row) => row.points));
  const scale = scaleOf(
    [...equal, ...charged].flatMap(({ rows }) => rows.flatMap((row) => row.points)),
  );
  const sides = points.map(sideOf);
  const [above, below] = [1, -1].map((side) => sides.filter((one) => one === side).length) as [
    number,
    number,
  ];
  const drawn = (maps: readonly PhaseMap[], how: string): Markup =>
    drawnMaps(maps, how, {
      ...{ unit, scale, words: reportMapWords },
      intervals: finished.length <= MOST_WITH_SEEDS,
    });
  return markup`<p>Each cell is a method’s accuracy on held-out prompts minus FULL’s, mean over seeds, paired by seed. <b>Blue: less is more. Orange: less is less.</b> Columns are the budget in ${unit}s. Of ${counted(points.length, 'cell')} at equal ${unit}s, ${count(above)} are above FULL, ${count(below)} below, and ${count(points.length - above - below)} undecided. Intervals are not adjusted for their number: of as many cells without any difference, about ${count(Math.round(points.length * 0.05))} would seem decided.</p>
${mapKey(scale, reportMapWords)}<h3>At equal ${unit}s</h3>
${drawn(equal, '')}<h3>At equal total samples</h3>
<p>The same, against FULL where it has used as many samples as the method and its selection together: a method that reads the whole scoring pass is charged for it. FULL is interpolated between its read-outs. A dot says that FULL was not trained that long.</p>
${charged.length === 0 ? markup`<p>No method has a read-out within FULL’s own samples.</p>` : drawn(charged, reportMapWords.equalSamples)}`;
}

/** A crossing in few characters: `never`, `≥ 40`, `20.2`. */
export const crossingText = ({
  at,
  open,
}: {
  readonly at?: number;
  readonly open: boolean;
}): string => (at === undefined ? 'never' : open ? `≥ ${count(at)}` : fixed(at, 1));

function crossingSection({ finished, methods, unit }: Read): Markup {
  const rows = methods.flatMap((method) => {
    if (method === 'full') return [];
    const crossings = finished.map((condition): Crossing | undefined => {
      const points = differencesOf(condition, method, 'full');
      return points.length === 0 ? undefined : crossingOf(points);
    });
    return crossings.some((crossing) => crossing) ? [{ method, crossings }] : [];
  });
  if (rows.length === 0) return markup``;
  const head = ['method', ...finished.map((condition) => conditionText(condition))];
  return markup`<p>U* is the last budget at which a method’s mean lies above FULL’s, interpolated between read-outs; ≥ says that it still leads at its last read-out. Below it: the last read-out whose 95 % interval is above 0, and the first from which on all intervals are below; a dash says that there is none.</p>
${tableOf({
  caption: markup`<b>U*, in ${unit}s</b>`,
  head,
  rows: rows.map(({ method, crossings }): Part[] => [
    methodLabel(method),
    ...crossings.map((crossing) =>
      crossing
        ? markup`<b>${crossingText(crossing)}</b><small>${crossing.aheadUntil === undefined ? '–' : count(crossing.aheadUntil)} / ${crossing.behindFrom === undefined ? '–' : count(crossing.behindFrom)}</small>`
        : '',
    ),
  ]),
})}${
    finished.length > MOST_WITH_SEEDS
      ? ''
      : folded(
          'U* of every seed',
          numbersTable(
            'U* of every seed',
            head,
            rows.map(({ method, crossings }) => [
              methodLabel(method),
              ...crossings.map((crossing) =>
                (crossing?.bySeed ?? [])
                  .map((one) => (one.at === undefined ? '–' : crossingText(one)))
                  .join('  '),
              ),
            ]),
          ),
        )
  }`;
}

function areaSection({ finished, methods, unit }: Read): Markup {
  const rows = methods.flatMap((method) => {
    const cells = finished.map((condition) => {
      const area = areaMean(condition, method);
      const difference = method === 'full' ? undefined : areaDifference(condition, method, 'full');
      return area
        ? markup`${shareText(area)}${difference ? markup`<small>${differenceText(difference)}</small>` : ''}`
        : undefined;
    });
    return cells.some((cell) => cell) ? [[methodLabel(method), ...cells]] : [];
  });
  if (rows.length === 0) return markup``;
  const ends = new Set(finished.map((one) => configOf(one)?.experiment.armLength ?? NaN));
  const table = numbersTable(
    'Areas under the curves',
    ['method', ...finished.map((condition) => conditionText(condition))],
    rows,
  );
  return markup`<p>The mean accuracy from the base to the end of the selections’ trainings, ${unit} ${listed([...ends].map(count))}: one number for a whole curve, by the trapezoid rule between read-outs. Below it the difference from FULL over the same ${unit}s, paired by seed.</p>
${finished.length > MOST_PANELLED ? folded('Areas', table) : table}`;
}

/** The read-out that the config fixed for the table; the last common one where it was not read. */
export function tableReadout({
  finished,
  methods,
}: Pick<Read, 'finished' | 'methods'>): number | undefined {
  const [first] = finished;
  const wanted = first && configOf(first)?.experiment.tableReadout;
  const common = finished.flatMap((condition) =>
    methods.flatMap((method) =>
      method === 'full'
        ? []
        : differencesOf(condition, method, 'full').map(({ readout }) => readout),
    ),
  );
  if (wanted !== undefined && common.includes(wanted)) return wanted;
  return common.length === 0 ? undefined : Math.max(...common);
}

function factorSection(read: Read): Markup {
  const { sweep, finished, methods, unit } = read;
  const readout = tableReadout(read);
  // The maps have the same differences, condition by condition.
  if (readout === undefined || finished.length > MOST_WITH_SEEDS) return markup``;
  const figures = Object.entries(sweep.grid.factors).flatMap(([factor, values]) =>
    values.length < 2
      ? []
      : groupsBut(finished, [factor]).map(
          (group) =>
            markup`<h3>By ${factorName(factor)}${Object.keys(sweep.grid.factors).length > 1 ? `: ${group.name}` : ''}</h3>
${factorFigure(factor, group.conditions, methods, readout, unit, finished.length <= MOST_PANELLED)}`,
        ),
  );
  if (figures.length === 0) return markup``;
  return markup`<p>Each method minus FULL at ${unit} ${count(readout)}${readout === wantedReadout(read) ? ', the read-out that the config names' : ''}: mean with its 95 % interval${finished.length <= MOST_PANELLED ? ', and beside it every seed as a dot' : ''}.</p>
${figures}`;
}

const wantedReadout = ({ finished }: Read): number | undefined =>
  finished[0] && configOf(finished[0])?.experiment.tableReadout;

/** What stands in the file of rows alone, so that the page stays short. */
const leftToRows = (finished: readonly Condition[], what: string): Markup =>
  markup`<p>${what} of ${counted(finished.length, 'condition')} would fill several pages: ${ROWS}, beside this page in the sweep’s folder, has all of them, a row for each cell, method and read-out.</p>
`;

function curveSection({ finished, methods, unit }: Read): Markup {
  if (finished.length > MOST_WITH_SEEDS) return leftToRows(finished, 'The curves');
  const entries = methods.map((method) => {
    const { tone, dash, mark, width } = lineLook(method, methods);
    return {
      style: {
        color: `var(${tone})`,
        ...(dash.length > 0 ? { dash } : {}),
        symbol: mark,
        width,
      },
      text: methodLabel(method),
    };
  });
  const banded =
    methods.length > 4
      ? ' Bands (95 % over seeds) are drawn for FULL and LIM, for the others in their own panels.'
      : ' Bands: 95 % over seeds.';
  return markup`<p>Accuracy on held-out prompts over three budgets: updates, passes through a method’s own prompts, and all samples with those of the selection. The dashed rule is the base.${banded}${finished.length > MOST_PANELLED ? ' With so many conditions, single seeds and own epochs stand in the tables alone.' : ' Small panels: one method with all seeds as thin lines, FULL in grey.'}</p>
${legend(entries)}${finished.map((condition, i) => {
    const curves = curvesOf(condition, methods);
    if (curves.length === 0) return '';
    const y = accuracyAxis(condition, curves);
    const full = curves.find(({ method }) => method === 'full');
    const axes =
      finished.length > MOST_PANELLED
        ? (['updates', 'samples'] as const)
        : (['updates', 'epochs', 'samples'] as const);
    return markup`<details class="group"${i < UNFOLDED ? markup` open` : ''}><summary>${conditionText(condition)} <small>${counted(condition.cells.length, 'seed')}</small></summary>
<div class="trio">
${axes.map((axis) => markup`<figure>${overview(condition, curves, axis, y, methods, finished.length <= MOST_PANELLED)}</figure>`)}</div>
${
  finished.length > MOST_PANELLED
    ? ''
    : markup`<div class="many">
${curves.map((curve) => methodPanel(condition, curve, full, y, methods))}</div>
`
}${curveTable(condition, curves, unit)}</details>
`;
  })}`;
}

const ruleNames = { lim: 'LIM', near: 'NEAR', hvar: 'HVAR', gvar: 'GVAR' } as const;

function stabilitySection({ finished, selections }: Read): Markup {
  const found = finished.flatMap((condition) => {
    const readings = selections.get(condition);
    return readings ? [{ condition, readings }] : [];
  });
  const halves = found.filter(({ readings }) => readings.halves.length > 0);
  const few = finished.length <= MOST_PANELLED;
  const rules = Object.keys(ruleNames) as (keyof typeof ruleNames)[];
  const others = [
    ...new Set(found.flatMap(({ readings }) => readings.withLim.map(({ method }) => method))),
  ];
  const between = found.filter(({ readings }) => readings.betweenSeeds !== undefined);
  return markup`${
    halves.length === 0
      ? ''
      : tableOf({
          caption: markup`<b>Does a rule repeat itself?</b> Jaccard index of two selections of as many prompts as LIM kept, mean over seeds: 1 is the same prompts. <i>Anew</i>: every prompt and epoch is sampled again, twice, with the share of right answers that was read, so that the index is that of two whole passes over the same curves. <i>Halves</i>: the samples of every prompt and epoch are split in two at random, so that each selection has half of them. A rule that disagrees with itself ranks noise.`,
          head: ['condition', ...rules.map((rule) => ruleNames[rule]), 'two random subsets'],
          rows: halves.map(({ condition, readings }): Part[] => [
            markup`${conditionText(condition)}<small>anew, then halves</small>`,
            ...rules.map((rule) => {
              const [anew, half] = [readings.resampled, readings.halves].map((of) =>
                agreementText(of.find((one) => one.rule === rule)?.jaccard, few),
              );
              return markup`${anew}<small>${half}</small>`;
            }),
            fixed(readings.chance, 2).replace(/^0/, ''),
          ]),
        })
  }${
    others.length === 0
      ? ''
      : tableOf({
          caption: markup`<b>Overlap with LIM’s selection</b> within a seed, Jaccard index.`,
          head: ['condition', ...others.map(methodLabel)],
          rows: found.map(({ condition, readings }): Part[] => [
            conditionText(condition),
            ...others.map((method) =>
              agreementText(readings.withLim.find((one) => one.method === method)?.jaccard, few),
            ),
          ]),
        })
  }${thresholdTable(found)}${sizeTable(found)}${
    between.length === 0
      ? markup`<p class="aside">Each seed draws a pool of its own, so selections of two seeds share no prompts; what can be compared between seeds is their size and make-up, in the last table.</p>`
      : tableOf({
          caption: markup`<b>Between seeds</b>, Jaccard index of LIM’s selections from the same pool.`,
          head: ['condition', 'mean over pairs'],
          rows: between.map(({ condition, readings }) => [
            conditionText(condition),
            fixed(readings.betweenSeeds ?? NaN, 2),
          ]),
        })
  }`;
}

/** What LIM's threshold keeps beside what it would keep without noise. */
function thresholdTable(
  found: readonly { readonly condition: Condition; readonly readings: SelectionReadings }[],
): Markup {
  const rows = found.flatMap(({ condition, readings: { threshold } }): Part[][] =>
    threshold
      ? [
          [
            markup`${conditionText(condition)}<small>θ = ${threshold.theta}</small>`,
            spreadText(threshold.kept.bySeed),
            spreadText(threshold.resampled.bySeed),
            spreadText(threshold.debiased.bySeed),
            spreadText(threshold.noiseless.bySeed),
            fixed(threshold.onCurve.mean, 2),
          ],
        ]
      : [],
  );
  if (rows.length === 0) return markup``;
  return tableOf({
    caption: markup`<b>What the threshold keeps.</b> The noise of few samples pushes every score down, the more so the nearer the mean curve is to 1: one θ is another cut in every pool. Number of prompts, mean over seeds: as it was; from matrices sampled anew; from these with the variance of their samples taken out; from the shares they are sampled with, as infinitely many samples would. Last: the expected score of a prompt that follows the mean curve exactly, 1 without noise.`,
    head: ['condition', 'kept', 'anew', 'anew, debiased', 'without noise', 'score on the curve'],
    rows,
  });
}

/** Mean, and the least and the most over the seeds. */
const spreadText = (values: readonly { readonly value: number }[]): Markup => {
  const all = values.map(({ value }) => value);
  const [least, most] = [Math.min(...all), Math.max(...all)];
  const mean = average(all);
  return markup`${Number.isInteger(mean) ? count(mean) : fixed(mean, 1)}<small>${least === most ? 'every seed' : `${count(least)}–${count(most)}`}</small>`;
};

const sizeTable = (
  found: readonly { readonly condition: Condition; readonly readings: SelectionReadings }[],
): Markup => {
  const methods = [
    ...new Set(found.flatMap(({ readings }) => readings.sizes.map(({ method }) => method))),
  ];
  if (methods.length === 0) return markup``;
  return tableOf({
    caption: markup`<b>Size of the selections, and wrong keys in them</b>: mean over seeds, below it the least and the most.`,
    head: [
      'selection',
      ...found.flatMap(({ condition }) => [`${conditionText(condition)}: prompts`, 'wrong keys']),
    ],
    rows: methods.map((method): Part[] => [
      method === 'full' ? 'pool' : methodLabel(method),
      ...found.flatMap(({ readings }): Part[] => {
        const size = readings.sizes.find((one) => one.method === method);
        return [
          size ? spreadText(size.prompts.bySeed) : '',
          size?.wrongKeys ? spreadText(size.wrongKeys.bySeed) : '',
        ];
      }),
    ]),
  });
};

function rocSection({ finished, selections }: Read): Markup {
  const figures = finished.flatMap((condition) => {
    const readings = selections.get(condition);
    return readings && readings.roc.length > 0 ? [rocFigure(condition, readings)] : [];
  });
  if (figures.length === 0) return markup``;
  if (finished.length > MOST_WITH_SEEDS) return rocTable(finished, selections);
  return markup`<p>A key that is wrong on purpose is rarely matched. How well does a low LIM score find such keys, and how well does plain mean accuracy over the same pass? If the dashed line is as high as the solid one, the trajectory adds nothing here.</p>
${legend([
  {
    style: { color: `var(${lineLook('lim').tone})`, symbol: 'none', width: 2.5 },
    text: 'low LIM score',
  },
  { style: { color: 'var(--mean)', dash: [6, 3], symbol: 'none' }, text: 'low mean accuracy' },
])}<div class="many">
${figures}</div>
`;
}

const rocTable = (
  finished: readonly Condition[],
  selections: ReadonlyMap<Condition, SelectionReadings>,
): Markup =>
  numbersTable(
    'Wrong keys found: area under the ROC curve',
    ['condition', ...detectors.map(detectorName)],
    finished.flatMap((condition) => {
      const roc = selections.get(condition)?.roc ?? [];
      return roc.length === 0
        ? []
        : [
            [
              conditionText(condition),
              ...detectors.map((detector) => {
                const found = roc.find((one) => one.detector === detector);
                return found ? shareText(found.area) : '';
              }),
            ],
          ];
    }),
  );

function costSection({ finished, methods }: Read): Markup {
  const [first] = finished;
  if (!first) return markup``;
  return tableOf({
    caption: markup`<b>Samples</b> (responses that were drawn and judged), means over the seeds. A selection by the rewards of the FULL pass costs that pass; controls that need the keys cost nothing here, and cannot be had elsewhere.`,
    head: ['method', 'prompts', 'selection', 'training', 'in all'],
    rows: methods.flatMap((method) => costRows(method, finished)),
  });
}

/** A row for each set of conditions in which a method costs the same. */
function costRows(method: MethodName, finished: readonly Condition[]): Part[][] {
  const rows = new Map<string, { cells: string[]; conditions: Condition[] }>();
  for (const condition of finished) {
    const last = pointsOf(condition, method).at(-1);
    if (!last) continue;
    const mean = (of: (cell: (typeof condition.cells)[number]) => number): string =>
      count(Math.round(average(condition.cells.map(of))));
    const cells = [
      mean((cell) => promptsOf(cell, method)),
      mean((cell) => selectionSamples(cell, method)),
      count(Math.round(last.trained)),
      count(Math.round(last.at.samples)),
    ];
    const row = rows.get(cells.join()) ?? { cells, conditions: [] };
    row.conditions.push(condition);
    rows.set(cells.join(), row);
  }
  return [...rows.values()].map(({ cells, conditions }) => [
    conditions.length === finished.length
      ? methodLabel(method)
      : markup`${methodLabel(method)}<small>${shortened(conditions.map((one) => conditionText(one)).join('; '), 80)}</small>`,
    ...cells,
  ]);
}

const seedsSection = ({ finished, methods }: Read): Markup =>
  finished.length > MOST_WITH_SEEDS
    ? leftToRows(finished, 'The seeds')
    : markup`<p>Accuracy on held-out prompts, mean of the tiers. No seed is left out.</p>
${finished.map((condition) => seedTable(condition, curvesOf(condition, methods)))}`;

function limitsSection({ sweep, finished, evidence, unit }: Read): Markup {
  const seeds = Math.max(0, ...finished.map(({ cells }) => cells.length));
  const config = finished[0] && configOf(finished[0]);
  const points: Part[] = [
    markup`<b>One task, one size.</b> ${config && !takesGivenModel(config.task) ? 'A small decoder on prompts that are made for the purpose: this is no evidence about MATH or a large model.' : 'Other models, prompts and verifiers may come out otherwise.'}`,
    seeds < leastSeeds
      ? markup`<b>${counted(seeds, 'seed')}.</b> Nothing is decided below ${leastSeeds} seeds, and no sign-flip test reaches .05 below six.`
      : markup`<b>${counted(seeds, 'seed')}.</b> Bands and intervals are Student’s t over seeds, without those of the held-out prompts, which are the same for every method. An exact two-sided sign-flip test of ${seeds} seeds cannot go below p = ${Number(leastP(seeds).toPrecision(3))}.`,
    markup`<b>Read-outs of a cell are one training.</b> Neighbouring cells of a row of the map share their seeds and most of their updates: a row of blue cells is one finding, not several.`,
    markup`<b>Equal ${unit}s are not equal cost.</b> Which budget is equal decides who is ahead; the maps and curves show more than one.`,
    evidence.preregistration
      ? markup`<b>Only the first table was fixed before the run.</b> What else looks clear here should be tested on fresh seeds before it is believed.`
      : markup`<b>Nothing was fixed before the run.</b> What looks clear here should be tested on fresh seeds before it is believed.`,
    ...(sweep.cells.length < sweep.planned
      ? [
          markup`<b>Not finished.</b> ${count(sweep.cells.length)} of ${count(sweep.planned)} cells.`,
        ]
      : []),
  ];
  return markup`<ul>
${points.map(
  (point) => markup`<li>${point}</li>
`,
)}</ul>
`;
}

function againSection({ sweep, origin, conditions }: Read): Markup {
  const adapters = [...new Set(sweep.cells.map(({ results }) => results.adapter))].sort();
  const hosts = [...new Set(sweep.cells.map(({ results }) => results.host))].sort();
  const { grid } = sweep;
  const facts: readonly (readonly [string, Part])[] = [
    ['Preset', shortened(grid.preset, 80)],
    ['Seeds', shortened(grid.seeds.join(', '), 400)],
    ['Methods', grid.methods.map((method) => shortened(method, 60)).join(', ')],
    ['Adapter', listed(adapters.map((text) => shortened(text, 100)))],
    ['Host', listed(hosts.map((text) => shortened(text, 60)))],
  ];
  return markup`<pre tabindex="0">${origin.commands.map((command) => [shortened(command, 400), raw('\n')])}</pre>
<dl class="terms">${facts.map(([name, value]) => markup`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>
${
  Object.keys(grid.factors).length === 0
    ? ''
    : tableOf({
        caption: markup`<b>Settings that differ</b> between conditions. All others are the same in every cell.`,
        head: ['setting', 'values'],
        rows: Object.entries(grid.factors).map(([key, values]) => [
          markup`<code>${shortened(key, 80)}</code>`,
          shortened(values.map((value) => JSON.stringify(value)).join(', '), 400),
        ]),
        kind: 'words',
      })
}${grid.config === undefined ? '' : markup`<details><summary>Settings that replace those of the preset, in every cell</summary><pre tabindex="0">${JSON.stringify(grid.config)}</pre></details>`}${folded(
    'Cells by hash',
    numbersTable(
      'Cells by hash',
      ['condition', 'config', 'folders of the seeds'],
      conditions.map((condition) => [
        conditionText(condition),
        markup`<code>${condition.cells[0]?.results.configHash?.slice(0, 12) ?? 'not run'}</code>`,
        markup`${condition.cells.map(({ seed, hash }) => markup`${seed}: <code>${hash.slice(0, 16)}</code> `)}`,
      ]),
    ),
    'raw',
  )}`;
}
