import { evaluationsAt, readoutOf, readoutUnit } from '../readouts.ts';
import { metric, type MetricKey } from '../metrics.ts';
import type { Evaluation, LimSummary, ScoredPrompt } from '../results.ts';
import {
  inTableOrder,
  isSupervised,
  passShare,
  readsRewards,
  type MethodName,
} from '../selection/methods.ts';
import { accuracyOf, differenceOf, tierPrompts, type Estimate, type Reading } from '../interval.ts';
import { describeTask, type TaskConfig } from '../tasks/registry.ts';
import type { Run } from '../run-folder/finished-run.ts';
import { isByCount } from './cut.ts';
import { average, count, counted } from './text.ts';

/** What a scalar means where a task is learned, without the full stop. */
export function metricMeaning(task: TaskConfig, key: MetricKey): string {
  const { verdicts } = describeTask(task);
  if (verdicts && key === 'reward_mean') return verdicts.reward;
  if (verdicts && key === 'accuracy_mean') return verdicts.right;
  return metric(key).meaning;
}

/** Greedy answers, or samples at the evaluation temperature. */
export type Answering = 'greedy' | 'sampled';

/** A run's methods, FULL first. */
export const methodsOf = ({ results }: Run): MethodName[] =>
  inTableOrder(Object.keys(results.methods) as MethodName[]);

/** Whether a run has held-out prompts, so that its methods were evaluated. */
export const isEvaluated = ({ results }: Run): boolean =>
  Object.keys(results.base.tiers).length > 0;

/** The methods that trained on a selection: all but FULL. */
export const armsOf = (run: Run): MethodName[] =>
  methodsOf(run).filter((method) => method !== 'full');

/** Updates of the FULL pass that fill the reward matrix. */
export const passUpdates = ({ results, records }: Run): number =>
  records.reduce(
    (most, { method, epoch, update }) =>
      method === 'full' && epoch < results.config.experiment.epochs ? Math.max(most, update) : most,
    0,
  );

/** The updates of the FULL pass that sample as many responses as the selection of a method takes. */
export const selectionUpdates = (run: Run, method: MethodName): number =>
  passShare(method, run.results.config.experiment.epochs) * passUpdates(run);

/** The arms that are chosen from the rewards of the FULL pass, of all its data epochs or the first. */
export const readersOf = (run: Run): MethodName[] => armsOf(run).filter(readsRewards);

export const evaluationsOf = ({ results }: Run, method: MethodName): readonly Evaluation[] =>
  results.methods[method]?.evaluations ?? [];

/** Number of prompts of a method over the seeds: one number, or the least and the most. */
export function promptsOf({ results }: Run, method: MethodName): string {
  const sizes =
    method === 'full'
      ? results.seeds.map(({ pool }) => pool.prompts)
      : results.seeds.flatMap(({ selections }) => selections[method]?.prompts ?? []);
  if (sizes.length === 0) return count(results.methods[method]?.prompts ?? 0);
  const [least, most] = [Math.min(...sizes), Math.max(...sizes)];
  return least === most ? count(least) : `${count(least)}–${count(most)}`;
}

/**
 * The run as if it had been evaluated on one of its tiers alone, out of distribution or not: every
 * mean is that tier's accuracy.
 */
export function onTier(run: Run, tier: string): Run {
  const only = <One extends Reading>(reading: One): One => {
    const found = reading.tiers[tier] ?? reading.outOfDistribution?.[tier];
    return {
      ...reading,
      mean: found ?? NaN,
      tiers: found === undefined ? {} : { [tier]: found },
      outOfDistribution: {},
    };
  };
  const whole = <One extends Reading & { readonly sampled?: Reading }>(accuracy: One): One => {
    const { sampled, ...rest } = only(accuracy);
    return { ...(rest as One), ...(sampled ? { sampled: only(sampled) } : {}) };
  };
  const { results } = run;
  return {
    ...run,
    results: {
      ...results,
      base: whole(results.base),
      methods: Object.fromEntries(
        methodsOf(run).map((method) => [
          method,
          {
            prompts: results.methods[method]?.prompts ?? 0,
            evaluations: evaluationsOf(run, method).map(whole),
          },
        ]),
      ),
    },
  };
}

/** The unit of the run's read-outs: `update`, or `data epoch` if methods train for equal epochs. */
export const unitOf = ({ results }: Run): string => readoutUnit(results.config);

/** `40 updates`, `3 data epochs of each method’s own prompts`. */
export const readoutText = (run: Run, readout: number): string => {
  const text = counted(readout, unitOf(run));
  return run.results.config.experiment.budget === 'updates'
    ? text
    : `${text} of each method’s own prompts`;
};

/** The last read-out of a method, in `unitOf`; 0 for a method without prompts. */
export const lastReadout = (run: Run, method: MethodName): number =>
  Math.max(
    0,
    ...evaluationsOf(run, method).map((evaluation) => readoutOf(run.results.config, evaluation)),
  );

/**
 * Most iterations of a method over the seeds, which may differ when epochs are equal; 0 without
 * prompts.
 */
export const lastUpdate = (run: Run, method: MethodName): number =>
  run.records.reduce(
    (most, record) => (record.method === method ? Math.max(most, record.update) : most),
    Math.max(0, ...evaluationsOf(run, method).map(({ update }) => update)),
  );

const readingOf = (evaluation: Evaluation, how: Answering): Reading | undefined =>
  how === 'greedy' ? evaluation : evaluation.sampled;

const evaluatedAt = (run: Run, method: MethodName, readout: number): Evaluation[] =>
  evaluationsAt(run.results.config, evaluationsOf(run, method), readout);

/** The readings of a method at a read-out, by seed. */
export function readingsAt(
  run: Run,
  method: MethodName,
  readout: number,
  how: Answering = 'greedy',
): Map<number, Reading> {
  const readings = new Map<number, Reading>();
  for (const evaluation of evaluatedAt(run, method, readout)) {
    const reading = readingOf(evaluation, how);
    if (reading) readings.set(evaluation.seed, reading);
  }
  return readings;
}

const sizesOf = ({ results }: Run): ReadonlyMap<string, number> =>
  tierPrompts(results.config, results.base);

export const estimateAt = (
  run: Run,
  method: MethodName,
  readout: number,
  how: Answering = 'greedy',
): Estimate | undefined =>
  accuracyOf([...readingsAt(run, method, readout, how).values()], sizesOf(run));

/**
 * A method's accuracy where the tables beside the paper read it: at the table's read-out, or at the end
 * of a supervised training, whose updates compare with no others.
 */
export const finalEstimate = (run: Run, method: MethodName): Estimate | undefined =>
  estimateAt(
    run,
    method,
    isSupervised(method) ? lastReadout(run, method) : run.results.config.experiment.tableReadout,
  );

/** The base's estimate. The base is one model for all seeds, so its interval is over prompts. */
export const baseEstimate = ({ results }: Run, how: Answering = 'greedy'): Estimate | undefined => {
  const reading: Reading | undefined = how === 'greedy' ? results.base : results.base.sampled;
  return reading && accuracyOf([reading], tierPrompts(results.config, results.base));
};

/** A method's accuracy at a read-out. */
export interface CurvePoint {
  /** In `unitOf`; 0 is the base. */
  readonly readout: number;
  /** PPO iterations of the method before the read-out; the mean over seeds, which may differ. */
  readonly updates: number;
  readonly estimate: Estimate;
}

/** A method's accuracy at every read-out that all of its seeds reached, preceded by the base's. */
export function learningCurve(run: Run, method: MethodName): CurvePoint[] {
  const evaluations = evaluationsOf(run, method);
  const seeds = new Set(evaluations.map(({ seed }) => seed)).size;
  const readouts = evaluations.map((one) => readoutOf(run.results.config, one));
  const read = [...new Set(readouts)]
    .sort((a, b) => a - b)
    .flatMap((readout) => {
      const readings = readingsAt(run, method, readout);
      const estimate = readings.size === seeds ? estimateAt(run, method, readout) : undefined;
      const updates = average(evaluatedAt(run, method, readout).map(({ update }) => update));
      return estimate ? [{ readout, updates, estimate }] : [];
    });
  const base = baseEstimate(run);
  return read.length > 0 && base ? [{ readout: 0, updates: 0, estimate: base }, ...read] : read;
}

/** The accuracy of one method minus another's at a read-out. */
export const differenceAt = (
  run: Run,
  one: MethodName,
  other: MethodName,
  readout: number,
): Estimate | undefined =>
  differenceOf(readingsAt(run, one, readout), readingsAt(run, other, readout), sizesOf(run));

/** The last read-out that both methods have; undefined if they share none. */
export function lastCommonReadout(
  run: Run,
  one: MethodName,
  other: MethodName,
): number | undefined {
  const readouts = (method: MethodName): number[] =>
    learningCurve(run, method).flatMap(({ readout }) => (readout > 0 ? [readout] : []));
  const theirs = new Set(readouts(other));
  return readouts(one)
    .filter((readout) => theirs.has(readout))
    .at(-1);
}

/** Mean of a logged scalar over the seeds that logged it, for each update. */
export function trainingCurve(run: Run, method: MethodName, key: string): [number, number][] {
  const sums = new Map<number, { sum: number; count: number }>();
  for (const record of run.records) {
    const value = record.method === method ? record.metrics[key] : undefined;
    if (value === undefined || !Number.isFinite(value)) continue;
    const held = sums.get(record.update) ?? { sum: 0, count: 0 };
    sums.set(record.update, { sum: held.sum + value, count: held.count + 1 });
  }
  return [...sums]
    .sort(([a], [b]) => a - b)
    .map(([update, { sum, count }]) => [update, sum / count]);
}

/** A logged scalar at both ends of a training. */
export interface Ends {
  /** Means over the first and the last quarter of the updates. */
  readonly first: number;
  readonly last: number;
  /** Updates of a quarter. */
  readonly quarter: number;
}

/** A method's scalar at both ends of its training; undefined if it was not logged. */
export function trainingEnds(run: Run, method: MethodName, key: MetricKey): Ends | undefined {
  const values = trainingCurve(run, method, key).map(([, value]) => value);
  if (values.length === 0) return undefined;
  const quarter = Math.ceil(values.length / 4);
  return {
    first: average(values.slice(0, quarter)),
    last: average(values.slice(-quarter)),
    quarter,
  };
}

/** A curve thinned to at most `most` points: the means of equal stretches. */
export function thinned(
  points: readonly (readonly [number, number])[],
  most: number,
): [number, number][] {
  const stretch = Math.ceil(points.length / most);
  const thin: [number, number][] = [];
  for (let start = 0; start < points.length; start += stretch) {
    const part = points.slice(start, start + stretch);
    thin.push([average(part.map(([x]) => x)), average(part.map(([, y]) => y))]);
  }
  return thin;
}

/** Prompts with the highest score first; equal ones in the order of their places. */
export const inScoreOrder = (scores: readonly ScoredPrompt[]): ScoredPrompt[] =>
  [...scores].sort((a, b) => (b.score ?? -Infinity) - (a.score ?? -Infinity) || a.id - b.id);

/** The ids of the prompts that LIM kept, from all prompts in order of score. */
export const keptIds = (ranked: readonly ScoredPrompt[], lim: LimSummary): ReadonlySet<number> =>
  new Set(
    (isByCount(lim)
      ? ranked.slice(0, lim.kept)
      : ranked.filter(({ score }) => score !== null && score >= lim.theta)
    ).map(({ id }) => id),
  );
