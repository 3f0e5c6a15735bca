/** How per-action losses are combined into the number that an update minimises. */
export const lossAggregations = [
  'token-mean-microbatch',
  'token-mean-step',
  'sequence-mean',
] as const;
export type LossAggregation = (typeof lossAggregations)[number];

/** Estimators of the KL divergence to the base. */
export const klEstimators = ['k1', 'k2', 'k3'] as const;
export type KlEstimatorName = (typeof klEstimators)[number];

/** Where the KL divergence enters: subtracted from the reward of each action, or in the loss. */
export const klPlaces = ['reward', 'loss'] as const;
export type KlPlace = (typeof klPlaces)[number];

/** The unit of minibatches: shuffled sequences, or whole groups of a prompt's samples. */
export const minibatchUnits = ['sequence', 'group'] as const;
export type MinibatchUnit = (typeof minibatchUnits)[number];

export const oldLogprobs = ['pass', 'first-pass'] as const;
export type OldLogprobs = (typeof oldLogprobs)[number];
