// What a soak holds, and whether it grows.

/** How much of each thing looked at may be added from the end of the first third to the last look. */
const series = {
  buffers: { unit: '', share: 0.02, least: 2 },
  'buffer MiB': { unit: ' MiB', share: 0.02, least: 0.5 },
  'RSS MiB': { unit: ' MiB', share: 0.08, least: 24 },
  'heap MiB': { unit: ' MiB', share: 0.25, least: 16 },
  'GPU process MiB': { unit: ' MiB', share: 0.08, least: 24 },
  handles: { unit: '', share: 0, least: 3 },
  /** Of the page: a trainer and its verifier, as far as they have not ended. */
  workers: { unit: '', share: 0, least: 1 },
  /** Within one run: each begins with none. */
  'checkpoint KiB': { unit: ' KiB', share: 0.02, least: 2, byRun: true },
  /** Within one run: of the pointer, for each file that it names. */
  'pointer B a file': { unit: ' B', share: 0.05, least: 8, byRun: true },
} as const;

export type Series = keyof typeof series;

/** One look: minutes since the start, and what was held. */
export interface Sample {
  /** Which of the runs. */
  readonly run: number;
  readonly minutes: number;
  readonly held: Partial<Record<Series, number>>;
}

/** What is looked at of a run's checkpoints: sizes of the files, and the text of the newest pointer. */
export interface CheckpointLook {
  readonly files: readonly (readonly [name: string, bytes: number])[];
  readonly pointer: string;
}

/**
 * Sizes of like and like: of one checkpoint and not of the one or two that are kept, and of a pointer
 * for each file that it names, of which every data epoch of FULL adds one.
 */
export function heldOf({ files, pointer }: CheckpointLook): Sample['held'] {
  const sizes = files.filter(([name]) => name.endsWith('.safetensors')).map(([, bytes]) => bytes);
  const marks = pointer.split('"sha256"').length - 1;
  return {
    ...(sizes.length > 0 ? { 'checkpoint KiB': Math.max(...sizes) / 1024 } : {}),
    // What the pointer says of itself is little beside twenty marks, and much beside two.
    ...(marks >= 20 ? { 'pointer B a file': pointer.length / marks } : {}),
  };
}

const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[values.length >> 1] ?? NaN;

/** By minutes or runs. */
type Points = readonly (readonly [number, number])[];

/** Slope by Theil and Sen: one odd second moves it little. */
function slopeOf(points: Points): number {
  const slopes: number[] = [];
  const step = Math.max(1, Math.floor(points.length / 200));
  for (let i = 0; i < points.length; i += step) {
    for (let j = i + step; j < points.length; j += step) {
      const [a, b] = [points[i], points[j]];
      if (b[0] > a[0]) slopes.push((b[1] - a[1]) / (b[0] - a[0]));
    }
  }
  return slopes.length === 0 ? 0 : median(slopes);
}

/** How much more there is in the last quarter of a run than in its second. */
function riseWithin(points: Points): number {
  const quarter = (which: number): number =>
    median(
      points
        .slice(
          Math.floor((which * points.length) / 4),
          Math.ceil(((which + 1) * points.length) / 4),
        )
        .map(([, value]) => value),
    );
  return quarter(3) - quarter(1);
}

/**
 * What whole runs held, each by its median: a run that a busy machine draws out weighs as any other.
 * Undefined where there are too few.
 */
function byRuns(
  samples: readonly Sample[],
  pointsOf: (some: readonly Sample[]) => Points,
): { readonly points: Points; readonly unit: string } | undefined {
  // The first and the last of them are parts.
  const numbers = [...new Set(samples.map(({ run }) => run))].slice(1, -1);
  const points = numbers.flatMap((wanted): [number, number][] => {
    const own = pointsOf(samples.filter(({ run }) => run === wanted));
    return own.length === 0 ? [] : [[wanted, median(own.map(([, value]) => value))]];
  });
  return points.length < 6 ? undefined : { points, unit: 'run' };
}

/** Judges each series by its slope once the first third, in which all is made, is over. */
export function judge(samples: readonly Sample[], print: (line: string) => void): number {
  let failed = 0;
  const end = samples.at(-1)?.minutes ?? 0;
  for (const [name, { unit, share, least, ...how }] of Object.entries(series)) {
    const pointsOf = (some: readonly Sample[]): Points =>
      some.flatMap(({ minutes, held }): [number, number][] => {
        const value = held[name as Series];
        return value === undefined ? [] : [[minutes, value]];
      });
    const number = (value: number): string => value.toFixed(Math.abs(value) < 100 ? 2 : 0);
    if ('byRun' in how) {
      const numbers = [...new Set(samples.map(({ run }) => run))];
      const runs = numbers.map((wanted) => pointsOf(samples.filter(({ run }) => run === wanted)));
      const rises = runs.filter(({ length }) => length >= 8).map(riseWithin);
      if (rises.length === 0) continue;
      const level = median(runs.flat().map(([, value]) => value));
      const allowed = Math.max(least, share * level);
      const rise = median(rises);
      if (rise > allowed) failed++;
      print(
        `${rise > allowed ? 'NOT' : 'ok '} ${name.padEnd(16)} median ${number(level)}${unit}, ` +
          `${number(rise)} from the second quarter of a run to its last, ${number(allowed)} allowed`,
      );
      continue;
    }
    const late = samples.filter(({ minutes }) => minutes >= end / 3);
    const { points, unit: of } = byRuns(late, pointsOf) ?? {
      points: pointsOf(late),
      unit: 'minute',
    };
    const [first, last] = [points[0], points.at(-1)];
    if (first === undefined || last === undefined || pointsOf(late).length < 10) continue;
    const slope = slopeOf(points);
    const level = median(points.map(([, value]) => value));
    const span = last[0] - first[0];
    const rise = slope * span;
    const allowed = Math.max(least, share * level);
    const ok = rise <= allowed;
    if (!ok) failed++;
    print(
      `${ok ? 'ok ' : 'NOT'} ${name.padEnd(16)} median ${number(level)}${unit}, ` +
        `slope ${number(slope)} a ${of}: ${number(rise)} over the last ${number(span)} ${of}s, ` +
        `${number(allowed)} allowed`,
    );
  }
  return failed;
}
