import {
  linearRise,
  linearScore as linearKernel,
  notRising,
  undecided,
} from '../../../kernels/linear-score.ts';
import { type RewardMatrix, rowOf, type ValueMatrix } from '../matrix.ts';
import { scoreRows } from '../row-scores.ts';
import { type Cut, cutScores, type Scored, type ScoreRule } from './cut.ts';
import { known, type Rewards, type Selection, type SelectionMethod, wholePass } from './method.ts';

const rule: ScoreRule = {
  method: 'linear',
  label: 'LINEAR score (our definition)',
  out: {
    score: notRising,
    others: `has a line that rises by more than ${linearRise}`,
    own: `its line does not rise by more than ${linearRise}`,
  },
};

/** f32 scores of `shaders/linear-score.wgsl` differ from float64 scores by at most this. */
const TOLERANCE = 1e-4;

/**
 * LINEAR, by our definition (LIMR's authors published none): keeps prompts whose learning curve is
 * close to a rising straight line, by `linearScores`. A prompt whose line does not rise is never
 * kept. If `count` exceeds the rising prompts, the selection is shorter and says so.
 *
 * @throws SelectionError if `count` exceeds the number of prompts with a score.
 */
export const selectLinear = (matrix: RewardMatrix | ValueMatrix, cut: Cut): Promise<Selection> =>
  cutScores(rule, { scores: linearScores(matrix) }, cut);

/**
 * Our LINEAR score: R^2 of the least-squares line through a prompt's mean signals, over the epochs
 * in which the prompt is present. The score is -1 unless the line rises by more than 0.1 over the
 * whole run, and NaN for a prompt that is never present.
 */
export function linearScores(matrix: RewardMatrix | ValueMatrix): Float64Array {
  return Float64Array.from({ length: matrix.prompts }, (_, p) => linearScore(rowOf(matrix, p)));
}

/** The LINEAR score of one curve. Missing epochs are NaN. */
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

/**
 * Computes LINEAR scores where the rewards are. On the device, scores that f32 cannot decide are
 * settled in float64.
 */
export async function scoreLinear({ matrix, gpu }: Rewards): Promise<Scored> {
  if (gpu === undefined) return { scores: linearScores(matrix) };
  const { scores, exact } = await scoreRows(gpu, matrix, {
    name: 'linear',
    step: linearKernel,
    exact: linearScore,
  });
  const open: number[] = [];
  for (const [prompt, score] of scores.entries()) if (score === undecided) open.push(prompt);
  const settled = await exact(open);
  for (const [i, prompt] of open.entries()) scores[prompt] = settled[i] ?? NaN;
  return { scores, exact, tolerance: TOLERANCE };
}

export const linear: SelectionMethod = {
  name: 'linear',
  needs: ['rewards'],
  usualSize: { threshold: 0.7 },
  armSize: (limKept, { linearShare }) => Math.round(linearShare * limKept),
  samples: wholePass,
  choose: async ({ rewards }, cut) =>
    cutScores(rule, await scoreLinear(known(rewards, 'linear', 'rewards')), cut),
};
