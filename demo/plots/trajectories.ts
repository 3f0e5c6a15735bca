import type { LimSummary } from '../../src/index.ts';
import { cssColor, placeIn, surfaceOf } from './canvas.ts';

/** The contents of a panel. */
export interface Trajectories {
  /** Indices into the pool. */
  readonly prompts: readonly number[];
  /** The signal by epoch, then by prompt; NaN for missing. */
  readonly columns: readonly Float32Array[];
  /** Mean signal by epoch, drawn in red as in the paper's figure 2b. */
  readonly meanCurve: readonly number[];
  readonly selected: number | undefined;
  /** Custom property of the curves' colour. */
  readonly color: string;
}

/** The axes, which are drawn before there are curves. */
export interface TrajectoryFrame {
  /** Epochs of the whole pass, so that the axis does not move while epochs arrive. */
  readonly epochs: number;
  readonly signal: LimSummary['signal'];
  /** Data epoch that the page's cursor points at. */
  readonly pointed: number | undefined;
  /** Titles of the axes. */
  readonly titles: { readonly epoch: string; readonly value: string };
  /** Corners of the region that is being picked, in epochs and values. */
  readonly region?: readonly [Spot, Spot] | undefined;
}

/** A place in the plane of epochs and values. */
export interface Spot {
  readonly epoch: number;
  readonly value: number;
}

/** Most curves drawn: more would only be a smear. */
export const MOST_LINES = 400;

const LEFT = 64;
const RIGHT = 12;
const TOP = 10;
const BOTTOM = 40;

/** The data epoch nearest to a horizontal position. */
export function epochUnder(canvas: HTMLCanvasElement, clientX: number, epochs: number): number {
  const { x, width } = placeIn(canvas, { clientX, clientY: 0 });
  const place = (x - LEFT) / (width - LEFT - RIGHT);
  return Math.min(epochs - 1, Math.max(0, Math.round(place * (epochs - 1))));
}

/** The place under a pointer, which may lie between two epochs. */
export function spotUnder(
  canvas: HTMLCanvasElement,
  at: { readonly clientX: number; readonly clientY: number },
  { epochs, signal }: Pick<TrajectoryFrame, 'epochs' | 'signal'>,
): Spot {
  const { x, y, width, height } = placeIn(canvas, at);
  const low = signal === 'accuracy' ? 0 : -1;
  const across = (x - LEFT) / (width - LEFT - RIGHT);
  const down = (y - TOP) / (height - TOP - BOTTOM);
  return { epoch: across * (epochs - 1), value: 1 - down * (1 - low) };
}

export function drawTrajectories(
  canvas: HTMLCanvasElement,
  what: Trajectories | undefined,
  { epochs, signal, pointed, titles, region }: TrajectoryFrame,
): void {
  const surface = surfaceOf(canvas);
  if (!surface) return;
  const { context, width, height } = surface;
  const low = signal === 'accuracy' ? 0 : -1;
  const room = { w: width - LEFT - RIGHT, h: height - TOP - BOTTOM };
  const x = (epoch: number) => LEFT + (epochs === 1 ? 0.5 : epoch / (epochs - 1)) * room.w;
  const y = (value: number) => TOP + (1 - (value - low) / (1 - low)) * room.h;

  context.strokeStyle = cssColor('--grid');
  context.fillStyle = cssColor('--quiet');
  context.lineWidth = 1;
  context.textAlign = 'right';
  for (const value of low === 0 ? [0, 0.25, 0.5, 0.75, 1] : [-1, -0.5, 0, 0.5, 1]) {
    line(context, [
      [LEFT, y(value)],
      [width - RIGHT, y(value)],
    ]);
    context.fillText(String(value), LEFT - 6, y(value));
  }
  context.textAlign = 'center';
  const every = Math.ceil(epochs / 12);
  for (let epoch = 0; epoch < epochs; epoch += every) {
    context.fillText(String(epoch + 1), x(epoch), height - BOTTOM + 14);
  }
  context.fillText(titles.epoch, LEFT + room.w / 2, height - 8);
  context.save();
  context.translate(8, TOP + room.h / 2);
  context.rotate(-Math.PI / 2);
  context.fillText(titles.value, 0, 0);
  context.restore();
  if (pointed !== undefined) {
    context.strokeStyle = cssColor('--quiet');
    line(context, [
      [x(pointed), TOP],
      [x(pointed), TOP + room.h],
    ]);
  }
  if (what && what.columns.length > 0) drawCurves(context, what, x, y);
  if (!region) return;
  const [from, to] = region;
  context.strokeStyle = cssColor('--ink');
  context.setLineDash([4, 3]);
  context.strokeRect(
    x(Math.min(from.epoch, to.epoch)),
    y(Math.max(from.value, to.value)),
    Math.abs(x(to.epoch) - x(from.epoch)),
    Math.abs(y(to.value) - y(from.value)),
  );
  context.setLineDash([]);
}

function drawCurves(
  context: CanvasRenderingContext2D,
  what: Trajectories,
  x: (epoch: number) => number,
  y: (value: number) => number,
): void {
  const { prompts, columns, selected } = what;
  const shown = sample(prompts, MOST_LINES);
  context.strokeStyle = cssColor(what.color);
  context.lineWidth = 1.2;
  context.globalAlpha = Math.min(0.75, Math.max(0.12, 12 / shown.length));
  for (const prompt of shown) {
    line(
      context,
      columns.map((column, epoch) => [x(epoch), y(column[prompt] ?? NaN) + spread(prompt)]),
    );
  }
  context.globalAlpha = 1;
  path(context, what.meanCurve, x, y, cssColor('--mean'), 3);
  if (selected !== undefined && prompts.includes(selected)) {
    const curve = columns.map((column) => column[selected] ?? NaN);
    path(context, curve, x, y, cssColor('--ink'), 2);
  }
}

/**
 * Curves have only a few levels and would cover each other: each curve is moved by up to two
 * pixels.
 */
const spread = (prompt: number): number => (((prompt * 0.618034) % 1) - 0.5) * 4;

/** At most `count` of the values, evenly spaced. */
export function sample(values: readonly number[], count: number): readonly number[] {
  if (values.length <= count) return values;
  return Array.from(
    { length: count },
    (_, i) => values[Math.floor((i * values.length) / count)] ?? 0,
  );
}

function path(
  context: CanvasRenderingContext2D,
  values: readonly number[],
  x: (epoch: number) => number,
  y: (value: number) => number,
  color: string,
  thickness: number,
): void {
  const points = values.map((value, epoch) => [x(epoch), y(value)] as const);
  for (const [style, extra] of [
    [cssColor('--card'), 2],
    [color, 0],
  ] as const) {
    context.strokeStyle = context.fillStyle = style;
    context.lineWidth = thickness + extra;
    line(context, points);
    for (const [left, top] of points) {
      if (Number.isNaN(top)) continue;
      context.beginPath();
      context.arc(left, top, thickness + extra / 2, 0, 2 * Math.PI);
      context.fill();
    }
  }
}

/** Draws a line with gaps where points have no value. */
function line(
  context: CanvasRenderingContext2D,
  points: readonly (readonly [number, number])[],
): void {
  context.beginPath();
  let drawing = false;
  for (const [x, y] of points) {
    if (Number.isNaN(y)) drawing = false;
    else if (drawing) context.lineTo(x, y);
    else {
      context.moveTo(x, y);
      drawing = true;
    }
  }
  context.stroke();
}
