// The values beside a chart: all lines at one update, never values of different updates.
import type { FixedReadout } from '../../src/index.ts';
import type { LineName } from '../../src/look/tokens.ts';

/** Points of one line, in order of update. */
export type Points = readonly (readonly [update: number, value: number])[];

export type Lines = Readonly<Partial<Record<LineName, Points>>>;

/** The values beside a chart, and where they are of. */
export interface Reading {
  /** The fixed read-out, or an update; undefined while there are no values. */
  readonly at: 'readout' | number | undefined;
  /** Whether the fixed read-out is still to come. */
  readonly awaits: boolean;
  /** A line without a value has not reached the update. */
  readonly values: Readonly<Partial<Record<LineName, number>>>;
}

/** The lines of the methods. The base is no method: it has one value at every update. */
const methodsIn = (lines: Lines): (readonly [LineName, Points])[] =>
  (Object.entries(lines) as [LineName, Points][]).filter(
    ([name, points]) => name !== 'base' && points.length > 0,
  );

const valueAt = (points: Points, update: number | undefined): number | undefined =>
  points.find(([x]) => x === update)?.[1];

function read(lines: Lines, at: (name: LineName) => number | undefined): Reading['values'] {
  const values: Partial<Record<LineName, number>> = {};
  const base = lines.base?.[0]?.[1];
  if (base !== undefined) values.base = base;
  for (const [name, points] of methodsIn(lines)) {
    const value = valueAt(points, at(name));
    if (value !== undefined) values[name] = value;
  }
  return values;
}

/**
 * All lines at the last update with a value, not after `update`. A line without a value there has
 * none.
 */
export function readAt(lines: Lines, update: number): Reading {
  const known = methodsIn(lines).flatMap(([, points]) =>
    points.map(([x]) => x).filter((x) => x <= update),
  );
  const at = Math.max(...known);
  if (known.length === 0) {
    return { at: undefined, awaits: false, values: read(lines, () => undefined) };
  }
  return { at, awaits: false, values: read(lines, () => at) };
}

/**
 * All lines at the fixed read-out; before any line has reached it, at the last update that all
 * lines have.
 */
export function readFixed(lines: Lines, fixed: Pick<FixedReadout, 'updates'> | undefined): Reading {
  const methods = methodsIn(lines);
  if (fixed) {
    const values = read(lines, (name) => fixed.updates[name]);
    if (methods.some(([name]) => values[name] !== undefined)) {
      return { at: 'readout', awaits: false, values };
    }
  }
  if (methods.length === 0) return readAt(lines, 0);
  const last = Math.min(...methods.map(([, points]) => points.at(-1)?.[0] ?? 0));
  return { ...readAt(lines, last), awaits: fixed !== undefined };
}

/** Splits a line at `update`. The second part starts at the first part's last point. */
export function splitAt(points: Points, update: number | undefined): readonly [Points, Points] {
  if (update === undefined) return [points, []];
  const first = points.filter(([x]) => x <= update);
  return first.length === points.length
    ? [points, []]
    : [first, points.slice(Math.max(0, first.length - 1))];
}
