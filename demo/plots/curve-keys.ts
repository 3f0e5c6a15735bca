// The curves that there are, and which of them are shown.
import { metrics, type MetricKey } from '../../src/index.ts';

/** A scalar that every update logs, or the held-out accuracy. */
export type CurveKey = MetricKey | 'held';

/** All that there are, in their order on the page. */
export const curveKeys: readonly CurveKey[] = metrics.flatMap(({ key }): CurveKey[] =>
  key === 'reward_mean' ? [key, 'held'] : [key],
);

/** What is shown until something else is chosen. */
export const usualCurves: readonly CurveKey[] = [
  'reward_mean',
  'held',
  'response_length_mean',
  'kl_mean',
];

/** Curves from what a browser keeps, in their order on the page; undefined where that names none. */
export function curvesOf(text: string | null): readonly CurveKey[] | undefined {
  const names = new Set<string>(text?.split(' '));
  const found = curveKeys.filter((key) => names.has(key));
  return found.length > 0 ? found : undefined;
}
