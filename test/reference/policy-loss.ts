import { klReference } from './kl.ts';

export interface PolicyLossCase {
  readonly clipLow: number;
  readonly clipHigh: number;
  readonly dualClip?: number;
  readonly logRatioClamp?: number;
  readonly kl?: { estimator: 'k1' | 'k2' | 'k3'; coef: number; clamp?: number };
}

/** Loss and statistics of one action in float64. Its gradient is checked by finite differences. */
export function policyLossReference(
  logprob: number,
  oldLogprob: number,
  refLogprob: number,
  advantage: number,
  { clipLow, clipHigh, dualClip, logRatioClamp = Infinity, kl }: PolicyLossCase,
): { loss: number; decided: boolean; kl: number; ratio: number } {
  const raw = logprob - oldLogprob;
  const difference = Math.sign(raw) * Math.min(Math.abs(raw), logRatioClamp);
  const ratio = Math.exp(difference);
  const bounded = Math.min(Math.max(ratio, 1 - clipLow), 1 + clipHigh);
  const candidates = [-ratio * advantage, -bounded * advantage];
  let loss = Math.max(...candidates);
  let decided = loss !== candidates[0];
  if (dualClip !== undefined && advantage < 0 && loss > -dualClip * advantage) {
    loss = -dualClip * advantage;
    decided = true;
  }
  if (kl) {
    const estimate = klReference(kl.estimator, logprob - refLogprob);
    const bound = kl.clamp ?? Infinity;
    loss += kl.coef * Math.min(Math.max(estimate, -bound), bound);
  }
  return { loss, decided, kl: ratio - 1 - difference, ratio };
}
