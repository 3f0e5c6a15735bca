/** Discounted sum of an episode's rewards from each step on, in float64, as defined. */
export function rewardToGoReference(rewards: readonly number[], gamma: number): number[] {
  return rewards.map((_, t) =>
    rewards.slice(t).reduce((sum, reward, l) => sum + gamma ** l * reward, 0),
  );
}
