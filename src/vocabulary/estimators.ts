/**
 * Estimators: they turn sequence rewards into one advantage per action, as OpenRLHF 0.11 composes
 * them:
 *
 * | estimator | reward less | along the sequence | whitened |
 * |---|---|---|---|
 * | `gae` | - | GAE with a critic | yes |
 * | `reinforce++` | - | reward to go | yes |
 * | `reinforce++-baseline` | group mean | reward to go | yes |
 * | `grpo` | group mean, over its sample deviation | reward to go | no |
 * | `dr_grpo` | group mean | reward to go | no |
 * | `rloo` | mean of the group's others | reward to go | no |
 *
 * If the coefficient of the KL penalty is not 0, the penalty is added per action after the group's
 * baseline. With a coefficient of 0 and gamma 1, the reward to go is the same advantage on every
 * action.
 */
export const estimators = {
  gae: { label: 'PPO', baseline: undefined, critic: true, whitened: true },
  grpo: { label: 'GRPO', baseline: 'mean-and-std', critic: false, whitened: false },
  dr_grpo: { label: 'Dr. GRPO', baseline: 'mean', critic: false, whitened: false },
  rloo: { label: 'RLOO', baseline: 'leave-one-out', critic: false, whitened: false },
  'reinforce++': { label: 'REINFORCE++', baseline: undefined, critic: false, whitened: true },
  'reinforce++-baseline': {
    label: 'REINFORCE++ with a baseline',
    baseline: 'mean',
    critic: false,
    whitened: true,
  },
} as const;

export type AdvantageEstimator = keyof typeof estimators;

export const advantageEstimators = Object.keys(estimators) as AdvantageEstimator[];

/** What training by an estimator is called: `PPO` has a critic. */
export const estimatorLabel = (estimator: AdvantageEstimator): string =>
  estimators[estimator].label;

/** Whether an estimator reads values, so that a critic must be trained. */
export const needsCritic = (estimator: AdvantageEstimator): boolean => estimators[estimator].critic;

/**
 * Whether an estimator compares the samples of a prompt. If so, a group of one sample teaches
 * nothing.
 */
export const needsGroups = (estimator: AdvantageEstimator): boolean =>
  estimators[estimator].baseline !== undefined;

/** The settings that some estimators restrict. */
export interface EstimatorSettings {
  /** Discount per token. */
  readonly gamma: number;
  /** Responses to each prompt. */
  readonly samples: number;
}

/** A setting that an estimator cannot work with. */
export interface EstimatorFault {
  readonly setting: keyof EstimatorSettings;
  /** Path of the setting in a config. */
  readonly field: string;
  /** What the setting must be, and what it is. */
  readonly must: string;
  readonly reason: string;
}

interface EstimatorRule {
  readonly field: string;
  readonly must: string;
  readonly reason: string;
  readonly applies: (estimator: AdvantageEstimator) => boolean;
  readonly holds: (value: number) => boolean;
}

const rules: Readonly<Record<keyof EstimatorSettings, EstimatorRule>> = {
  samples: {
    field: 'rollout.samples',
    must: 'must be at least 2',
    reason: 'compares the samples of a prompt',
    applies: needsGroups,
    holds: (samples) => samples >= 2,
  },
  gamma: {
    field: 'ppo.gamma',
    must: 'must be 1',
    reason: 'takes its baseline of whole sequences, which nothing discounts',
    applies: needsGroups,
    holds: (gamma) => gamma === 1,
  },
};

/** The settings that an estimator cannot work with. All rules about estimators are here. */
export function estimatorFaults(
  estimator: AdvantageEstimator,
  settings: Partial<EstimatorSettings>,
): EstimatorFault[] {
  return (['samples', 'gamma'] as const).flatMap((setting) => {
    const value = settings[setting];
    const { field, must, reason, applies, holds } = rules[setting];
    if (value === undefined || !applies(estimator) || holds(value)) return [];
    return [{ setting, field, must: `${must}, got ${value}`, reason: `${estimator} ${reason}` }];
  });
}
