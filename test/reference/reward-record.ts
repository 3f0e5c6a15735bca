/** Adds a rollout to one column of the three matrices, rows of `columns`, in place. */
export function rewardRecordReference(
  matrices: { accuracy: Float64Array; reward: Float64Array; counts: Float64Array },
  columns: number,
  column: number,
  groups: readonly { readonly prompt: number; readonly rewards: readonly number[] }[],
): void {
  for (const { prompt, rewards } of groups) {
    for (const reward of rewards) {
      const entry = prompt * columns + column;
      matrices.accuracy[entry] += reward === 1 ? 1 : 0;
      matrices.reward[entry] += reward;
      matrices.counts[entry]++;
    }
  }
}
