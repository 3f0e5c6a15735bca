/** How per-action losses are put together into the one number that an update minimises. */
export const lossAggregations = [
  'token-mean-microbatch',
  'token-mean-step',
  'sequence-mean',
] as const;
export type LossAggregation = (typeof lossAggregations)[number];

/** Estimators of the KL divergence to the base. */
export const klEstimators = ['k1', 'k2', 'k3'] as const;
export type KlEstimatorName = (typeof klEstimators)[number];

/** Where the KL divergence counts: off each action's reward, or in the loss. */
export const klPlaces = ['reward', 'loss'] as const;
export type KlPlace = (typeof klPlaces)[number];

/** What minibatches are made of: shuffled sequences, or whole groups of a prompt's samples. */
export const minibatchUnits = ['sequence', 'group'] as const;
export type MinibatchUnit = (typeof minibatchUnits)[number];
