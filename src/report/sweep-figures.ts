import { differenceSteps, lineLook } from '../look/tokens.ts';
import { methodLabel, type MethodName } from '../selection/methods.ts';
import {
  baseAccuracy,
  conditionText,
  differencesOf,
  factorName,
  factorValue,
  pointsOf,
  poolOf,
  sideOf,
  type Axis,
  type Condition,
  type DifferencePoint,
  type Mean,
  type Point,
} from '../sweep/readings.ts';
import { rocSteps, type SelectionReadings } from '../sweep/selection-readings.ts';
import { markup, type Markup, type Part } from './markup.ts';
import {
  drawing,
  linearAxis,
  logarithmicAxis,
  type DrawnAxis,
  type DrawnLine,
  type DrawnPoint,
} from './sweep-drawing.ts';
import { count, counted, fixed, signed } from './text.ts';

/** `+.034`: a difference in few characters. */
export const short = (value: number): string => {
  const text = signed(value);
  return text.replace(/^([+−])0\./, '$1.');
};

/** `.712 (.690–.731)`. */
export const shareText = ({ mean, interval }: Mean): string =>
  interval ? `${bare(mean)} (${bare(interval[0])}–${bare(interval[1])})` : bare(mean);

const bare = (value: number): string => fixed(value).replace(/^(−?)0\./, '$1.');

/** `+.034 (−.010 to +.078)`. */
export const differenceText = ({ mean, interval }: Mean): string =>
  interval ? `${short(mean)} (${short(interval[0])} to ${short(interval[1])})` : short(mean);

/** A table of numbers in a frame that scrolls. The first cell of a row is its name. */
export function numbersTable(
  name: string,
  head: readonly Part[],
  rows: readonly (readonly Part[])[],
): Markup {
  return markup`<div class="scroll" tabindex="0" role="region" aria-label="${name}"><table><thead><tr>${head.map(
    (cell) => markup`<th>${cell}`,
  )}<tbody>${rows.map(
    ([first, ...rest]) => markup`<tr><th>${first}${rest.map((cell) => markup`<td>${cell}`)}`,
  )}</table></div>
`;
}

/** A folded table. */
export const folded = (summary: string, table: Markup, kind = 'numbers'): Markup =>
  markup`<details class="${kind}"><summary>${summary}</summary>${table}</details>
`;

/** The scale of colours that holds all differences. */
export function scaleOf(points: readonly Pick<Mean, 'mean'>[]): number {
  const most = Math.max(0, ...points.map(({ mean }) => Math.abs(mean)));
  return [0.04, 0.08, 0.12, 0.16, 0.2, 0.24, 0.32, 0.4].find((end) => most <= end) ?? 0.8;
}

/** The colour of a difference; a decided one is never grey. */
function stepOf(point: DifferencePoint, scale: number): number {
  const step = Math.round((point.mean / scale) * differenceSteps);
  const side = sideOf(point);
  return Math.max(-differenceSteps, Math.min(differenceSteps, step === 0 ? side : step));
}

/** A coloured cell of a phase diagram. */
function mapCell(point: DifferencePoint | undefined, scale: number): Markup {
  if (!point) return markup`<td class="n">·`;
  const step = stepOf(point, scale);
  return sideOf(point) === 0
    ? markup`<td class="u s${step}"><i>${short(point.mean)}?</i>`
    : markup`<td class="s${step}">${short(point.mean)}`;
}

/** What phase diagrams say beside their numbers. */
export interface MapWords {
  /** What hatched cells and dots mean. */
  readonly key: string;
  /** The table of intervals: its summary, and its name for a diagram. */
  readonly intervals: string;
  readonly intervalsOf: (diagram: string) => string;
  readonly noInterval: string;
  readonly interval: (low: string, high: string) => string;
  readonly seeds: (seeds: number) => string;
  readonly corner: Readonly<Record<MapCorner, string>>;
  readonly unit: (unit: string) => string;
  /** What is added to the name of a diagram at equal total samples. */
  readonly equalSamples: string;
}

/** What the rows of a phase diagram are. */
export type MapCorner = 'subset' | 'method';

/** The words of the report. */
export const reportMapWords: MapWords = {
  key: 'hatched, with a question mark: undecided. The 95 % interval holds 0, or there are fewer than three seeds. A dot: not read.',
  intervals: 'Intervals',
  intervalsOf: (diagram) => `${diagram}, 95 % intervals`,
  noInterval: 'none',
  interval: (low, high) => `${low} to ${high}`,
  seeds: (seeds) => counted(seeds, 'seed'),
  corner: { subset: 'subset', method: 'method' },
  unit: (unit) => unit,
  equalSamples: ', equal total samples',
};

/** The key of the colours. */
export const mapKey = (scale: number, words: MapWords): Markup =>
  markup`<p class="key">${short(-scale)} ${Array.from(
    { length: 2 * differenceSteps + 1 },
    (_, i) => markup`<i class="s${i - differenceSteps}"></i>`,
  )} ${short(scale)} <i class="u"></i> ${words.key}</p>
`;

export interface MapRow {
  readonly name: Part;
  readonly points: readonly DifferencePoint[];
}

/** How phase diagrams are drawn. */
export interface MapLook {
  /** Unit of the budget. */
  readonly unit: string;
  /** The difference that has the deepest colour. */
  readonly scale: number;
  /** Whether a table of intervals stands below each diagram. */
  readonly intervals: boolean;
  readonly words: MapWords;
}

/** A phase diagram: rows by read-outs, the cells coloured by the difference. */
export function phaseMap(
  name: string,
  corner: MapCorner,
  rows: readonly MapRow[],
  { unit, scale, intervals, words }: MapLook,
): Markup {
  const readouts = readoutsOf(rows);
  const most = Math.max(
    0,
    ...rows.flatMap(({ points }) => points.map(({ bySeed }) => bySeed.length)),
  );
  const [first, budget] = [words.corner[corner], words.unit(unit)];
  return markup`<figure><figcaption><b>${name}</b></figcaption>
<div class="scroll" tabindex="0" role="region" aria-label="${name}"><table class="map"><thead><tr><th scope="col">${first}${readouts.map(
    (readout) => markup`<th scope="col"><span class="hidden">${budget} </span>${count(readout)}`,
  )}<tbody>${rows.map(
    (row) =>
      markup`<tr><th scope="row">${row.name}${readouts.map((readout) =>
        mapCell(
          row.points.find((point) => point.readout === readout),
          scale,
        ),
      )}`,
  )}</table></div>
${
  !intervals
    ? ''
    : folded(
        words.intervals,
        numbersTable(
          words.intervalsOf(name),
          [first, ...readouts.map((readout) => `${budget} ${count(readout)}`)],
          rows.map((row) => [
            row.name,
            ...readouts.map((readout) => {
              const point = row.points.find((one) => one.readout === readout);
              return point ? intervalCell(point, most, words) : '';
            }),
          ]),
        ),
      )
}</figure>
`;
}

/** An interval; with fewer seeds than the most of the map, their number. */
function intervalCell(
  { interval, bySeed }: DifferencePoint,
  most: number,
  words: MapWords,
): Markup {
  const few =
    bySeed.length < most ? markup`<small>${words.seeds(bySeed.length)}</small>` : undefined;
  return markup`${interval ? words.interval(short(interval[0]), short(interval[1])) : words.noInterval}${few}`;
}

/** The read-outs that any row has, in order. */
export const readoutsOf = (rows: readonly MapRow[]): number[] =>
  [...new Set(rows.flatMap(({ points }) => points.map(({ readout }) => readout)))].sort(
    (a, b) => a - b,
  );

const axisNames: Readonly<Record<Axis, string>> = {
  updates: 'updates',
  epochs: 'epochs of own prompts (log scale)',
  samples: 'samples, the selection’s own charged',
};

const thousands = (value: number): string =>
  value >= 1e6
    ? `${Number((value / 1e6).toFixed(2))}M`
    : value >= 1000
      ? `${Number((value / 1000).toFixed(1))}k`
      : String(Number(value.toPrecision(3)));

export interface MethodCurve {
  readonly method: MethodName;
  readonly points: readonly Point[];
}

export const curvesOf = (condition: Condition, methods: readonly MethodName[]): MethodCurve[] =>
  methods.flatMap((method) => {
    const points = pointsOf(condition, method);
    return points.length === 0 ? [] : [{ method, points }];
  });

/** The upright axis that all panels of a condition share. */
export function accuracyAxis(condition: Condition, curves: readonly MethodCurve[]): DrawnAxis {
  const values = curves.flatMap(({ points }) =>
    points.flatMap(({ accuracy }) => [
      accuracy.mean,
      ...accuracy.bySeed.map(({ value }) => value),
      ...(accuracy.interval ?? []),
    ]),
  );
  return linearAxis(
    'share right',
    [...values, baseAccuracy(condition) ?? values[0] ?? 0],
    (value) => bare(Number(value.toFixed(2))).replace(/0$/, ''),
  );
}

function xAxis(axis: Axis, values: readonly number[], log: boolean): DrawnAxis {
  const positive = values.filter((value) => value > 0);
  return log
    ? logarithmicAxis(axisNames[axis], positive.length === 0 ? [1] : positive, thousands)
    : linearAxis(axisNames[axis], [0, ...values], thousands);
}

/** Most methods whose bands are drawn in one figure; with more, bands hide each other. */
const MOST_BANDS = 4;

/** All methods of a condition over one axis. */
export function overview(
  condition: Condition,
  curves: readonly MethodCurve[],
  axis: Axis,
  y: DrawnAxis,
  methods: readonly MethodName[],
  marked: boolean,
): Markup {
  const log = axis === 'epochs';
  const xs = curves.flatMap(({ points }) => points.map(({ at }) => at[axis]));
  const base = baseAccuracy(condition);
  const x = xAxis(axis, xs, log);
  const banded = curves.length <= MOST_BANDS;
  const lines = curves.map(({ method, points }): DrawnLine => {
    const shown = points.filter(({ at }) => !log || at[axis] > 0);
    return {
      look: lineLook(method, methods),
      plain: !marked,
      points: shown.map(({ at, accuracy }) => [at[axis], accuracy.mean]),
      ...(banded || method === 'full' || method === 'lim' ? { band: bandOf(shown, axis) } : {}),
    };
  });
  return drawing({
    label: `${conditionText(condition)}: accuracy over ${axisNames[axis]} of ${curves.map(({ method }) => methodLabel(method)).join(', ')}. Numbers in the table below.`,
    width: 380,
    height: 270,
    x,
    y,
    lines,
    rules: base === undefined ? [] : [{ y: base }],
  });
}

const bandOf = (points: readonly Point[], axis: Axis): [number, number, number][] =>
  points.flatMap(({ at, accuracy }): [number, number, number][] =>
    accuracy.interval ? [[at[axis], ...accuracy.interval]] : [],
  );

/** One method beside FULL over updates, with its seeds. */
export function methodPanel(
  condition: Condition,
  { method, points }: MethodCurve,
  full: MethodCurve | undefined,
  y: DrawnAxis,
  methods: readonly MethodName[],
): Markup {
  const last = Math.max(...points.map(({ at }) => at.updates));
  const seeds = [
    ...new Set(points.flatMap(({ accuracy }) => accuracy.bySeed.map(({ seed }) => seed))),
  ];
  const reference = full?.points.filter(({ at }) => at.updates <= last) ?? [];
  const lines: DrawnLine[] = [
    {
      look: { tone: '--quiet', dash: [], mark: 'none', width: 1.5 },
      points: reference.map(({ at, accuracy }) => [at.updates, accuracy.mean]),
      plain: true,
    },
    {
      look: { ...lineLook(method, methods), dash: [], width: 2.5 },
      points: points.map(({ at, accuracy }) => [at.updates, accuracy.mean]),
      band: bandOf(points, 'updates'),
      thin: seeds.map((seed) =>
        points.flatMap(({ at, accuracy }): DrawnPoint[] => {
          const found = accuracy.bySeed.find((one) => one.seed === seed);
          return found ? [[at.updates, found.value]] : [];
        }),
      ),
      plain: true,
    },
  ];
  const name = methodLabel(method);
  return markup`<figure>${drawing({
    label: `${conditionText(condition)}: ${name} beside FULL over updates, ${counted(seeds.length, 'seed')}.`,
    width: 220,
    height: 165,
    x: linearAxis('updates', [0, last], thousands),
    y,
    lines: method === 'full' ? lines.slice(1) : lines,
  })}<figcaption><b>${name}</b></figcaption></figure>
`;
}

/** The numbers of a condition's curves. @param unit The unit of read-outs. */
export const curveTable = (
  condition: Condition,
  curves: readonly MethodCurve[],
  unit: string,
): Markup =>
  folded(
    'Numbers of the curves',
    numbersTable(
      `Numbers of the curves, ${conditionText(condition)}`,
      [
        'method and read-out',
        'share right (95 %)',
        ...(unit === 'update' ? [] : ['updates']),
        'own epochs',
        'samples trained',
        'with selection',
      ],
      curves.flatMap(({ method, points }) =>
        points.map(({ readout, accuracy, at, trained }) => [
          `${methodLabel(method)} @${count(readout)}`,
          shareText(accuracy),
          ...(unit === 'update' ? [] : [count(at.updates)]),
          fixed(at.epochs, 2),
          count(Math.round(trained)),
          count(Math.round(at.samples)),
        ]),
      ),
    ),
  );

/** Every seed's accuracy. */
export function seedTable(condition: Condition, curves: readonly MethodCurve[]): Markup {
  const seeds = condition.cells.map(({ seed }) => seed);
  return folded(
    `Every seed, ${conditionText(condition)}`,
    numbersTable(
      `Every seed, ${conditionText(condition)}`,
      ['method and read-out', ...seeds.map(String)],
      curves.flatMap(({ method, points }) =>
        points.map(({ readout, accuracy }) => {
          const values = new Map(accuracy.bySeed.map(({ seed, value }) => [seed, value]));
          return [
            `${methodLabel(method)} @${count(readout)}`,
            ...seeds.map((seed) => {
              const value = values.get(seed);
              return value === undefined ? '' : bare(value);
            }),
          ];
        }),
      ),
    ),
    'numbers raw',
  );
}

/**
 * Differences from FULL at one read-out by the values of a factor: a panel for each method, the
 * seeds as dots.
 *
 * @param conditions Conditions that differ in this factor alone, in order.
 * @param drawn Whether there are panels; else there is the table alone.
 */
export function factorFigure(
  factor: string,
  conditions: readonly Condition[],
  methods: readonly MethodName[],
  readout: number,
  unit: string,
  drawn: boolean,
): Markup {
  const panels = methods.flatMap((method) => {
    if (method === 'full') return [];
    const points = conditions.map((condition) =>
      differencesOf(condition, method, 'full').find((point) => point.readout === readout),
    );
    return points.some((point) => point) ? [{ method, points }] : [];
  });
  if (panels.length === 0) return markup``;
  const names = conditions.map((condition) =>
    factorValue(factor, condition.factors[factor], poolOf(condition)),
  );
  const rest = conditions[0] ? conditionText(conditions[0], [factor]) : '';
  const table = numbersTable(
    `Differences from FULL at ${unit} ${readout} by ${factorName(factor)}, ${rest}`,
    ['method', ...names],
    panels.map(({ method, points }) => [
      methodLabel(method),
      ...points.map((point) => (point ? differenceText(point) : '')),
    ]),
  );
  if (!drawn) return table;
  const y = linearAxis(
    'minus FULL',
    [
      0,
      ...panels.flatMap(({ points }) =>
        points.flatMap((point) =>
          point
            ? [point.mean, ...(point.interval ?? []), ...point.bySeed.map(({ value }) => value)]
            : [],
        ),
      ),
    ],
    (value) => (value === 0 ? '0' : short(Number(value.toFixed(2))).replace(/0$/, '')),
  );
  const x: DrawnAxis = {
    name: factorName(factor),
    range: [-0.5, names.length - 0.5],
    ticks: names.map((text, at) => ({ at, text })),
  };
  return markup`<div class="many">
${panels.map(({ method, points }) => {
  const found = points.flatMap((point, i) => (point ? [{ point, i }] : []));
  return markup`<figure>${drawing({
    label: `${methodLabel(method)} minus FULL at ${unit} ${readout} by ${factorName(factor)}. Numbers in the table below.`,
    width: 220,
    height: 165,
    x,
    y,
    rules: [{ y: 0 }],
    lines: [
      {
        look: { ...lineLook(method, methods), dash: [] },
        points: found.map(({ point, i }) => [i, point.mean]),
        bars: found.flatMap(({ point, i }): [number, number, number][] =>
          point.interval ? [[i, ...point.interval]] : [],
        ),
        dots: found.flatMap(({ point, i }) =>
          point.bySeed.map(({ value }): DrawnPoint => [i + 0.16, value]),
        ),
        loose: true,
      },
    ],
  })}<figcaption><b>${methodLabel(method)}</b></figcaption></figure>
`;
})}</div>
${folded('Numbers by factor', table)}`;
}

/** ROC of the detectors for wrong keys. */
export function rocFigure(condition: Condition, { roc }: SelectionReadings): Markup {
  if (roc.length === 0) return markup``;
  const looks = {
    lim: lineLook('lim'),
    accuracy: { tone: '--mean', dash: [6, 3], mark: 'none', width: 2 },
  } as const;
  const tick = (value: number): string =>
    value === 0 ? '0' : value === 1 ? '1' : bare(value).replace(/0+$/, '');
  const axis = (name: string): DrawnAxis => linearAxis(name, [0, 1], tick);
  return markup`<figure>${drawing({
    label: `${conditionText(condition)}: wrong keys found over right keys suspected. ${roc.map(({ detector, area }) => `${detectorName(detector)}: area ${shareText(area)}`).join('; ')}.`,
    width: 260,
    height: 240,
    x: axis('right keys suspected'),
    y: axis('wrong keys found'),
    lines: roc.map(({ detector, curve }) => ({
      look: looks[detector],
      points: curve.map((value, i): DrawnPoint => [i / rocSteps, value]),
      plain: true,
    })),
  })}<figcaption><b>${conditionText(condition)}.</b> Area under the curve: ${roc.map(({ detector, area }, i) => `${i > 0 ? '; ' : ''}${detectorName(detector)} ${shareText(area)}`)}.</figcaption></figure>
`;
}

export const detectorName = (detector: 'lim' | 'accuracy'): string =>
  detector === 'lim' ? 'low LIM score' : 'low mean accuracy';

/** A mean of Jaccard indices. @param interval Whether its interval is told. */
export const agreementText = (mean: Mean | undefined, interval = true): string =>
  mean ? (interval ? shareText(mean) : bare(mean.mean)) : '';
