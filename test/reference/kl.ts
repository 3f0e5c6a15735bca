/** Estimators of KL(p || q) from d = log p - log q of a token of p, in float64. */
export function klReference(estimator: 'k1' | 'k2' | 'k3', d: number): number {
  if (estimator === 'k1') return d;
  return estimator === 'k2' ? d ** 2 / 2 : Math.expm1(-d) + d;
}
