/**
 * p values adjusted by Holm's method: rejecting those of at most alpha keeps the chance of any false
 * rejection among all of them at alpha.
 */
export function holm(ps: readonly number[]): number[] {
  const order = ps.map((p, i) => ({ p, i })).sort((a, b) => a.p - b.p);
  const adjusted = new Array<number>(ps.length).fill(1);
  let most = 0;
  for (const [rank, { p, i }] of order.entries()) {
    most = Math.max(most, Math.min(1, (ps.length - rank) * p));
    adjusted[i] = most;
  }
  return adjusted;
}
