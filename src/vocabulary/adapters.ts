/** Matrices of a layer that a low-rank adapter can change, in the order in which files list them. */
export const adapterTargets = ['q', 'k', 'v', 'o', 'gate', 'up', 'down'] as const;
export type AdapterTarget = (typeof adapterTargets)[number];

/**
 * Low-rank adapters over a frozen base: `y = W x + b + scale * B (A x)` in each target matrix of
 * each layer (Hu et al. 2021, arXiv:2106.09685, section 4.1).
 */
export interface AdapterSpec {
  /** Rows of A and columns of B. */
  readonly rank: number;
  /** The scale is alpha / rank, or alpha / sqrt(rank) with `rslora`. */
  readonly alpha: number;
  /** Rank-stabilised scale (Kalajdzievski 2023, arXiv:2312.03732); off when left out. */
  readonly rslora?: boolean;
  readonly targets: readonly AdapterTarget[];
}

/** Adapters where a config asks for some and says no more. */
export const defaultAdapter: AdapterSpec = { rank: 16, alpha: 32, targets: adapterTargets };
