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

/** f32 scores of `shaders/linear-score.wgsl` are within this of the float64 ones. */
const TOLERANCE = 1e-4;

/**
 * LINEAR, by our definition (LIMR's authors published none): prompts whose learning curve is close
 * to a rising straight line, by `linearScores`. One that does not rise is never kept: where `count`
 * asks for more than do, the selection is shorter, and says so.
 *
 * @throws SelectionError when `count` exceeds the prompts that have a score.
 */
export const selectLinear = (matrix: RewardMatrix | ValueMatrix, cut: Cut): Promise<Selection> =>
  cutScores(rule, { scores: linearScores(matrix) }, cut);

/**
 * Our LINEAR score: R^2 of the least-squares line through a prompt's mean signals over the epochs
 * in which it is present, if that line rises by more than 0.1 over the whole run, else -1. NaN for
 * a prompt that is nowhere present.
 */
export function linearScores(matrix: RewardMatrix | ValueMatrix): Float64Array {
  return Float64Array.from({ length: matrix.prompts }, (_, p) => linearScore(rowOf(matrix, p)));
}

/** `linearScores` of one curve, NaN where it is missing. */
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
  if (xx === 0) return notRising; // one point is no line
  const rise = (xy / xx) * (curve.length - 1);
  return rise > linearRise ? (xy * xy) / (xx * yy) : notRising;
}

/** LINEAR scores from where the rewards lie; on the device those that f32 cannot tell are settled. */
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
