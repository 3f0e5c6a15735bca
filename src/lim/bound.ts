/** Whether a threshold rejects prompts that are never solved, and with what margin. */
export interface ThetaBound {
  readonly theta: number;
  /** Score of a never-solved prompt that is present in every epoch; NaN without a curve. */
  readonly neverSolvedScore: number;
  /** Score of an always-solved prompt: 0. */
  readonly alwaysSolvedScore: number;
  /**
   * The mean curve as one number m, on the scale of accuracy: the height of the flat curve that
   * gives a never-solved prompt the same score. m / (1 - m) = rms distance from the unsolved signal
   * / rms distance from 1.
   */
  readonly curveLevel: number;
  /**
   * The level that `curveLevel` must exceed: sqrt(1 - theta) / (1 + sqrt(1 - theta)), 0.387 at 0.6.
   */
  readonly requiredLevel: number;
  /** neverSolvedScore < theta. If false, the threshold keeps hopeless prompts. */
  readonly rejectsNeverSolved: boolean;
  /** alwaysSolvedScore < theta. If false, the threshold keeps prompts that teach nothing. */
  readonly rejectsAlwaysSolved: boolean;
}

/**
 * Computes whether `theta` rejects never-solved prompts. Such a prompt, with signal u in every
 * epoch, scores 1 - sum (m_k - u)^2 / sum (1 - m_k)^2. LIM rejects it exactly when sum (m_k - u)^2
 * > (1 - theta) sum (1 - m_k)^2. For u = 0 and a flat curve this means m > 0.387 at theta 0.6. With
 * a lower curve, LIM keeps hopeless and wrongly labelled prompts.
 *
 * @param deficits 1 - m_k of the epochs in which some prompt is present.
 * @param unsolved u: 0 for accuracy, -0.5 for the reward of well-formed wrong answers.
 */
export function thetaBound(
  deficits: Iterable<number>,
  theta: number,
  unsolved: number,
): ThetaBound {
  let away = 0;
  let scale = 0;
  let epochs = 0;
  for (const deficit of deficits) {
    away += (1 - deficit - unsolved) ** 2;
    scale += deficit ** 2;
    epochs++;
  }
  const ratio = Math.sqrt(away / scale);
  const required = Math.sqrt(Math.max(0, 1 - theta));
  // The level counts in units of 1 - u, so it is on accuracy's scale for every signal.
  const neverSolvedScore = epochs === 0 ? NaN : 1 - away / scale;
  return {
    theta,
    neverSolvedScore,
    alwaysSolvedScore: 0,
    curveLevel: ratio === Infinity ? 1 : ratio / (1 + ratio),
    requiredLevel: required / (1 + required),
    rejectsNeverSolved: neverSolvedScore < theta,
    rejectsAlwaysSolved: theta > 0,
  };
}

/**
 * Describes the bound in a sentence, for reports and terminals. The sentence begins with what a cut
 * keeps wrongly, if anything.
 *
 * @param cut The cut in words. Default `theta 0.6`.
 */
export function describeBound(bound: ThetaBound, cut = `theta ${bound.theta}`): string {
  const { neverSolvedScore, curveLevel, requiredLevel } = bound;
  if (Number.isNaN(neverSolvedScore)) {
    return `${cut} has nothing to decide: no prompt was rolled out, so there is no mean curve`;
  }
  const facts =
    `never-solved prompts score ${neverSolvedScore.toFixed(3)}; ` +
    `the mean curve averages ${curveLevel.toFixed(3)} (needed: ${requiredLevel.toFixed(3)})`;
  const kept = [
    ...(bound.rejectsNeverSolved ? [] : ['never-solved and wrongly labelled prompts']),
    ...(bound.rejectsAlwaysSolved ? [] : ['always-solved prompts, which score 0']),
  ];
  return kept.length === 0
    ? `${cut} rejects never-solved and always-solved prompts: ${facts}`
    : `${cut} KEEPS ${kept.join(' and ')}: ${facts}`;
}
