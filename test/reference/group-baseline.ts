import type { GroupBaseline } from '../../kernels/group-baseline.ts';

/** One group's rewards against their baseline, in float64, from the papers' formulas. */
export function groupBaselineReference(
  rewards: readonly number[],
  baseline: GroupBaseline,
): number[] {
  const count = rewards.length;
  if (count === 1) return [0];
  const total = rewards.reduce((sum, reward) => sum + reward, 0);
  const mean = total / count;
  if (baseline === 'mean') return rewards.map((reward) => reward - mean);
  if (baseline === 'leave-one-out') {
    return rewards.map((reward) => reward - (total - reward) / (count - 1));
  }
  const square = rewards.reduce((sum, reward) => sum + (reward - mean) ** 2, 0);
  const deviation = Math.sqrt(square / (count - 1));
  return rewards.map((reward) => (reward - mean) / (deviation + 1e-9));
}
