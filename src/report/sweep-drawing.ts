// Small line drawings as SVG. A sweep has hundreds of them: a general library's SVG is ten times as
// long, and a page of a sweep would not stay under a megabyte.
import { markPath, type LineLook } from '../look/tokens.ts';
import { escape, raw, type Markup } from './markup.ts';

export type DrawnPoint = readonly [x: number, y: number];

export interface DrawnAxis {
  readonly name: string;
  readonly range: readonly [number, number];
  readonly ticks: readonly { readonly at: number; readonly text: string }[];
  /** Equal ratios are equal lengths. The range is above 0. */
  readonly logarithmic?: boolean;
}

export interface DrawnLine {
  readonly look: Pick<LineLook, 'tone' | 'dash' | 'mark' | 'width'>;
  readonly points: readonly DrawnPoint[];
  /** Behind the line: the interval at each point. */
  readonly band?: readonly (readonly [x: number, low: number, high: number])[];
  /** Upright bars of intervals. */
  readonly bars?: readonly (readonly [x: number, low: number, high: number])[];
  /** Thin lines of the seeds. */
  readonly thin?: readonly (readonly DrawnPoint[])[];
  /** Pale dots of the seeds. */
  readonly dots?: readonly DrawnPoint[];
  /** Without a line between the points. */
  readonly loose?: boolean;
  /** Points without marks. */
  readonly plain?: boolean;
  /** Opacity, where it is not that of the others. */
  readonly pale?: number;
}

export interface Drawing {
  /** Description for readers who cannot see the drawing. */
  readonly label: string;
  readonly width: number;
  readonly height: number;
  readonly x: DrawnAxis;
  readonly y: DrawnAxis;
  readonly lines: readonly DrawnLine[];
  /** An upright or level rule; 0 of a difference is one. */
  readonly rules?: readonly ({ readonly x: number } | { readonly y: number })[];
}

const margin = { left: 38, right: 10, top: 18, bottom: 32 };

/** One decimal, without a trailing zero. */
const near = (value: number): string => String(Math.round(value * 10) / 10);

/** Lines over two axes. */
export function drawing({ label, width, height, x, y, lines, rules = [] }: Drawing): Markup {
  const [left, right] = [margin.left, width - margin.right];
  const [top, bottom] = [margin.top, height - margin.bottom];
  const placeX = scale(x, left, right);
  const placeY = scale(y, bottom, top);
  const path = (points: readonly DrawnPoint[]): string =>
    points
      .map(([px, py], i) => `${i === 0 ? 'M' : 'L'}${near(placeX(px))} ${near(placeY(py))}`)
      .join('');
  const grid = y.ticks.map(({ at }) => `M${left} ${near(placeY(at))}H${right}`).join('');
  const texts = [
    ...x.ticks.map(
      ({ at, text }) =>
        `<text x="${near(placeX(at))}" y="${bottom + 13}" class="m">${escape(text)}</text>`,
    ),
    ...y.ticks.map(
      ({ at, text }) =>
        `<text x="${left - 5}" y="${near(placeY(at) + 3.5)}" class="e">${escape(text)}</text>`,
    ),
    `<text x="${near((left + right) / 2)}" y="${height - 4}" class="m">${escape(x.name)}</text>`,
    `<text x="2" y="10">${escape(y.name)}</text>`,
  ];
  const ruled = rules
    .map((rule) =>
      'x' in rule
        ? `M${near(placeX(rule.x))} ${top}V${bottom}`
        : `M${left} ${near(placeY(rule.y))}H${right}`,
    )
    .join('');
  const drawn = lines.map(
    ({ look, points, band = [], bars = [], thin = [], dots = [], ...how }) => {
      const color = `var(${look.tone})`;
      const dash = look.dash.length > 0 ? ` stroke-dasharray="${look.dash.join(' ')}"` : '';
      const parts: string[] = [];
      if (band.length > 1) {
        const upper = band.map(([px, , high]) => `${near(placeX(px))} ${near(placeY(high))}`);
        const lower = band.map(([px, low]) => `${near(placeX(px))} ${near(placeY(low))}`).reverse();
        parts.push(`<path class="b" d="M${[...upper, ...lower].join('L')}Z"/>`);
      }
      const seeds = thin.map(path).join('');
      if (seeds !== '') parts.push(`<path class="t" d="${seeds}"/>`);
      const spots = dots.map(([px, py]) => `M${near(placeX(px))} ${near(placeY(py))}h0`).join('');
      if (spots !== '') parts.push(`<path class="d" d="${spots}"/>`);
      const upright = bars
        .map(([px, low, high]) => `M${near(placeX(px))} ${near(placeY(low))}V${near(placeY(high))}`)
        .join('');
      if (upright !== '') parts.push(`<path d="${upright}" stroke-width="2"/>`);
      if (how.loose !== true && points.length > 1) {
        parts.push(`<path d="${path(points)}" stroke-width="${look.width}"${dash}/>`);
      }
      if (how.plain !== true) {
        const marks = points
          .map(([px, py]) => markPath(look.mark, placeX(px), placeY(py), 3))
          .join('');
        if (marks !== '') parts.push(`<path class="f" d="${marks}"/>`);
      }
      const pale = how.pale === undefined ? '' : ` opacity="${how.pale}"`;
      return `<g color="${color}"${pale}>${parts.join('')}</g>`;
    },
  );
  return raw(
    `<svg class="plot" viewBox="0 0 ${width} ${height}" role="img" aria-label="${escape(label)}">` +
      `<path class="g" d="${grid}"/><path class="a" d="M${left} ${bottom}H${right}"/>` +
      (ruled === '' ? '' : `<path class="r" d="${ruled}"/>`) +
      `${drawn.join('')}${texts.join('')}</svg>`,
  );
}

function scale(
  { range: [low, high], logarithmic = false }: DrawnAxis,
  from: number,
  to: number,
): (value: number) => number {
  const by = logarithmic ? Math.log : (value: number) => value;
  const [start, end] = [by(low), by(high)];
  return (value) => from + ((by(value) - start) / (end - start || 1)) * (to - from);
}

/** Round steps that enclose the values: at most six, of 1, 2 or 5 times a power of ten. */
export function linearAxis(
  name: string,
  values: readonly number[],
  text: (value: number) => string,
): DrawnAxis {
  const present = values.filter(Number.isFinite);
  const [low, high] = [Math.min(...present), Math.max(...present)];
  const length = high > low ? high - low : Math.max(Math.abs(high), 1e-9) || 1;
  const power = 10 ** Math.floor(Math.log10(length / 5));
  const step = ([1, 2, 5].find((times) => length / (times * power) <= 5) ?? 10) * power;
  const [first, last] = [Math.floor(low / step + 1e-9), Math.ceil(high / step - 1e-9)];
  const end = last > first ? last : first + 1;
  const round = (steps: number): number => Number((steps * step).toPrecision(12));
  return {
    name,
    range: [round(first), round(end)],
    ticks: Array.from({ length: end - first + 1 }, (_, i) => {
      const at = round(first + i);
      return { at, text: text(at) };
    }),
  };
}

/** Powers of ten, and 2 and 5 times them, that lie within the values, which are above 0. */
export function logarithmicAxis(
  name: string,
  values: readonly number[],
  text: (value: number) => string,
): DrawnAxis {
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const range: readonly [number, number] = high > low ? [low, high] : [low / 2, high * 2];
  const decades = Array.from(
    { length: Math.ceil(Math.log10(range[1])) - Math.floor(Math.log10(range[0])) + 1 },
    (_, i) => 10 ** (Math.floor(Math.log10(range[0])) + i),
  );
  const all = decades.flatMap((ten) => [1, 2, 5].map((times) => times * ten));
  const within = (list: readonly number[]): number[] =>
    list.filter((at) => at >= range[0] * 0.999 && at <= range[1] * 1.001);
  const ticks = within(all);
  return {
    name,
    range,
    ticks: (ticks.length > 6 ? within(decades) : ticks).map((at) => ({ at, text: text(at) })),
    logarithmic: true,
  };
}

/**
 * A finding on a line: the seeds as dots, the mean with its interval, the margin of equivalence as a
 * box, 0 as a rule.
 *
 * @param reach Largest distance from 0 of the scale, the same for all findings of a table.
 */
export function findingStrip(
  label: string,
  reach: number,
  equivalence: number,
  tone: string,
  values: readonly number[],
  mean: number,
  interval: readonly [number, number] | undefined,
): Markup {
  const [width, height, middle] = [300, 34, 17];
  const place = (value: number): number =>
    width / 2 + (Math.max(-reach, Math.min(reach, value)) / reach) * (width / 2 - 8);
  const dots = values.map((value) => `M${near(place(value))} ${middle + 9}h0`).join('');
  const bar = interval
    ? `<path d="M${near(place(interval[0]))} ${middle - 5}H${near(place(interval[1]))}" stroke-width="3"/>`
    : '';
  const box = `<rect class="q" x="${near(place(-equivalence))}" y="1" width="${near(place(equivalence) - place(-equivalence))}" height="${height - 2}"/>`;
  return raw(
    `<svg class="plot strip" viewBox="0 0 ${width} ${height}" role="img" aria-label="${escape(label)}">${box}` +
      `<path class="r" d="M${width / 2} 0V${height}"/><g color="var(${tone})">${bar}` +
      `<path class="d" d="${dots}"/><path class="f" d="${markPath('diamond', place(mean), middle - 5, 4)}"/></g></svg>`,
  );
}
