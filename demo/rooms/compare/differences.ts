// Differences between methods, with the intervals of the engine: first what was fixed before the
// run, then what was only looked at.
import {
  differenceOf,
  readoutOf,
  tierPrompts,
  type Estimate,
  type Evaluation,
  type MethodName,
} from '../../../src/index.ts';
import { differencesAtSamples, pointsOf } from '../../../src/sweep/readings.ts';
import type { Group } from './runs.ts';

/** One method less another. */
export interface Contrast {
  readonly one: MethodName;
  readonly other: MethodName;
  /** Undefined at equal samples. */
  readonly readout: number | undefined;
  readonly estimate: Estimate;
  readonly bySeed: readonly number[];
}

/** Each seed's evaluation of a method at a read-out. */
function readingsOf(group: Group, method: MethodName, readout: number): Map<number, Evaluation> {
  return new Map(
    group.condition.cells.flatMap(({ seed, results }) => {
      const found = results.methods[method]?.evaluations.find(
        (one) => one.seed === seed && readoutOf(results.config, one) === readout,
      );
      return found ? [[seed, found] as const] : [];
    }),
  );
}

const sizesIn = ({ condition, config }: Group): ReadonlyMap<string, number> =>
  tierPrompts(config, condition.cells[0]?.results.base);

/** The difference of two methods at a read-out; undefined where no seed has both. */
export function contrastAt(
  group: Group,
  one: MethodName,
  other: MethodName,
  readout: number,
): Contrast | undefined {
  const [ours, theirs] = [one, other].map((name) => readingsOf(group, name, readout)) as [
    Map<number, Evaluation>,
    Map<number, Evaluation>,
  ];
  const estimate = differenceOf(ours, theirs, sizesIn(group));
  if (!estimate || Number.isNaN(estimate.mean)) return undefined;
  const bySeed = [...ours].flatMap(([seed, reading]) => {
    const against = theirs.get(seed);
    return against ? [reading.mean - against.mean] : [];
  });
  return { one, other, readout, estimate, bySeed };
}

/** LIM less each other method at the read-out that the settings named before the run. */
export function fixedContrasts(group: Group): Contrast[] {
  const { tableReadout } = group.config.experiment;
  return group.methods.flatMap((other) => {
    const found = other === 'lim' ? undefined : contrastAt(group, 'lim', other, tableReadout);
    return found ? [found] : [];
  });
}

/** All other pairs at the fixed read-out, and LIM against FULL at every other read-out of both. */
export function exploratoryContrasts(group: Group): Contrast[] {
  const { methods, config } = group;
  const { tableReadout } = config.experiment;
  const pairs = methods.flatMap((other, i) =>
    methods
      .slice(i + 1)
      .flatMap((one) =>
        one === 'lim' || other === 'lim' ? [] : (contrastAt(group, one, other, tableReadout) ?? []),
      ),
  );
  const along = pointsOf(group.condition, 'lim').flatMap(({ readout }) =>
    readout === tableReadout ? [] : (contrastAt(group, 'lim', 'full', readout) ?? []),
  );
  return [...pairs, ...along, ...chargedContrasts(group)];
}

/**
 * LIM less FULL at equal total samples, the scoring pass charged to LIM, at LIM's last read-out for which
 * FULL was trained that long. With fewer than three seeds there is no interval of it.
 */
function chargedContrasts({ condition }: Group): Contrast[] {
  const last = differencesAtSamples(condition, 'lim', 'full').at(-1);
  if (!last) return [];
  const { mean, interval, bySeed } = last;
  const [low, high] = interval ?? [NaN, NaN];
  return [
    {
      one: 'lim',
      other: 'full',
      readout: undefined,
      estimate: { mean, low, high, over: 'seeds' },
      bySeed: bySeed.map(({ value }) => value),
    },
  ];
}

/** -1, 0 or 1: below, not told apart, above. */
export const sideOf = ({ low, high }: Estimate): -1 | 0 | 1 => (low > 0 ? 1 : high < 0 ? -1 : 0);
