/**
 * Adds a rollout in place to one column of the three matrices, whose rows have `columns` entries.
 */
export function rewardRecordReference(
  matrices: { accuracy: Float64Array; reward: Float64Array; counts: Float64Array },
  columns: number,
  column: number,
  groups: readonly {
    readonly prompt: number;
    readonly rewards: readonly number[];
    readonly correct: readonly boolean[];
  }[],
): void {
  for (const { prompt, rewards, correct } of groups) {
    for (const [i, reward] of rewards.entries()) {
      const entry = prompt * columns + column;
      matrices.accuracy[entry] += correct[i] ? 1 : 0;
      matrices.reward[entry] += reward;
      matrices.counts[entry]++;
    }
  }
}
