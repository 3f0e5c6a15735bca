// npm run findings: writes the tables of docs/findings.md, and the study of the page's lesson about less
// and more, from the cells that studies/ holds.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { digestOf } from '../src/formats/digest.ts';
import { lineLook, toneRules } from '../src/look/tokens.ts';
import { leastSeeds } from '../src/interval.ts';
import { escape } from '../src/report/markup.ts';
import {
  accuracyAxis,
  agreementText,
  curvesOf,
  detectorName,
  differenceText,
  overview,
  shareText,
  short,
} from '../src/report/sweep-figures.ts';
import {
  crossingText,
  multiplicityText,
  tableReadout,
  verdictText,
  whereText,
} from '../src/report/sweep-page.ts';
import { count, counted, fixed, listed } from '../src/report/text.ts';
import { studyOf } from '../src/lessons/study.ts';
import { methodLabel, type MethodName } from '../src/selection/methods.ts';
import { evidenceOf, type Contrast, type Evidence } from '../src/sweep/evidence.ts';
import { readSweep, type Sweep } from '../src/sweep/folder.ts';
import { parseGrid } from '../src/sweep/grid.ts';
import { parsePreregistration } from '../src/sweep/preregistration.ts';
import {
  areaDifference,
  areaMean,
  conditionsOf,
  conditionText,
  configOf,
  crossingOf,
  differencesAtSamples,
  differencesOf,
  pointsOf,
  promptsOf,
  sweepMethods,
  sweepUnit,
  type Condition,
} from '../src/sweep/readings.ts';
import { selectionReadings, type SelectionReadings } from '../src/sweep/selection-readings.ts';
import { root } from './process.mjs';

export const page = join(root, 'docs/findings.md');

/** Where a study keeps its grid and what was collected of it. */
const studyFolder = (study: string): string => join(root, 'studies', study);
const RESULTS = 'results';

const begin = (study: string): string => `<!-- tables of studies/${study}: npm run findings -->`;
const END = '<!-- end of the tables -->';

/** The studies for which a page has a place, in order. */
export const studiesIn = (text: string): string[] =>
  [...text.matchAll(/<!-- tables of studies\/([\w-]+): npm run findings -->/g)].map(
    ([, study = '']) => study,
  );

/**
 * A page with the tables of a study replaced.
 *
 * @throws Error if the page has no place for them.
 */
export function withTables(text: string, study: string, tables: string): string {
  const from = text.indexOf(begin(study));
  const to = text.indexOf(END, from);
  if (from < 0 || to < 0) throw new Error(`${page}: no place for the tables of ${study}`);
  return `${text.slice(0, from + begin(study).length)}\n\n${tables}\n\n${text.slice(to)}`;
}

/** What a page shows of a study. */
export interface Shown {
  readonly tables: string;
  /** An SVG of the curves; absent before the first cell. */
  readonly figure?: string;
}

/** The file of a study's figure, beside the page. */
const figureName = (study: string): string => `findings-${study}.svg`;
export const figureFile = (study: string): string => join(root, 'docs', figureName(study));

/** The study of the page's lesson about less and more, and its file. */
const LESSON_STUDY = 'core-a';
export const lessonFile = join(root, 'demo/rooms/learn/study.json');

/** The text of that file. */
export async function lessonText(): Promise<string> {
  const sweep = await collected(LESSON_STUDY);
  if (!sweep) throw new Error(`studies/${LESSON_STUDY}: no cell is here yet`);
  return `${JSON.stringify(studyOf(LESSON_STUDY, sweep))}\n`;
}

/** What was collected of a study; undefined before its first cell. */
async function collected(study: string): Promise<Sweep | undefined> {
  const results = join(studyFolder(study), RESULTS);
  if (!existsSync(join(results, 'sweep.json'))) return undefined;
  return readSweep({
    name: `studies/${study}/${RESULTS}`,
    read: (file) => {
      const path = join(results, file);
      return Promise.resolve(existsSync(path) ? new Uint8Array(readFileSync(path)) : undefined);
    },
  });
}

/** Tables and figure of a study, from its folder in studies/. */
export async function shownOf(study: string): Promise<Shown> {
  const folder = studyFolder(study);
  const grid = readFileSync(join(folder, 'grid.json'));
  const decided = join(folder, 'preregistration.json');
  const preregistration = existsSync(decided) ? readFileSync(decided) : undefined;
  const facts = [
    `SHA-256 of \`studies/${study}/grid.json\`: \`${digestOf(grid)}\``,
    ...(preregistration
      ? [`SHA-256 of \`studies/${study}/preregistration.json\`: \`${digestOf(preregistration)}\``]
      : []),
  ];
  const sweep = await collected(study);
  if (!sweep) {
    return { tables: bullets([...facts, '**No cell is here yet.** What follows is not known.']) };
  }
  expectSameStudy(study, sweep, grid.toString(), preregistration);
  const fixedBefore = preregistration && parsePreregistration(preregistration, `studies/${study}`);
  const commands = [
    `npx limr sweep studies/${study}/grid.json${preregistration ? ` --preregistration studies/${study}/preregistration.json` : ''} --out runs/${study}`,
    `npx limr sweep --collect runs/${study} --out studies/${study}/${RESULTS}`,
    'npm run findings',
  ];
  const told = [bullets([...facts, ...factsOf(sweep)]), `\`\`\`sh\n${commands.join('\n')}\n\`\`\``];
  // The number of seeds was fixed: who reads differences before the last could end a study on them.
  if (sweep.cells.length < sweep.planned) return { tables: told.join('\n\n') };
  const figure = curvesFigure(sweep);
  const tables = [
    ...told,
    ...(figure === undefined
      ? []
      : [
          `![Share of right answers over updates, and over samples with those of the selection](${figureName(study)})`,
        ]),
    await sweepText(sweep, evidenceOf(sweep, fixedBefore)),
  ].join('\n\n');
  return { tables, ...(figure === undefined ? {} : { figure }) };
}

/** Sizes of the figure's parts. */
const [PANEL_WIDTH, PANEL_HEIGHT, TITLE, LEGEND] = [380, 270, 22, 18];

/**
 * The curves of a sweep as an SVG that stands alone: a column for each condition, over updates and over
 * samples with those of the selection. Undefined before the first cell.
 */
export function curvesFigure(sweep: Sweep): string | undefined {
  const methods = sweepMethods(sweep);
  const columns = conditionsOf(sweep).flatMap((condition) => {
    const curves = curvesOf(condition, methods);
    return curves.length === 0 ? [] : [{ condition, curves }];
  });
  if (columns.length === 0) return undefined;
  const width = PANEL_WIDTH * columns.length;
  const inRow = Math.max(1, Math.floor(width / 130));
  const top = LEGEND * Math.ceil(methods.length / inRow) + 6;
  const height = top + TITLE + 2 * PANEL_HEIGHT;
  const panels = columns.flatMap(({ condition, curves }, column) => {
    const y = accuracyAxis(condition, curves);
    const left = PANEL_WIDTH * column;
    return [
      `<text x="${left + 38}" y="${top + 14}" class="h">${escape(conditionText(condition))}</text>`,
      ...(['updates', 'samples'] as const).map((axis, row) =>
        overview(condition, curves, axis, y, methods, true).text.replace(
          '<svg ',
          `<svg x="${left}" y="${top + TITLE + PANEL_HEIGHT * row}" width="${PANEL_WIDTH}" height="${PANEL_HEIGHT}" `,
        ),
      ),
    ];
  });
  const names = methods.map((method, i) => {
    const { tone, dash, width: thick } = lineLook(method, methods);
    const [x, y] = [38 + 130 * (i % inRow), 12 + LEGEND * Math.floor(i / inRow)];
    const dashes = dash.length > 0 ? ` stroke-dasharray="${dash.join(' ')}"` : '';
    return `<path d="M${x} ${y - 4}h24" stroke="var(${tone})" stroke-width="${thick}"${dashes}/><text x="${x + 30}" y="${y}">${escape(methodLabel(method))}</text>`;
  });
  const css = readFileSync(join(root, 'src/report/plot.css'), 'utf8');
  const rules = css.match(/^\.plot [^{]+\{[^}]*\}/gm) ?? [];
  const style = `${toneRules()}
svg { font: 11px system-ui, sans-serif; fill: var(--quiet) }
.h { font-weight: 600; fill: var(--ink) }
${rules.join('\n')}`;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}">
<style>${style}</style>
<rect width="${width}" height="${height}" fill="var(--card)"/>
${[...names, ...panels].join('\n')}
</svg>
`;
}

/** @throws Error if the cells are of another grid, or were decided by another file. */
function expectSameStudy(
  study: string,
  sweep: Sweep,
  grid: string,
  preregistration: Uint8Array | undefined,
): void {
  const own = parseGrid(JSON.parse(grid), `studies/${study}/grid.json`);
  if (JSON.stringify(own) !== JSON.stringify(sweep.grid)) {
    throw new Error(`studies/${study}/${RESULTS}/sweep.json: is of another grid than the study's`);
  }
  const kept = join(studyFolder(study), RESULTS, 'preregistration.json');
  const held = existsSync(kept) ? digestOf(readFileSync(kept)) : undefined;
  if (held !== (preregistration && digestOf(preregistration))) {
    throw new Error(`${kept}: is not the study's`);
  }
}

function factsOf({ grid, cells, planned }: Sweep): string[] {
  const distinct = (of: (cell: Sweep['cells'][number]) => string): string =>
    listed([...new Set(cells.map(of))].sort().map((text) => plain(text)));
  return [
    cells.length < planned
      ? `**${count(cells.length)} of ${counted(planned, 'cell')} are here.** Differences are told with the last`
      : `${counted(planned, 'cell')}, all finished`,
    `Preset \`${grid.preset}\`, seeds ${grid.seeds.join(', ')}`,
    `Adapter: ${distinct(({ results }) => results.adapter)}; host: ${distinct(({ results }) => results.host)}`,
  ];
}

/** What a sweep shows, in tables: what was fixed beforehand, the secondary outcomes, all else. */
export async function sweepText(sweep: Sweep, evidence: Evidence): Promise<string> {
  return [
    ...registeredText(evidence),
    ...secondaryText(evidence),
    ...(await exploratoryText(sweep, evidence)),
  ].join('\n\n');
}

const differenceName = ({ one, other }: Contrast): string =>
  `${methodLabel(one)} − ${methodLabel(other)}`;

const intervalText = (interval: readonly [number, number] | undefined): string =>
  interval ? `${short(interval[0])} to ${short(interval[1])}` : '';

const pText = (p: number | undefined): string =>
  p === undefined ? '' : p < 0.0001 ? '< .0001' : p.toFixed(4).replace(/^0/, '');

function registeredText({ preregistration, registered }: Evidence): string[] {
  if (!preregistration) {
    return ['### Fixed before the run', 'Nothing was: all of this is exploratory.'];
  }
  const { title, alpha, equivalence, seeds } = preregistration;
  return [
    '### Fixed before the run',
    `${plain(title).replace(/[^.!?]$/, '$&.')} Exact two-sided sign-flip test, Holm over ${counted(registered.length, 'contrast')}, α = ${alpha}; *level* only where the 90 % interval lies within ± ${equivalence}.`,
    table(
      ['', 'difference', 'at', 'verdict', 'mean', 'p', 'Holm’s p'],
      registered.map((contrast) => [
        contrast.name,
        differenceName(contrast),
        whereText(contrast),
        `**${verdictText(contrast)}**`,
        contrast.tested ? short(contrast.tested.mean) : '',
        pText(contrast.tested?.p),
        pText(contrast.adjusted),
      ]),
    ),
    table(
      [
        '',
        '95 %, seeds',
        '95 %, seeds and prompts',
        '90 %, seeds',
        'interquartile mean',
        'probability of improvement',
        'seen in 80 % of such studies',
      ],
      registered.flatMap(({ name, tested }) =>
        tested
          ? [
              [
                name,
                intervalText(tested.interval),
                intervalText(tested.crossed),
                intervalText([tested.equivalence.low, tested.equivalence.high]),
                short(tested.interquartileMean),
                fixed(tested.improvement, 2),
                short(tested.detectable).replace('+', '±'),
              ],
            ]
          : [],
      ),
    ),
    'Every seed:',
    table(
      ['seed', ...registered.map(({ name }) => name)],
      [...seeds]
        .sort((a, b) => a - b)
        .map((seed) => [
          String(seed),
          ...registered.map(({ pairs }) => {
            const found = pairs.find((pair) => pair.seed === seed);
            return found ? short(found.difference) : 'missing';
          }),
        ]),
    ),
  ];
}

function secondaryText({ secondary }: Evidence): string[] {
  if (secondary.length === 0) return [];
  return [
    '### Secondary, judged by nothing',
    contrastTable(secondary, (contrast) => contrast.name),
  ];
}

const contrastTable = (
  contrasts: readonly Contrast[],
  first?: (contrast: Contrast) => string,
): string =>
  table(
    [
      ...(first ? [''] : []),
      'difference',
      ...(first ? ['at'] : []),
      'mean',
      '95 %, seeds',
      '95 %, seeds and prompts',
      'p, not adjusted',
      'seeds',
    ],
    contrasts.map((contrast) => {
      const { tested, pairs, refused } = contrast;
      return [
        ...(first ? [first(contrast)] : []),
        differenceName(contrast),
        ...(first ? [whereText(contrast)] : []),
        tested ? short(tested.mean) : (refused ?? ''),
        intervalText(tested?.interval),
        intervalText(tested?.crossed),
        pText(tested?.p),
        String(pairs.length),
      ];
    }),
  );

async function exploratoryText(sweep: Sweep, evidence: Evidence): Promise<string[]> {
  const methods = sweepMethods(sweep);
  const conditions = conditionsOf(sweep);
  const finished = conditions.filter(({ cells }) => cells.length > 0);
  const readout = tableReadout({ finished, methods });
  const unit = sweepUnit(sweep);
  const parts = [
    '### Exploratory',
    evidence.exploratory.length === 0 ? '' : multiplicityText(evidence),
  ];
  for (const condition of conditions) {
    parts.push(`#### ${capital(conditionText(condition))}`);
    if (condition.cells.length === 0) {
      parts.push('No cell has finished.');
      continue;
    }
    const readings = await selectionReadings(condition, methods);
    parts.push(
      `${counted(condition.cells.length, 'seed')}; config \`${condition.cells[0]?.results.configHash.slice(0, 16) ?? ''}\`; base ${fixed(condition.cells[0]?.results.base.mean ?? NaN)}.`,
      curveTable(condition, methods, unit),
      ...(readout === undefined ? [] : [leadTable(condition, methods, readout, unit)]),
      ...samplesTable(condition, methods, unit),
      ...limTable(evidence, condition, readout, unit),
      ...(readings ? selectionTables(condition, readings) : []),
    );
  }
  return parts.filter((part) => part !== '');
}

/** Accuracy of every method at every read-out. */
function curveTable(condition: Condition, methods: readonly MethodName[], unit: string): string {
  const readouts = [
    ...new Set(
      methods.flatMap((method) => pointsOf(condition, method).map(({ readout }) => readout)),
    ),
  ].sort((a, b) => a - b);
  return table(
    [`share right after so many ${unit}s`, ...readouts.map((readout) => count(readout)), 'area'],
    methods.map((method) => {
      const area = areaMean(condition, method);
      return [
        methodLabel(method),
        ...readouts.map((readout) => {
          const point = pointsOf(condition, method).find((one) => one.readout === readout);
          return point ? shareText(point.accuracy) : '';
        }),
        area ? shareText(area) : '',
      ];
    }),
  );
}

/** Every method beside FULL. */
function leadTable(
  condition: Condition,
  methods: readonly MethodName[],
  readout: number,
  unit: string,
): string {
  return table(
    [
      'method',
      'prompts',
      'wrong keys',
      `minus FULL @${count(readout)} (95 %)`,
      'area minus FULL (95 %)',
      `U* in ${unit}s`,
      'above FULL until',
      'below FULL from',
    ],
    methods.flatMap((method) => {
      if (method === 'full') return [];
      const points = differencesOf(condition, method, 'full');
      const point = points.find((one) => one.readout === readout);
      const area = areaDifference(condition, method, 'full');
      const crossing = points.length === 0 ? undefined : crossingOf(points);
      return [
        [
          methodLabel(method),
          spread(condition.cells.map((cell) => promptsOf(cell, method))),
          spread(
            condition.cells.flatMap(
              ({ results }) => results.seeds[0]?.selections[method]?.wrongKeys ?? [],
            ),
          ),
          point ? differenceText(point) : 'not read',
          area ? differenceText(area) : '',
          crossing ? crossingText(crossing) : '',
          crossing?.aheadUntil === undefined ? '–' : count(crossing.aheadUntil),
          crossing?.behindFrom === undefined ? '–' : count(crossing.behindFrom),
        ],
      ];
    }),
  );
}

/** Every method beside FULL where FULL has used as many samples. */
function samplesTable(
  condition: Condition,
  methods: readonly MethodName[],
  unit: string,
): string[] {
  const rows = methods.flatMap((method) => {
    if (method === 'full') return [];
    const points = differencesAtSamples(condition, method, 'full');
    return points.length === 0 ? [] : [{ method, points }];
  });
  const readouts = [
    ...new Set(rows.flatMap(({ points }) => points.map(({ readout }) => readout))),
  ].sort((a, b) => a - b);
  if (rows.length === 0) return [];
  return [
    table(
      [
        `minus FULL at equal total samples, after so many ${unit}s`,
        ...readouts.map((readout) => count(readout)),
      ],
      rows.map(({ method, points }) => [
        methodLabel(method),
        ...readouts.map((readout) => {
          const point = points.find((one) => one.readout === readout);
          return point ? differenceText(point) : '';
        }),
      ]),
    ),
  ];
}

/** LIM beside every other method, also where a contrast was fixed. */
function limTable(
  { exploratory, registered }: Evidence,
  condition: Condition,
  readout: number | undefined,
  unit: string,
): string[] {
  const own = [...registered, ...exploratory].filter(
    ({ one, other, where, at }) =>
      (one === 'lim' || other === 'lim') &&
      ('update' in at ? at.update : 'epoch' in at ? at.epoch : NaN) === readout &&
      Object.entries(condition.factors).every(([key, value]) => where[key] === value),
  );
  if (own.length === 0) return [];
  return [`LIM beside the others at ${unit} ${count(readout ?? NaN)}:`, contrastTable(own)];
}

function selectionTables(condition: Condition, readings: SelectionReadings): string[] {
  const { halves, resampled, threshold, withLim, roc, chance } = readings;
  const samples = configOf(condition)?.rollout.samples ?? NaN;
  return [
    ...(resampled.length === 0
      ? []
      : [
          table(
            [
              'does a rule repeat itself? (Jaccard)',
              ...resampled.map(({ rule }) => rule.toUpperCase()),
              'chance',
            ],
            [
              [
                `all ${samples} samples drawn anew`,
                ...resampled.map(({ jaccard }) => agreementText(jaccard)),
                fixed(chance, 2),
              ],
              ...(halves.length === 0
                ? []
                : [
                    [
                      `halves of the ${samples} samples`,
                      ...halves.map(({ jaccard }) => agreementText(jaccard)),
                      fixed(chance, 2),
                    ],
                  ]),
            ],
          ),
        ]),
    ...(threshold
      ? [
          table(
            [
              `prompts that θ = ${threshold.theta} keeps`,
              'as it was',
              'sampled anew',
              'anew, debiased',
              'without noise',
              'expected score on the mean curve',
            ],
            [
              [
                '',
                spread(threshold.kept.bySeed.map(({ value }) => value)),
                fixed(threshold.resampled.mean, 0),
                fixed(threshold.debiased.mean, 0),
                fixed(threshold.noiseless.mean, 0),
                fixed(threshold.onCurve.mean, 2),
              ],
            ],
          ),
        ]
      : []),
    ...(withLim.length === 0
      ? []
      : [
          table(
            ['overlap with LIM (Jaccard)', ...withLim.map(({ method }) => methodLabel(method))],
            [['', ...withLim.map(({ jaccard }) => agreementText(jaccard))]],
          ),
        ]),
    ...(roc.length === 0
      ? []
      : [
          table(
            ['wrong keys found by', ...roc.map(({ detector }) => detectorName(detector))],
            [['area under the ROC curve', ...roc.map(({ area }) => shareText(area))]],
          ),
        ]),
  ];
}

/** Mean, least and most. */
function spread(values: readonly number[]): string {
  if (values.length === 0) return '';
  const [least, most] = [Math.min(...values), Math.max(...values)];
  if (least === most) return count(least);
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return `${fixed(mean, values.length < leastSeeds ? 1 : 0)} (${count(least)}–${count(most)})`;
}

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

const bullets = (lines: readonly string[]): string => lines.map((line) => `- ${line}`).join('\n');

/** Text of a file that stays in its place on a page. */
const plain = (text: string): string => text.replace(/[\s|<>`*_[\]\\]+/g, ' ').trim();

const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  let text = readFileSync(page, 'utf8');
  for (const study of studiesIn(text)) {
    const { tables, figure } = await shownOf(study);
    text = withTables(text, study, tables);
    if (figure !== undefined) writeFileSync(figureFile(study), figure);
  }
  writeFileSync(page, text);
  writeFileSync(lessonFile, await lessonText());
}
