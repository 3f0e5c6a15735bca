/**
 * GAE of one whole episode in float64, as the double sum of its definition: advantage_t is the sum
 * over l of (gamma lambda)^l delta_{t+l}.
 */
export function gaeReference(
  rewards: readonly number[],
  values: readonly number[],
  gamma: number,
  lambda: number,
): { advantages: number[]; returns: number[] } {
  const deltas = rewards.map((reward, t) => reward + gamma * (values[t + 1] ?? 0) - values[t]);
  const advantages = deltas.map((_, t) =>
    deltas.slice(t).reduce((sum, delta, l) => sum + (gamma * lambda) ** l * delta, 0),
  );
  return { advantages, returns: advantages.map((advantage, t) => advantage + values[t]) };
}
