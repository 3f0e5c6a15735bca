import uPlot from 'uplot';
import { cssColor } from './canvas.ts';
import { lineNames, lineStyles, type LineName } from './methods.ts';

/** Points of one line, by rising x. */
export type Points = readonly (readonly [x: number, y: number])[];

export interface LineChartOptions {
  readonly title: string;
  /** What the values are, under the title. */
  readonly meaning: string;
  /** A value as text, for the line above the drawing. */
  readonly format: (value: number) => string;
  /** The same for the axis; uPlot's own numbers without it. */
  readonly axisFormat?: (value: number) => string;
  /** Marks each value. */
  readonly points?: boolean;
  /** Ends of the axis where the data do not decide. */
  readonly range?: readonly [number, number];
}

const HEIGHT = 190;

/** One measure over updates, a line per method, with the values under the cursor above it. */
export class LineChart {
  readonly #options: LineChartOptions;
  readonly #readout = document.createElement('p');
  readonly #plot: uPlot;
  #lines: Partial<Record<LineName, Points>> = {};
  #end = 10;
  /** Where a line from top to bottom stands; undefined for none. */
  #mark: number | undefined;

  constructor(host: HTMLElement, options: LineChartOptions) {
    this.#options = options;
    const figure = document.createElement('figure');
    figure.className = 'card chart';
    const title = document.createElement('h3');
    title.textContent = options.title;
    const meaning = document.createElement('p');
    meaning.className = 'hint';
    meaning.textContent = options.meaning;
    this.#readout.className = 'readout';
    const room = document.createElement('div');
    room.className = 'plot';
    // The values are in the line above; the drawing itself has nothing more to read out.
    room.ariaHidden = 'true';
    figure.append(title, meaning, this.#readout, room);
    host.append(figure);

    this.#plot = new uPlot(this.#settings(), this.#aligned(), room);
    new ResizeObserver(() => this.#resize(room)).observe(room);
    this.#resize(room);
    this.#read(null);
  }

  /**
   * @param end Update at which the longest line will end.
   * @param mark Update that is marked, as the table's read-out.
   */
  draw(lines: Partial<Record<LineName, Points>>, end: number, mark?: number): void {
    this.#lines = lines;
    this.#end = Math.max(end, ...Object.values(lines).map((points) => points.at(-1)?.[0] ?? 0));
    this.#mark = mark;
    this.#plot.setData(this.#aligned());
    this.#read(this.#plot.cursor.idx ?? null);
  }

  #resize(room: HTMLElement): void {
    if (room.clientWidth > 0) this.#plot.setSize({ width: room.clientWidth, height: HEIGHT });
  }

  /** uPlot wants one list of x for all lines, with null where a line has no point. */
  #aligned(): uPlot.AlignedData {
    const xs = new Set<number>();
    for (const points of Object.values(this.#lines)) for (const [x] of points) xs.add(x);
    const sorted = [...xs].sort((a, b) => a - b);
    const place = new Map(sorted.map((x, i) => [x, i]));
    return [
      sorted,
      ...lineNames.map((name) => {
        const values = new Array<number | null>(sorted.length).fill(null);
        for (const [x, y] of this.#lines[name] ?? []) {
          if (Number.isFinite(y)) values[place.get(x) ?? 0] = y;
        }
        return values;
      }),
    ];
  }

  #settings(): uPlot.Options {
    const { axisFormat, points = false, range } = this.#options;
    const axis: uPlot.Axis = {
      stroke: () => cssColor('--text-quiet'),
      font: '12px system-ui, sans-serif',
      grid: { stroke: () => cssColor('--grid'), width: 1 },
      ticks: { show: false },
    };
    return {
      width: 300,
      height: HEIGHT,
      legend: { show: false },
      padding: [8, 8, 0, 0],
      cursor: { y: false, drag: { x: false, y: false }, points: { size: 7 } },
      scales: {
        x: { time: false, range: () => [0, this.#end] },
        y: range
          ? {
              range: (_, low: number | null, high: number | null) => [
                Math.min(range[0], low ?? range[0]),
                Math.max(range[1], high ?? range[1]),
              ],
            }
          : {},
      },
      axes: [
        { ...axis, size: 26, gap: 4 },
        {
          ...axis,
          size: 50,
          gap: 4,
          ...(axisFormat ? { values: (_: uPlot, splits: number[]) => splits.map(axisFormat) } : {}),
        },
      ],
      series: [
        {},
        ...lineNames.map((name): uPlot.Series => {
          const { color, dash, label } = lineStyles[name];
          return {
            label,
            stroke: () => cssColor(color),
            width: 2,
            dash,
            spanGaps: true,
            points: points
              ? { show: name !== 'base', size: 6, fill: () => cssColor(color) }
              : { show: (_, _series, first, last) => last - first < 2, size: 5 },
          };
        }),
      ],
      hooks: {
        setCursor: [(plot) => this.#read(plot.cursor.idx ?? null)],
        drawAxes: [(plot) => this.#drawMark(plot)],
      },
    };
  }

  #drawMark(plot: uPlot): void {
    if (this.#mark === undefined) return;
    const { ctx: context, bbox } = plot;
    const x = Math.round(plot.valToPos(this.#mark, 'x', true));
    context.save();
    context.strokeStyle = cssColor('--text-quiet');
    context.lineWidth = window.devicePixelRatio;
    context.setLineDash([4 * window.devicePixelRatio, 4 * window.devicePixelRatio]);
    context.beginPath();
    context.moveTo(x, bbox.top);
    context.lineTo(x, bbox.top + bbox.height);
    context.stroke();
    context.restore();
  }

  /** The values at an index of x, or the newest of each line. */
  #read(index: number | null): void {
    const at = index === null ? undefined : this.#plot.data[0][index];
    const parts = lineNames.flatMap((name) => {
      const points = this.#lines[name];
      const point =
        at === undefined ? points?.at(-1) : (points?.findLast(([x]) => x <= at) ?? points?.[0]);
      if (!point) return [];
      const part = document.createElement('span');
      part.className = name;
      part.textContent = `${lineStyles[name].label} ${this.#options.format(point[1])}`;
      return [part];
    });
    const when = document.createElement('span');
    when.className = 'quiet';
    when.textContent =
      parts.length === 0 ? 'no values yet' : at === undefined ? 'latest' : `update ${at}`;
    this.#readout.replaceChildren(when, ...parts);
  }
}

/** Fixed digits, with a true minus sign and no `-0.00`. */
export function digitsOf(digits: number): (value: number) => string {
  return (value) => {
    const text = value.toFixed(digits).replace('-', '−');
    return /^−[0.]*$/.test(text) ? text.slice(1) : text;
  };
}
