import type { FixedReadout } from '../../src/index.ts';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { DIMMED, lineLook, markPath, type LineLook, type LineName } from '../../src/look/tokens.ts';
import { cssColor } from './canvas.ts';
import { lineSwatch } from './line-swatch.ts';
import { readAt, readFixed, splitAt, type Lines, type Points, type Reading } from './readings.ts';

export interface LineChartOptions {
  readonly title: string;
  /** Meaning of the values, shown under the title. */
  readonly meaning: string;
  /** Unit of the upright axis. */
  readonly unit: string;
  /** A value as text, for the rows above the drawing. */
  readonly format: (value: number) => string;
  /** A value as text, for the axis. Default: uPlot's own numbers. */
  readonly axisFormat?: (value: number) => string;
  /** Whether each value gets a mark; otherwise only a few values do. */
  readonly points?: boolean;
  /** Ends of the axis while there are no values. */
  readonly empty: readonly [number, number];
  /** Whether the axis always covers `empty`. */
  readonly holds?: boolean;
}

/** The contents of a chart. */
export interface ChartState {
  readonly lines: Lines;
  /** Every line that there is or will be, in the order of drawing. */
  readonly names: readonly LineName[];
  /** Update at which the longest line will end. */
  readonly end: number;
  readonly fixed: FixedReadout | undefined;
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

/** One measure over updates, one line per method; above it, the values at one update. */
export class LineChart {
  readonly #options: LineChartOptions;
  readonly #meaning = document.createElement('p');
  readonly #when = document.createElement('p');
  readonly #values = document.createElement('ul');
  readonly #line = document.createElement('div');
  readonly #room = document.createElement('div');
  readonly #onPoint: (update: number | undefined) => void;
  #plot: uPlot;
  #state: ChartState = {
    lines: {},
    names: [],
    end: 10,
    fixed: undefined,
    rule: undefined,
    alone: undefined,
    cursor: undefined,
  };
  #shown = '';

  /**
   * @param onPoint Called with the update under the pointer, and with undefined when the pointer
   *   leaves.
   */
  constructor(
    host: HTMLElement,
    options: LineChartOptions,
    onPoint: (update: number | undefined) => void,
  ) {
    this.#options = options;
    const figure = document.createElement('figure');
    figure.className = 'card chart';
    const title = document.createElement('h3');
    title.textContent = options.title;
    this.#meaning.className = 'hint';
    this.explain(options.meaning);
    this.#when.className = 'when quiet';
    this.#values.className = 'readout';
    this.#room.className = 'plot';
    // The rows above give the values, so the drawing is hidden from screen readers.
    this.#room.ariaHidden = 'true';
    figure.append(title, this.#meaning, this.#when, this.#values, this.#room);
    host.append(figure);
    this.#line.className = 'cursor-line';
    this.#onPoint = onPoint;
    this.#plot = this.#makePlot();
    new ResizeObserver(() => this.#resize()).observe(this.#room);
    this.#resize();
    this.#read();
  }

  /** Says what its values mean. */
  explain(meaning: string): void {
    if (this.#meaning.textContent !== meaning) this.#meaning.textContent = meaning;
  }

  /** A plot of the lines that the state names: uPlot cannot remove a line that has no cursor. */
  #makePlot(): uPlot {
    const plot = new uPlot(this.#settings(), this.#aligned(), this.#room);
    plot.over.append(this.#line);
    plot.over.addEventListener('pointermove', ({ offsetX }) => {
      const update = Math.round(plot.posToVal(offsetX, 'x'));
      this.#onPoint(Math.min(this.#state.end, Math.max(0, update)));
    });
    plot.over.addEventListener('pointerleave', () => this.#onPoint(undefined));
    return plot;
  }

  draw(state: ChartState): void {
    const last = Object.values(state.lines).map((points) => points?.at(-1)?.[0] ?? 0);
    const before = this.#state.names;
    this.#state = { ...state, end: Math.max(state.end, ...last) };
    if (before.join('\n') === state.names.join('\n')) {
      this.#plot.setData(this.#aligned());
      this.point(state.cursor);
      return;
    }
    this.#plot.destroy();
    this.#plot = this.#makePlot();
    this.#resize();
  }

  /** Moves only the page's cursor. */
  point(update: number | undefined): void {
    this.#state = { ...this.#state, cursor: update };
    this.#read();
    this.#line.hidden = update === undefined;
    if (update !== undefined) {
      this.#line.style.transform = `translateX(${Math.round(this.#plot.valToPos(update, 'x'))}px)`;
    }
  }

  #resize(): void {
    const { clientWidth: width } = this.#room;
    if (width > 0) this.#plot.setSize({ width, height: HEIGHT });
    this.point(this.#state.cursor);
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
    const xs = new Set<number>(parts.flatMap((points) => points.map(([x]) => x)));
    // Without any x there would be no axes.
    const sorted = xs.size > 0 ? [...xs].sort((a, b) => a - b) : [0, this.#state.end];
    const place = new Map(sorted.map((x, i) => [x, i]));
    return [
      sorted,
      ...parts.map((points) => {
        const values = new Array<number | null>(sorted.length).fill(null);
        for (const [x, y] of points) if (Number.isFinite(y)) values[place.get(x) ?? 0] = y;
        return values;
      }),
    ];
  }

  #settings(): uPlot.Options {
    const { axisFormat, unit } = this.#options;
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
        y: { range: (_, low: number | null, high: number | null) => this.#range(low, high) },
      },
      axes: [
        { ...axis, size: 24, gap: 4, label: 'updates', incrs: wholeSteps },
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
    const { empty, holds = false } = this.#options;
    if (low === null || high === null) return [...empty];
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

  /**
   * Updates the values above the drawing. The rows keep their places, so that nothing below moves.
   */
  #read(): void {
    const { lines, names, fixed, cursor } = this.#state;
    const reading: Reading = cursor === undefined ? readFixed(lines, fixed) : readAt(lines, cursor);
    const texts = names.map((name) => {
      const value = reading.values[name];
      return [name, value === undefined ? '–' : this.#options.format(value)] as const;
    });
    const shown = JSON.stringify([reading.title, texts]);
    if (shown === this.#shown) return;
    this.#shown = shown;
    this.#when.textContent = reading.title;
    this.#values.replaceChildren(
      ...texts.map(([name, text]) => {
        const item = document.createElement('li');
        const look = this.#look(name);
        item.className = `line-${look.key}`;
        item.append(lineSwatch(look), ` ${look.label} `);
        const value = document.createElement('span');
        value.textContent = text;
        item.append(value);
        return item;
      }),
    );
  }
}

/** Formats with a fixed number of digits, with a true minus sign and without `-0.00`. */
export function digitsOf(digits: number): (value: number) => string {
  return (value) => {
    const text = value.toFixed(digits).replace('-', '−');
    return /^−[0.]*$/.test(text) ? text.slice(1) : text;
  };
}
