import { CustomChart, LineChart } from 'echarts/charts';
import { GridComponent, MarkLineComponent } from 'echarts/components';
import { init, setPlatformAPI, use, type EChartsCoreOption } from 'echarts/core';
import { SVGRenderer } from 'echarts/renderers';
import type { Mark } from '../look/tokens.ts';
import { escape, raw, type Markup } from './markup.ts';

use([CustomChart, LineChart, GridComponent, MarkLineComponent, SVGRenderer]);
// In a page, echarts would measure text with a canvas. Without a canvas it uses a table, and the
// bytes are the same on every host.
setPlatformAPI({ createCanvas: () => null as unknown as HTMLCanvasElement });

/**
 * The look of a series. Colours are custom properties of the stylesheet, so that they follow the
 * colour scheme.
 */
export interface SeriesStyle {
  readonly color: string;
  /** Lengths of dashes and gaps; undefined draws a solid line. */
  readonly dash?: readonly number[];
  readonly symbol: Mark;
  readonly width?: number;
}

export type Point = readonly [x: number, y: number];

export interface Line {
  readonly style: SeriesStyle;
  readonly points: readonly Point[];
  /** Drawn behind the line: the 95 % interval at each point. */
  readonly band?: readonly (readonly [x: number, low: number, high: number])[];
  readonly width?: number;
  /** In [0, 1]. Default 1. */
  readonly opacity?: number;
}

interface Frame {
  /** Unique on the page. */
  readonly id: string;
  /** Description for readers who cannot see the figure. */
  readonly label: string;
  readonly width: number;
  readonly height: number;
  readonly xName: string;
  /** Name of the upright axis, drawn above it. */
  readonly yName?: string;
}

export interface LineChartOptions extends Frame {
  readonly lines: readonly Line[];
  readonly yRange?: readonly [number, number];
  readonly xRange?: readonly [number, number];
  /** Vertical and horizontal rules, each with a label. */
  readonly rules?: readonly (
    { readonly x: number; readonly text: string } | { readonly y: number; readonly text: string }
  )[];
  /** Curves drawn behind the lines, the first rearmost. */
  readonly backdrops?: readonly Backdrop[];
}

/** Curves of one colour: each is one path, thin and half transparent. */
export interface Backdrop {
  readonly color: string;
  readonly curves: readonly {
    readonly points: readonly (number | null)[];
    readonly width: number;
  }[];
}

const muted = 'var(--quiet)';
const axisText = { color: muted, fontSize: 12, fontFamily: 'inherit' };
const axisLine = { lineStyle: { color: 'var(--axis)' } };

const xAxisOf = (name: string, [min, max]: readonly [number, number]) => ({
  type: 'value',
  min,
  max,
  name,
  nameLocation: 'middle',
  nameGap: 26,
  nameTextStyle: axisText,
  axisLine: { show: true, onZero: false, ...axisLine },
  axisTick: { show: true, ...axisLine },
  interval: stepOf(max - min),
  axisLabel: { ...axisText, showMaxLabel: isMultiple(max - min, stepOf(max - min)) },
  splitLine: { show: false },
});

const isMultiple = (length: number, step: number): boolean =>
  Math.abs(length / step - Math.round(length / step)) < 1e-9;

/**
 * An axis step of 1, 2 or 5 times a power of ten: at most 6 steps, and whole steps for lengths from
 * 3 up.
 */
function stepOf(length: number): number {
  const power = 10 ** Math.floor(Math.log10(length / 6));
  const step = [1, 2, 5, 10].map((times) => times * power).find((size) => length / size <= 6);
  return length >= 3 ? Math.max(1, step ?? length) : (step ?? length);
}

const yAxisOf = (range: readonly [number, number] | undefined, name = '') => ({
  type: 'value',
  scale: true,
  ...(range ? { min: range[0], max: range[1], interval: (range[1] - range[0]) / 4 } : {}),
  splitNumber: 4,
  name,
  nameGap: 8,
  nameTextStyle: { ...axisText, align: 'left', padding: [0, 0, 0, -40] },
  axisLine: { show: false },
  axisTick: { show: false },
  axisLabel: axisText,
  splitLine: { lineStyle: { color: 'var(--grid)' } },
});

const grid = { left: 46, right: 14, top: 24, bottom: 42 };

/** The part of echarts' API that draws a custom series. */
interface DrawApi {
  readonly coord: (point: readonly number[]) => [number, number];
  readonly size: (extent: readonly number[]) => [number, number];
}

/**
 * A series of custom shapes in the coordinates of the axes; the axes cover at least the `extents`.
 */
const drawn = (
  extents: readonly (readonly [x: number, low: number, high: number])[],
  z: number,
  draw: (index: number, api: DrawApi) => object,
) => ({
  type: 'custom',
  silent: true,
  clip: true,
  z,
  data: extents.map((extent) => [...extent]),
  encode: { x: 0, y: [1, 2] },
  renderItem: ({ dataIndexInside }: { dataIndexInside: number }, api: DrawApi) => ({
    silent: true,
    ...draw(dataIndexInside, api),
  }),
});

const fixed = (value: number): number => Math.round(value * 10) / 10;

/** Lines over a linear axis, with their intervals as bands. */
export function lineChart(options: LineChartOptions): Markup {
  const { lines, rules = [], backdrops = [] } = options;
  const xs = lines.flatMap((line) => line.points.map(([x]) => x));
  const xRange = options.xRange ?? [0, Math.max(1, ...xs)];
  const bands = lines.filter((line) => (line.band?.length ?? 0) > 1);
  // The options give the axes' ranges when there are backdrops, so any point inside serves as its
  // extent.
  const within = [xRange[0], options.yRange?.[0] ?? 0, options.yRange?.[0] ?? 0] as const;
  const ruleData = rules.map((rule) => ({
    ...('x' in rule ? { xAxis: rule.x } : { yAxis: rule.y }),
    label: {
      formatter: rule.text,
      position: 'x' in rule ? 'end' : 'insideEndBottom',
      ...axisText,
    },
  }));
  return render(options, {
    grid,
    xAxis: xAxisOf(options.xName, xRange),
    yAxis: yAxisOf(options.yRange, options.yName),
    series: [
      ...backdrops.map(({ color, curves }) =>
        drawn(
          curves.map(() => within),
          1,
          (i, { coord }) => {
            const curve = curves[i];
            return {
              type: 'path',
              shape: { pathData: brokenPath(curve?.points ?? [], coord) },
              style: {
                fill: 'none',
                stroke: color,
                opacity: 0.45,
                lineWidth: curve?.width ?? 1,
              },
            };
          },
        ),
      ),
      drawn(bands.map(extentOf), 2, (i, { coord }) => {
        const { band = [], style } = bands[i] ?? { style: { color: 'none' } };
        const upper = band.map(([x, , high]) => coord([x, high]));
        const lower = band.map(([x, low]) => coord([x, low])).reverse();
        return {
          type: 'polygon',
          shape: { points: [...upper, ...lower].map((point) => point.map(fixed)) },
          style: { fill: style.color, opacity: 0.14 },
        };
      }),
      ...lines.map(({ style, points, width = style.width ?? 2, opacity = 1 }, i) => ({
        type: 'line',
        silent: true,
        animation: false,
        z: 3,
        data: points.map((point) => [...point]),
        symbol: style.symbol,
        showSymbol: style.symbol !== 'none' || points.length === 1,
        showAllSymbol: true,
        symbolSize: 7,
        lineStyle: {
          color: style.color,
          width,
          opacity,
          type: style.dash ? [...style.dash] : 'solid',
        },
        itemStyle: { color: style.color, opacity },
        ...(i === 0 && ruleData.length > 0
          ? {
              markLine: {
                silent: true,
                animation: false,
                symbol: 'none',
                lineStyle: { color: muted, type: [4, 3], width: 1 },
                data: ruleData,
              },
            }
          : {}),
      })),
    ],
  });
}

const extentOf = ({ band = [] }: Line): readonly [x: number, low: number, high: number] => [
  band[0]?.[0] ?? 0,
  Math.min(...band.map(([, low]) => low)),
  Math.max(...band.map(([, , high]) => high)),
];

/**
 * Straight pieces between existing neighbours, in order; a point without neighbours is a short
 * dash.
 */
function brokenPath(points: readonly (number | null)[], coord: DrawApi['coord']): string {
  let path = '';
  let open = false;
  points.forEach((value, k) => {
    if (value === null) {
      open = false;
      return;
    }
    const [x, y] = coord([k + 1, value]).map(fixed);
    path += `${open ? 'L' : 'M'}${x ?? 0} ${y ?? 0}`;
    const alone = !open && (points[k + 1] ?? null) === null;
    if (alone) path += `h4`;
    open = true;
  });
  return path;
}

export interface BarChartOptions extends Frame {
  /** Names of the groups, from left to right. */
  readonly groups: readonly string[];
  /** Bars of each group from left to right, each with a value for every group; NaN draws none. */
  readonly bars: readonly { readonly color: string; readonly values: readonly number[] }[];
}

/** Share of a group's width that its bars take. */
const BARS_WIDTH = 0.8;

/** Bars in groups, from 0 up to at most 1, each with its value in percent above it. */
export function barChart(options: BarChartOptions): Markup {
  const { groups, bars } = options;
  const most = Math.max(0.1, ...bars.flatMap(({ values }) => values.filter(Number.isFinite)));
  return render(options, {
    grid,
    xAxis: {
      type: 'category',
      data: [...groups],
      name: options.xName,
      nameLocation: 'middle',
      nameGap: 26,
      nameTextStyle: axisText,
      axisLine: { show: true, ...axisLine },
      axisTick: { show: false },
      axisLabel: { ...axisText, interval: 0 },
    },
    yAxis: yAxisOf([0, Math.min(1, Math.ceil(most * 5) / 5)], options.yName),
    series: bars.map(({ color, values }, b) => ({
      ...drawn(
        values.map((value, g) => [g, 0, Number.isFinite(value) ? value : 0] as const),
        2,
        (g, { coord, size }) => {
          const value = values[g] ?? NaN;
          if (!Number.isFinite(value)) return { type: 'group', children: [] };
          const width = (size([1, 0])[0] * BARS_WIDTH) / bars.length;
          const [middle, top] = coord([g, value]);
          const [, bottom] = coord([g, 0]);
          const x = middle + (b - bars.length / 2) * width;
          return {
            type: 'group',
            children: [
              {
                type: 'rect',
                shape: {
                  x: fixed(x + 1),
                  y: fixed(top),
                  width: fixed(Math.max(1, width - 2)),
                  height: fixed(bottom - top),
                },
                style: { fill: color },
              },
              {
                type: 'text',
                x: fixed(x + width / 2),
                y: fixed(top - 3),
                style: {
                  text: (100 * value).toFixed(1),
                  fill: muted,
                  fontSize: 10,
                  align: 'center',
                  verticalAlign: 'bottom',
                },
              },
            ],
          };
        },
      ),
      // The value above the highest bar lies over the plot.
      clip: false,
    })),
  });
}

export interface HistogramOptions extends Frame {
  /** Bins [start, end) and their counts. */
  readonly bins: readonly {
    readonly start: number;
    readonly end: number;
    readonly count: number;
    readonly color: string;
  }[];
  readonly rules: readonly { readonly x: number; readonly text: string }[];
}

export function histogram(options: HistogramOptions): Markup {
  const { bins } = options;
  const rules = options.rules.map(({ x }) => x);
  const start = Math.min(...bins.map((bin) => bin.start), ...rules);
  const end = Math.max(...bins.map((bin) => bin.end), ...rules);
  // The axis ends on its own steps, so that labels are round.
  const step = stepOf(end - start);
  const ends = [Math.floor(start / step) * step, Math.ceil(end / step) * step] as const;
  const highest = Math.max(1, ...bins.map((bin) => bin.count));
  const quarter = stepOf(highest * 1.5);
  const most = 4 * Math.max(1, Math.ceil(highest / (4 * quarter)) * quarter);
  return render(options, {
    grid,
    xAxis: xAxisOf(options.xName, ends),
    yAxis: yAxisOf([0, most], options.yName),
    series: [
      drawn(
        bins.map((bin) => [bin.start, 0, bin.count]),
        1,
        (i, { coord }) => {
          const bin = bins[i] ?? { start: 0, end: 0, count: 0, color: 'none' };
          const [left, top] = coord([bin.start, bin.count]);
          const [right, bottom] = coord([bin.end, 0]);
          return {
            type: 'rect',
            shape: {
              x: fixed(left + 0.5),
              y: fixed(top),
              width: fixed(Math.max(0.5, right - left - 1)),
              height: fixed(bottom - top),
            },
            style: { fill: bin.color },
          };
        },
      ),
      {
        type: 'line',
        silent: true,
        data: [],
        markLine: {
          silent: true,
          animation: false,
          symbol: 'none',
          lineStyle: { color: 'var(--ink)', type: 'solid', width: 1.5 },
          data: options.rules.map(({ x, text }) => ({
            xAxis: x,
            label: { formatter: text, ...axisText, color: 'var(--ink)' },
          })),
        },
      },
    ],
  });
}

export interface HeatMapOptions extends Frame {
  /** Length of the axis, in prompts. */
  readonly columns: number;
  readonly rows: readonly {
    readonly name: string;
    /** Cells [start, end) from left to right; `color` shows the value on the row's scale. */
    readonly cells: readonly {
      readonly start: number;
      readonly end: number;
      readonly color: string;
    }[];
  }[];
  readonly rules: readonly { readonly x: number; readonly text: string }[];
}

/**
 * Rows of coloured cells. All cells of one colour are one path; neighbours of equal colour are one
 * rectangle.
 */
export function heatMap(options: HeatMapOptions): Markup {
  const colors = [
    ...new Set(options.rows.flatMap((row) => row.cells.map((cell) => cell.color))),
  ].sort();
  return render(options, {
    grid: { ...grid, left: 84 },
    xAxis: xAxisOf(options.xName, [0, options.columns]),
    yAxis: {
      type: 'category',
      inverse: true,
      data: options.rows.map((row) => row.name),
      axisLine: { show: false },
      axisTick: { show: false },
      axisLabel: axisText,
      splitLine: { show: false },
    },
    series: [
      drawn(
        colors.map(() => [0, 0, 0]),
        1,
        (i, { coord, size }) => {
          const color = colors[i] ?? 'none';
          const height = size([0, 1])[1];
          const path = options.rows.map(({ cells }, row) => {
            let text = '';
            for (let at = 0; at < cells.length; at++) {
              const first = cells[at];
              if (first?.color !== color) continue;
              // Only adjacent cells join: a row may have gaps.
              while (cells[at + 1]?.color === color && cells[at + 1]?.start === cells[at]?.end)
                at++;
              const [left, middle] = coord([first.start, row]);
              const [right] = coord([cells[at]?.end ?? first.end, row]);
              const [x, y] = [fixed(left), fixed(middle - height / 2 + 0.5)];
              text += `M${x} ${y}H${fixed(right)}V${fixed(middle + height / 2 - 0.5)}H${x}Z`;
            }
            return text;
          });
          return { type: 'path', shape: { pathData: path.join('') }, style: { fill: color } };
        },
      ),
      {
        type: 'line',
        silent: true,
        data: [],
        markLine: {
          silent: true,
          animation: false,
          symbol: 'none',
          lineStyle: { color: 'var(--ink)', type: 'solid', width: 1.5 },
          data: options.rules.map(({ x, text }) => ({
            xAxis: x,
            label: {
              formatter: text,
              // On an inverse axis the start is at the top.
              position: 'start',
              ...axisText,
              color: 'var(--ink)',
              // In the middle of its rule, a label at the right end would leave the drawing.
              ...(x > 0.95 * options.columns ? { align: 'right' } : {}),
            },
          })),
        },
      },
    ],
  });
}

/**
 * An SVG element. zrender numbers its instances in ids and classes, and adds marks for scripts on
 * the page. The ids get the figure's own name instead, so that equal figures are equal bytes.
 */
function render(frame: Frame, option: EChartsCoreOption): Markup {
  const chart = init(null, null, {
    renderer: 'svg',
    ssr: true,
    width: frame.width,
    height: frame.height,
  });
  try {
    chart.setOption({ animation: false, textStyle: { fontFamily: 'inherit' }, ...option });
    const svg = chart
      .renderToSVGString()
      .replace(/<style[\s\S]*?<\/style>/g, '')
      .replace(/ (?:class|pointer-events|ecmeta_\w+)="[^"]*"/g, '')
      .replace(/zr\d+-/g, `${frame.id}-`)
      .replace(/<rect [^>]*fill="none"[^>]*><\/rect>\n?/, '')
      .replace(/\n+/g, '\n')
      .replace(
        /^<svg[^>]*>/,
        `<svg viewBox="0 0 ${frame.width} ${frame.height}" role="img" aria-label="${escape(frame.label)}">`,
      );
    return raw(svg);
  } finally {
    chart.dispose();
  }
}
