/**
 * The binomial quantile of u: the fewest successes whose distribution function is above u.
 *
 * @param u In [0, 1).
 * @param n Trials.
 * @param p Chance of a success, in (0, 1).
 */
export function binomialQuantile(u: number, n: number, p: number): number {
  let term = Math.pow(1 - p, n);
  let below = term;
  let k = 0;
  while (u >= below && k < n) {
    k++;
    term *= ((n - k + 1) / k) * (p / (1 - p));
    below += term;
  }
  return k;
}
