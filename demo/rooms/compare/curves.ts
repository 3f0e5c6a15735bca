// Curves of accuracy by method, over what they cost.
import { methodLabel } from '../../../src/index.ts';
import { DIMMED, lineLook } from '../../../src/look/tokens.ts';
import {
  drawing,
  linearAxis,
  type DrawnLine,
  type DrawnPoint,
} from '../../../src/report/sweep-drawing.ts';
import {
  baseAccuracy,
  pointsOf,
  selectionSamples,
  type Axis,
  type Point,
} from '../../../src/sweep/readings.ts';
import type { MethodName } from '../../../src/index.ts';
import type { Group } from './runs.ts';

export type { Axis } from '../../../src/sweep/readings.ts';

/** A method's read-outs, the base's accuracy before them. */
export interface Curve {
  readonly method: MethodName;
  /** Where it begins: what its selection cost, on the axis of samples. */
  readonly from: Readonly<Record<Axis, number>>;
  readonly points: readonly Point[];
}

const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

export function curvesOf({ condition, methods }: Group): Curve[] {
  return methods.flatMap((method) => {
    const points = pointsOf(condition, method);
    if (points.length === 0) return [];
    const cost = mean(condition.cells.map((cell) => selectionSamples(cell, method)));
    return [{ method, from: { updates: 0, epochs: 0, samples: cost }, points }];
  });
}

/** The words of a drawing of curves. */
export interface CurveWords {
  readonly label: string;
  readonly x: string;
  readonly y: string;
  readonly count: (value: number) => string;
  readonly percent: (share: number) => string;
}

/** Ends of the axes that several drawings share. */
export interface Ends {
  /** The largest place on the axis. */
  readonly last: number;
  /** Every accuracy that is drawn. */
  readonly values: readonly number[];
}

/** What the drawings of some groups reach together. */
export function endsOf(groups: readonly Group[], axis: Axis): Ends {
  const curves = groups.flatMap(curvesOf);
  return {
    last: Math.max(1, ...curves.flatMap(({ points }) => points.map(({ at }) => at[axis]))),
    values: [
      ...groups.flatMap(({ condition }) => baseAccuracy(condition) ?? []),
      ...curves.flatMap(({ points }) =>
        points.flatMap(({ accuracy }) => [
          accuracy.mean,
          ...(accuracy.bySeed.length > 1
            ? [...accuracy.bySeed.map(({ value }) => value), ...(accuracy.interval ?? [])]
            : []),
        ]),
      ),
    ],
  };
}

/**
 * The curves of a group as an SVG: with three seeds or more each has the band of its interval over
 * seeds, with several the thin lines of the seeds. FULL is pale where it goes on alone.
 *
 * @param cursor A place on the axis that is marked.
 */
export function drawCurves(
  group: Group,
  axis: Axis,
  ends: Ends,
  words: CurveWords,
  size: { readonly width: number; readonly height: number },
  cursor: number | undefined,
): string {
  const base = baseAccuracy(group.condition);
  const curves = curvesOf(group);
  const others = curves.filter(({ method }) => method !== 'full');
  const alone =
    others.length === 0
      ? Infinity
      : Math.max(...others.flatMap(({ points }) => points.map(({ at }) => at[axis])));
  const lines = curves.flatMap(({ method, from, points }): DrawnLine[] => {
    const look = lineLook(method, group.methods);
    const whole: DrawnPoint[] = [
      ...(base === undefined ? [] : [[from[axis], base] as const]),
      ...points.map(({ at, accuracy }): DrawnPoint => [at[axis], accuracy.mean]),
    ];
    const seeds = [
      ...new Set(points.flatMap(({ accuracy }) => accuracy.bySeed.map(({ seed }) => seed))),
    ];
    const band =
      seeds.length > 2
        ? points.flatMap(({ at, accuracy }) =>
            accuracy.interval ? [[at[axis], ...accuracy.interval] as const] : [],
          )
        : [];
    const thin =
      seeds.length < 2
        ? []
        : seeds.map((seed) =>
            points.flatMap(({ at, accuracy }): DrawnPoint[] => {
              const found = accuracy.bySeed.find((one) => one.seed === seed);
              return found ? [[at[axis], found.value]] : [];
            }),
          );
    const cut = method === 'full' ? whole.filter(([x]) => x <= alone) : whole;
    const rest = method === 'full' ? whole.slice(Math.max(0, cut.length - 1)) : [];
    return [
      { look, points: cut, band, thin },
      ...(rest.length > 1 ? [{ look, points: rest, pale: DIMMED }] : []),
    ];
  });
  return drawing({
    label: words.label,
    ...size,
    x: linearAxis(words.x, [0, ends.last], words.count),
    y: linearAxis(words.y, ends.values, words.percent),
    lines,
    rules: [
      ...(base === undefined ? [] : [{ y: base }]),
      ...(cursor === undefined ? [] : [{ x: cursor }]),
    ],
  }).text;
}

/** The curves in words: each method's last read-out. */
export const lastValues = (group: Group, percent: (share: number) => string): string =>
  curvesOf(group)
    .flatMap(({ method, points }) => {
      const last = points.at(-1);
      return last ? [`${methodLabel(method)} ${percent(last.accuracy.mean)}`] : [];
    })
    .join(', ');
