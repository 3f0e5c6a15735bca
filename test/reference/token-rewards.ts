import { klReference } from './kl.ts';

/** Rewards per action and mean KL per sequence in float64, over ragged sequences. */
export function tokenRewardsReference(
  sequences: readonly { old: readonly number[]; ref: readonly number[]; reward: number }[],
  kl: { estimator: 'k1' | 'k2' | 'k3'; coef: number; clamp?: number },
  [low, high]: readonly [number, number] = [-10, 10],
): { rewards: number[]; meanKl: number[] } {
  const bound = kl.clamp ?? Infinity;
  const perSequence = sequences.map(({ old, ref, reward }) => {
    const penalties = old.map((logprob, t) =>
      Math.max(-bound, Math.min(bound, klReference(kl.estimator, logprob - ref[t]))),
    );
    const rewards = penalties.map((penalty) => -kl.coef * penalty);
    if (rewards.length > 0) rewards[rewards.length - 1] += Math.max(low, Math.min(high, reward));
    const total = penalties.reduceRight((sum, penalty) => sum + penalty, 0);
    return { rewards, mean: penalties.length === 0 ? 0 : total / penalties.length };
  });
  return {
    rewards: perSequence.flatMap((sequence) => sequence.rewards),
    meanKl: perSequence.map((sequence) => sequence.mean),
  };
}
