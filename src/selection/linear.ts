import { cutScores, type ScoreRule } from './cut.ts';
import { type CurveScore, known, type StaticMethod, wholePass } from './method.ts';

/** Rise of the fitted line over the run above which LINEAR counts a curve as rising. */
export const linearRise = 0.1;

/** The score of a curve that does not rise; scores of other curves are in [0, 1]. */
const notRising = -1;

const rule: ScoreRule = {
  method: 'linear',
  label: 'LINEAR score (our definition)',
  out: {
    score: notRising,
    others: `has a line that rises by more than ${linearRise}`,
    own: `its line does not rise by more than ${linearRise}`,
  },
};

/**
 * Our LINEAR score of one curve: R^2 of the least-squares line through a prompt's mean signals, over
 * the epochs in which the prompt is present. Missing epochs are NaN. The score is -1 unless the line
 * rises by more than 0.1 over the whole run, and NaN for a prompt that is never present.
 */
export function linearScore(curve: ArrayLike<number>): number {
  let n = 0;
  let meanX = 0;
  let meanY = 0;
  for (let k = 0; k < curve.length; k++) {
    const y = curve[k] ?? NaN;
    if (Number.isNaN(y)) continue;
    n++;
    meanX += k;
    meanY += y;
  }
  if (n === 0) return NaN;
  meanX /= n;
  meanY /= n;
  let xx = 0;
  let xy = 0;
  let yy = 0;
  for (let k = 0; k < curve.length; k++) {
    const y = curve[k] ?? NaN;
    if (Number.isNaN(y)) continue;
    xx += (k - meanX) ** 2;
    xy += (k - meanX) * (y - meanY);
    yy += (y - meanY) ** 2;
  }
  if (xx === 0) return notRising; // one point gives no line
  const rise = (xy / xx) * (curve.length - 1);
  return rise > linearRise ? (xy * xy) / (xx * yy) : notRising;
}

const score: CurveScore = { kernel: 'linear-score', exact: linearScore, tolerance: 1e-4 };

/**
 * LINEAR, by our definition (LIMR's authors published none): keeps prompts whose learning curve is
 * close to a rising straight line. A prompt whose line does not rise is never kept. If `count`
 * exceeds the rising prompts, the selection is shorter and says so.
 */
export const linear = {
  name: 'linear',
  code: 2,
  label: 'LINEAR',
  takes: ({ linearShare }) =>
    `${Number((100 * linearShare).toFixed(1))} % as many, those whose rewards rise most steadily, or fewer where fewer rise. ` +
    'The paper names this baseline without a formula; taking R² of a straight line is our definition',
  needs: ['rewards'],
  usualSize: { threshold: 0.7 },
  arm: (limKept, { linearShare }) => ({ count: Math.round(linearShare * limKept) }),
  samples: wholePass,
  choose: async ({ rewards }, cut) =>
    cutScores(rule, await known(rewards, 'linear', 'rewards').scoreCurves(score), cut),
} as const satisfies StaticMethod;
