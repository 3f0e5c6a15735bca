import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { DIMMED, lineLook, markPath, type LineLook, type LineName } from '../../src/look/tokens.ts';
import { cssColor, throttled } from './canvas.ts';
import { splitAt, type Lines, type Points } from './readings.ts';

export interface LineChartOptions {
  /** Title of the axis across. */
  readonly across: string;
  /** Unit of the upright axis. */
  readonly unit: string;
  /** A value as text, for the upright axis. Default: uPlot's own numbers. */
  readonly axisFormat?: ((value: number) => string) | undefined;
  /** Whether each value gets a mark; otherwise only a few values do. */
  readonly points?: boolean | undefined;
  /** Ends of the axis while there are no values. */
  readonly empty: readonly [number, number];
  /** Whether the axis always covers `empty`. */
  readonly holds?: boolean | undefined;
  /** Whether equal ways up are equal ratios; values that are not positive are left out then. */
  readonly log?: boolean | undefined;
}

/** The contents of a chart. */
export interface ChartState {
  readonly lines: Lines;
  /** Every line that there is or will be, in the order of drawing. */
  readonly names: readonly LineName[];
  /** Update at which the longest line will end. */
  readonly end: number;
  /** Update of a vertical rule: the fixed read-out, if it is the same for all methods. */
  readonly rule: number | undefined;
  /** Update after which only FULL goes on; FULL's line is dimmed from there. */
  readonly alone: number | undefined;
  /** Update at the page's cursor. */
  readonly cursor: number | undefined;
}

const HEIGHT = 216;
/** Least distance in pixels between the marks of a line that marks only a few values. */
const MARK_EVERY = 64;
const FONT = '12px system-ui, sans-serif';
/** Steps of whole updates. */
const wholeSteps = [1, 10, 100, 1000, 1e4, 1e5].flatMap((power) => [power, 2 * power, 5 * power]);

/** One measure over updates, one line per method. */
export class LineChart {
  readonly #options: LineChartOptions;
  readonly #line = document.createElement('div');
  readonly #room: HTMLElement;
  readonly #onPoint: (update: number | undefined) => void;
  readonly #resizes = new ResizeObserver(() => this.#resize());
  readonly #redraw = throttled(() => this.#draw());
  #plot: uPlot;
  #state: ChartState = {
    lines: {},
    names: [],
    end: 10,
    rule: undefined,
    alone: undefined,
    cursor: undefined,
  };
  /** The lines that the plot was made for. */
  #made = '';
  #left = false;

  /**
   * @param room The element that the chart fills.
   * @param onPoint Called with the update under the pointer, and with undefined when the pointer
   *   leaves.
   */
  constructor(
    room: HTMLElement,
    options: LineChartOptions,
    onPoint: (update: number | undefined) => void,
  ) {
    this.#options = options;
    this.#room = room;
    this.#line.className = 'cursor-line';
    this.#onPoint = onPoint;
    this.#plot = this.#makePlot();
    this.#resizes.observe(room);
    this.#resize();
  }

  /** Takes the chart off the page. */
  destroy(): void {
    this.#left = true;
    this.#resizes.disconnect();
    this.#plot.destroy();
  }

  /** A plot of the lines that the state names: uPlot cannot remove a line that has no cursor. */
  #makePlot(): uPlot {
    this.#made = this.#state.names.join('\n');
    const plot = new uPlot(this.#settings(), this.#aligned(), this.#room);
    plot.over.append(this.#line);
    plot.over.addEventListener('pointermove', ({ offsetX }) => {
      const update = Math.round(plot.posToVal(offsetX, 'x'));
      this.#onPoint(Math.min(this.#state.end, Math.max(0, update)));
    });
    plot.over.addEventListener('pointerleave', () => this.#onPoint(undefined));
    return plot;
  }

  /** Shows a state: the cursor at once, the lines with the next drawing. */
  draw(state: ChartState): void {
    const last = Object.values(state.lines).map((points) => points?.at(-1)?.[0] ?? 0);
    this.#state = { ...state, end: Math.max(state.end, ...last) };
    this.#point();
    this.#redraw();
  }

  #draw(): void {
    if (this.#left) return;
    if (this.#made === this.#state.names.join('\n')) {
      this.#plot.setData(this.#aligned());
      this.#point();
      return;
    }
    this.#plot.destroy();
    this.#plot = this.#makePlot();
    this.#resize();
  }

  #point(): void {
    const { cursor } = this.#state;
    this.#line.hidden = cursor === undefined;
    if (cursor !== undefined) {
      this.#line.style.transform = `translateX(${Math.round(this.#plot.valToPos(cursor, 'x'))}px)`;
    }
  }

  #resize(): void {
    const { clientWidth: width } = this.#room;
    if (width > 0) this.#plot.setSize({ width, height: HEIGHT });
    this.#point();
  }

  /** Two parts of each line: FULL is split at `alone`, other lines have an empty second part. */
  #parts(): Points[] {
    const { lines, names, alone } = this.#state;
    return names.flatMap((name) => {
      const points = lines[name] ?? [];
      return name === 'full' ? splitAt(points, alone) : [points, []];
    });
  }

  /** The data in uPlot's form: one list of x for all lines, and null where a line has no point. */
  #aligned(): uPlot.AlignedData {
    const parts = this.#parts();
    const { log = false } = this.#options;
    const xs = new Set<number>(parts.flatMap((points) => points.map(([x]) => x)));
    // Without any x there would be no axes.
    const sorted = xs.size > 0 ? [...xs].sort((a, b) => a - b) : [0, this.#state.end];
    const place = new Map(sorted.map((x, i) => [x, i]));
    return [
      sorted,
      ...parts.map((points) => {
        const values = new Array<number | null>(sorted.length).fill(null);
        for (const [x, y] of points) {
          if (Number.isFinite(y) && (!log || y > 0)) values[place.get(x) ?? 0] = y;
        }
        return values;
      }),
    ];
  }

  #settings(): uPlot.Options {
    const { axisFormat, across, unit, log = false } = this.#options;
    const axis: uPlot.Axis = {
      stroke: () => cssColor('--quiet'),
      font: FONT,
      labelFont: FONT,
      labelSize: 18,
      labelGap: 0,
      grid: { stroke: () => cssColor('--grid'), width: 1 },
      ticks: { show: false },
    };
    return {
      width: 300,
      height: HEIGHT,
      legend: { show: false },
      padding: [8, 14, 0, 0],
      cursor: { x: false, y: false, drag: { x: false, y: false }, points: { show: false } },
      scales: {
        x: { time: false, range: () => [0, this.#state.end] },
        y: {
          // 3: equal ratios. The names of these numbers are types alone.
          // oxlint-disable-next-line typescript/no-unsafe-enum-assignment -- it is no value
          ...(log ? { distr: 3 } : {}),
          range: (_, low: number | null, high: number | null) => this.#range(low, high),
        },
      },
      axes: [
        { ...axis, size: 24, gap: 4, label: across, incrs: wholeSteps },
        {
          ...axis,
          size: 48,
          gap: 4,
          label: unit,
          ...(axisFormat ? { values: (_: uPlot, splits: number[]) => splits.map(axisFormat) } : {}),
        },
      ],
      series: [
        {},
        ...this.#state.names.flatMap((name) => [this.#series(name, 1), this.#series(name, DIMMED)]),
      ],
      hooks: { drawAxes: [(plot) => this.#drawRule(plot)] },
    };
  }

  #look(name: LineName): LineLook {
    return lineLook(name, this.#state.names);
  }

  #series(name: LineName, alpha: number): uPlot.Series {
    const { tone, dash, label, width } = this.#look(name);
    return {
      label,
      stroke: () => cssColor(tone),
      alpha,
      width,
      dash: [...dash],
      spanGaps: true,
      points: {
        show: name !== 'base',
        fill: () => cssColor(tone),
        paths: (plot, series) => this.#marks(plot, series, name),
      },
    };
  }

  #marks(plot: uPlot, series: number, name: LineName): uPlot.Series.Points.Paths {
    const path = new Path2D();
    const ratio = window.devicePixelRatio;
    const values = plot.data[series] ?? [];
    let before = -Infinity;
    plot.data[0].forEach((x, i) => {
      const value = values[i];
      if (value === null || value === undefined) return;
      const left = plot.valToPos(x, 'x', true);
      if (!this.#options.points && left - before < MARK_EVERY * ratio) return;
      before = left;
      const top = plot.valToPos(value, 'y', true);
      path.addPath(new Path2D(markPath(this.#look(name).mark, left, top, 3.2 * ratio)));
    });
    return { stroke: null, fill: path };
  }

  #range(low: number | null, high: number | null): [number, number] {
    const { empty, holds = false, log = false } = this.#options;
    if (low === null || high === null) return [...empty];
    if (log) return uPlot.rangeLog(low, high, 10, false) as [number, number];
    if (holds) return [Math.min(empty[0], low), Math.max(empty[1], high)];
    // A single value, or equal values, would give an axis without length.
    const least = (empty[1] - empty[0]) / 20;
    const grow = Math.max(0, least - (high - low)) / 2;
    return uPlot.rangeNum(low - grow, high + grow, 0.1, false) as [number, number];
  }

  #drawRule(plot: uPlot): void {
    const { rule } = this.#state;
    if (rule === undefined) return;
    const { ctx: context, bbox } = plot;
    const x = Math.round(plot.valToPos(rule, 'x', true));
    context.save();
    context.strokeStyle = cssColor('--quiet');
    context.lineWidth = window.devicePixelRatio;
    context.setLineDash([4 * window.devicePixelRatio, 4 * window.devicePixelRatio]);
    context.beginPath();
    context.moveTo(x, bbox.top);
    context.lineTo(x, bbox.top + bbox.height);
    context.stroke();
    context.restore();
  }
}
