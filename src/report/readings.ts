import type { MethodName } from '../config.ts';
import type { Evaluation } from '../results.ts';
import { accuracyOf, differenceOf, tierPrompts, type Estimate, type Reading } from './interval.ts';
import type { Run } from './run-files.ts';
import { average } from './text.ts';

/** In which order methods are shown. */
const methodOrder: readonly MethodName[] = ['full', 'lim', 'rand', 'linear'];

/** Greedy answers, or samples at the evaluation temperature. */
export type Answering = 'greedy' | 'sampled';

/** A run's methods, FULL first. */
export const methodsOf = ({ results }: Run): MethodName[] =>
  methodOrder.filter((method) => results.methods[method] !== undefined);

export const nameOf = (method: MethodName): string => method.toUpperCase();

export const evaluationsOf = ({ results }: Run, method: MethodName): readonly Evaluation[] =>
  results.methods[method]?.evaluations ?? [];

/** Iterations of a method; 0 for one without prompts. Seeds may differ where epochs are equal. */
export const lastUpdate = (run: Run, method: MethodName): number =>
  Math.max(0, ...evaluationsOf(run, method).map(({ update }) => update));

const readingOf = (evaluation: Evaluation, how: Answering): Reading | undefined =>
  how === 'greedy' ? evaluation : evaluation.sampled;

/** What a method reads at an update, by seed. */
export function readingsAt(
  run: Run,
  method: MethodName,
  update: number,
  how: Answering = 'greedy',
): Map<number, Reading> {
  const readings = new Map<number, Reading>();
  for (const evaluation of evaluationsOf(run, method)) {
    const reading = evaluation.update === update ? readingOf(evaluation, how) : undefined;
    if (reading) readings.set(evaluation.seed, reading);
  }
  return readings;
}

export const estimateAt = (
  run: Run,
  method: MethodName,
  update: number,
  how: Answering = 'greedy',
): Estimate | undefined =>
  accuracyOf([...readingsAt(run, method, update, how).values()], tierPrompts(run.results.config));

/** The base is one model whatever the seeds: its interval is over prompts. */
export const baseEstimate = ({ results }: Run, how: Answering = 'greedy'): Estimate | undefined => {
  const reading: Reading | undefined = how === 'greedy' ? results.base : results.base.sampled;
  return reading && accuracyOf([reading], tierPrompts(results.config));
};

/** A method's accuracy at every read-out that all its seeds reached, the base first. */
export function learningCurve(
  run: Run,
  method: MethodName,
): { readonly update: number; readonly estimate: Estimate }[] {
  const evaluations = evaluationsOf(run, method);
  const seeds = new Set(evaluations.map(({ seed }) => seed)).size;
  const updates = [...new Set(evaluations.map(({ update }) => update))].sort((a, b) => a - b);
  const read = updates.flatMap((update) => {
    const readings = readingsAt(run, method, update);
    const estimate = readings.size === seeds ? estimateAt(run, method, update) : undefined;
    return estimate ? [{ update, estimate }] : [];
  });
  const base = baseEstimate(run);
  return read.length > 0 && base ? [{ update: 0, estimate: base }, ...read] : read;
}

/** The accuracy of one method less another's at an update. */
export const differenceAt = (
  run: Run,
  one: MethodName,
  other: MethodName,
  update: number,
): Estimate | undefined =>
  differenceOf(
    readingsAt(run, one, update),
    readingsAt(run, other, update),
    tierPrompts(run.results.config),
  );

/** The last update at which both methods were read. */
export function lastCommonUpdate(run: Run, one: MethodName, other: MethodName): number | undefined {
  const updates = (method: MethodName): number[] =>
    learningCurve(run, method).flatMap(({ update }) => (update > 0 ? [update] : []));
  const theirs = new Set(updates(other));
  return updates(one)
    .filter((update) => theirs.has(update))
    .at(-1);
}

/** Whether a selection is made from the rewards of the FULL pass; RAND needs only a number. */
export const needsFull = (method: MethodName): boolean => method === 'lim' || method === 'linear';

/** Mean of a logged scalar over the seeds that logged it, update by update. */
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

/** A curve of at most `most` points: means of equal stretches, each at its middle. */
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

/** A prompt is kept from theta up; prompts without a score are not. */
export const isKept = (score: number | null, theta: number): boolean =>
  score !== null && score >= theta;
