import { noLimit } from './no-limit.ts';
import type { Size } from './variable.ts';

/** Estimator of KL(p || q) from a token of p. Math: `shaders/lib/kl.wgsl`. */
export type KlEstimator = 'k1' | 'k2' | 'k3';

/** How the shaders number the estimators. */
export const klEstimatorCode: Readonly<Record<KlEstimator, number>> = { k1: 1, k2: 2, k3: 3 };

/** A KL term: in the reward, or in the loss. */
export interface KlTerm {
  readonly estimator: KlEstimator;
  /** Factor, at least 0; 0 turns the term off. */
  readonly coef: Size;
  /** Bound on the absolute estimate per token; no bound when absent, as in the reference run. */
  readonly clamp?: Size;
}

/** The uniform fields of a KL term. */
export const klParams = (term: KlTerm) => ({
  kl_estimator: klEstimatorCode[term.estimator],
  kl_coef: term.coef,
  kl_clamp: term.clamp ?? noLimit,
});
