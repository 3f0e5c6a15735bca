// What the lesson about less and more shows of a study: how many of its cells there are, and its curves
// once there are all of them.
import type { MethodName } from '../selection/methods.ts';
import {
  baseAccuracy,
  conditionsOf,
  pointsOf,
  promptsOf,
  sweepMethods,
  type Condition,
  type ReadSweep,
} from '../sweep/readings.ts';

/** Accuracy of a method at a read-out, the mean over seeds, with its 95 % interval where there is one. */
export interface StudyPoint {
  readonly update: number;
  readonly mean: number;
  readonly interval?: readonly [low: number, high: number];
}

/** A method in one condition. */
export interface StudyCurve {
  readonly method: MethodName;
  /** Prompts that it trains on, the mean over seeds. */
  readonly prompts: number;
  readonly points: readonly StudyPoint[];
}

export interface StudyCondition {
  readonly factors: Readonly<Record<string, unknown>>;
  /** Seeds that have finished. */
  readonly seeds: readonly number[];
  /** Accuracy of the base; absent before the whole study has finished. */
  readonly base?: number;
  /** Empty before the whole study has finished. */
  readonly curves: readonly StudyCurve[];
}

export interface Study {
  readonly name: string;
  readonly preset: string;
  readonly seeds: readonly number[];
  readonly planned: number;
  readonly finished: number;
  readonly conditions: readonly StudyCondition[];
}

const DIGITS = 4;
const short = (value: number): number => Number(value.toPrecision(DIGITS));

/**
 * A study for the lesson. The number of its seeds was fixed before the first: differences are told with
 * the last cell, as in the findings.
 */
export function studyOf(name: string, sweep: ReadSweep): Study {
  const { grid, cells, planned } = sweep;
  const whole = cells.length === planned;
  return {
    name,
    preset: grid.preset,
    seeds: grid.seeds,
    planned,
    finished: cells.length,
    conditions: conditionsOf(sweep).map((condition) => {
      const base = whole ? baseAccuracy(condition) : undefined;
      return {
        factors: condition.factors,
        seeds: condition.cells.map(({ seed }) => seed),
        ...(base === undefined ? {} : { base: short(base) }),
        curves: whole ? sweepMethods(sweep).map((method) => curveOf(condition, method)) : [],
      };
    }),
  };
}

function curveOf(condition: Condition, method: MethodName): StudyCurve {
  const sizes = condition.cells.map((cell) => promptsOf(cell, method));
  return {
    method,
    prompts: Math.round(sizes.reduce((sum, size) => sum + size, 0) / sizes.length),
    points: pointsOf(condition, method).map(({ at, accuracy: { mean, interval } }) => ({
      update: Math.round(at.updates),
      mean: short(mean),
      ...(interval ? { interval: [short(interval[0]), short(interval[1])] as const } : {}),
    })),
  };
}
