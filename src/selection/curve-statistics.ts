// Statistics of a prompt's curve of shares of right answers, in float64: `shaders/curve-score.wgsl`.
// Missing epochs are NaN; a statistic of no epoch is NaN.
import type { CurveScore } from './method.ts';

/** The mean of a function over the epochs in which a prompt is present. */
function meanOver(curve: ArrayLike<number>, of: (value: number) => number): number {
  let sum = 0;
  let count = 0;
  for (let k = 0; k < curve.length; k++) {
    const value = curve[k] ?? NaN;
    if (Number.isNaN(value)) continue;
    sum += of(value);
    count++;
  }
  return count === 0 ? NaN : sum / count;
}

export const curveMean = (curve: ArrayLike<number>): number => meanOver(curve, (value) => value);

/** Mean squared distance of the epochs from their mean. */
export function curveVariance(curve: ArrayLike<number>): number {
  const middle = curveMean(curve);
  return meanOver(curve, (value) => (value - middle) ** 2);
}

/** Mean of p (1 - p), the variance within a group of answers. */
export const curveGroupVariance = (curve: ArrayLike<number>): number =>
  meanOver(curve, (value) => value * (1 - value));

/** Scores of the kernel differ from float64 by no more: curves are in [0, 1]. */
const tolerance = 1e-5;

export const meanScore: CurveScore = { kernel: 'curve-mean', exact: curveMean, tolerance };
export const varianceScore: CurveScore = {
  kernel: 'curve-variance',
  exact: curveVariance,
  tolerance,
};
export const groupScore: CurveScore = {
  kernel: 'curve-group',
  exact: curveGroupVariance,
  tolerance,
};
