/** A scalar that every PPO iteration logs. */
export interface Metric {
  /** Key in `metrics.jsonl`. */
  readonly key: string;
  readonly name: string;
  readonly meaning: string;
  /** Empty for a pure number, `share` for a number in [0, 1]. */
  readonly unit: string;
  /** The direction of improvement: `up`, `down`, or `none` if neither is better as such. */
  readonly better: 'up' | 'down' | 'none';
  /** Scale of the axis: `log` if values span decades. */
  readonly scale: 'linear' | 'log';
}

/**
 * Every logged scalar, in the order of pages and reports. A mean over a rollout is over all its
 * responses or all its response tokens. A mean over an update is over its optimizer steps.
 */
export const metrics = [
  {
    key: 'reward_mean',
    name: 'Reward',
    meaning: 'Mean verifier reward of the sampled responses: 1 right, -0.5 wrong, -1 no format',
    unit: '',
    better: 'up',
    scale: 'linear',
  },
  {
    key: 'accuracy_mean',
    name: 'Accuracy',
    meaning: 'Share of sampled responses that match their key, wrong keys included',
    unit: 'share',
    better: 'up',
    scale: 'linear',
  },
  {
    key: 'format_error_rate',
    name: 'Format errors',
    meaning: 'Share of sampled responses without a well-formed, finished answer',
    unit: 'share',
    better: 'down',
    scale: 'linear',
  },
  {
    key: 'informative_groups',
    name: 'Informative prompts',
    meaning: 'Share of prompts whose samples were neither all right nor all wrong',
    unit: 'share',
    better: 'none',
    scale: 'linear',
  },
  {
    key: 'response_length_mean',
    name: 'Response length',
    meaning: 'Mean tokens of a response, its end token included',
    unit: 'tokens',
    better: 'none',
    scale: 'linear',
  },
  {
    key: 'cut_share',
    name: 'Cut responses',
    meaning:
      'With a given model: share of sampled responses that reached the limit on their length before they ended',
    unit: 'share',
    better: 'down',
    scale: 'linear',
  },
  {
    key: 'kl_mean',
    name: 'KL to the base',
    meaning:
      'Mean over response tokens of the configured KL estimate between the sampling policy and the base; k1 can be negative',
    unit: 'nats per token',
    better: 'none',
    scale: 'linear',
  },
  {
    key: 'sampler_gap',
    name: 'Sampler to trainer',
    meaning:
      'With adapters: the largest difference between the log-probabilities of a token when it was sampled and when it was scored',
    unit: 'nats',
    better: 'down',
    scale: 'linear',
  },
  {
    key: 'entropy',
    name: 'Entropy',
    meaning: 'Mean entropy of the policy over response tokens; positive',
    unit: 'nats',
    better: 'none',
    scale: 'linear',
  },
  {
    key: 'supervised_loss',
    name: 'Supervised loss',
    meaning:
      'With supervised fine-tuning: mean negative log-likelihood of the response tokens of an update',
    unit: 'nats per token',
    better: 'down',
    scale: 'linear',
  },
  {
    key: 'policy_loss',
    name: 'Policy loss',
    meaning: 'Clipped surrogate, negated: minimized, so that a negative value is an expected gain',
    unit: '',
    better: 'none',
    scale: 'linear',
  },
  {
    key: 'value_loss',
    name: 'Value loss',
    meaning: 'Half the squared error of the critic after clipping; minimized, never negative',
    unit: '',
    better: 'down',
    scale: 'linear',
  },
  {
    key: 'explained_variance',
    name: 'Explained variance',
    meaning:
      '1 - var(returns - values) / var(returns) over the rollout; 1 is a perfect critic, 0 a constant',
    unit: '',
    better: 'up',
    scale: 'linear',
  },
  {
    key: 'clip_fraction',
    name: 'Clipped tokens',
    meaning: 'Share of response tokens whose probability ratio the clip held back',
    unit: 'share',
    better: 'none',
    scale: 'linear',
  },
  {
    key: 'approx_kl',
    name: 'KL of the update',
    meaning:
      'Mean of ratio - 1 - log ratio between the policy and itself at rollout; never negative',
    unit: 'nats per token',
    better: 'none',
    scale: 'linear',
  },
  {
    key: 'advantage_mean',
    name: 'Advantage mean',
    meaning: 'Mean advantage over response tokens before whitening',
    unit: '',
    better: 'none',
    scale: 'linear',
  },
  {
    key: 'advantage_std',
    name: 'Advantage spread',
    meaning: 'Standard deviation of the advantages over response tokens before whitening',
    unit: '',
    better: 'none',
    scale: 'linear',
  },
  {
    key: 'actor_grad_norm',
    name: 'Actor gradient norm',
    meaning: 'Global norm before clipping',
    unit: '',
    better: 'none',
    scale: 'log',
  },
  {
    key: 'critic_grad_norm',
    name: 'Critic gradient norm',
    meaning: 'Global norm before clipping',
    unit: '',
    better: 'none',
    scale: 'log',
  },
  {
    key: 'actor_lr',
    name: 'Actor learning rate',
    meaning: 'Of the last optimizer step',
    unit: 'per optimizer step',
    better: 'none',
    scale: 'log',
  },
  {
    key: 'critic_lr',
    name: 'Critic learning rate',
    meaning: 'Of the last optimizer step',
    unit: 'per optimizer step',
    better: 'none',
    scale: 'log',
  },
  {
    key: 'verifier_failures',
    name: 'Unjudged responses',
    meaning: 'Sampled responses whose check failed or ran out of time; they count as reward -1',
    unit: 'responses',
    better: 'down',
    scale: 'linear',
  },
  {
    key: 'tokens_per_second',
    name: 'Speed',
    meaning: 'Response tokens sampled, over the duration of the whole iteration',
    unit: 'tokens/s',
    better: 'up',
    scale: 'linear',
  },
  {
    key: 'samples_generated',
    name: 'Samples generated',
    meaning: 'Responses that an online method sampled, screened ones included',
    unit: 'responses',
    better: 'none',
    scale: 'linear',
  },
  {
    key: 'samples_trained',
    name: 'Samples trained on',
    meaning: 'Responses that an online method’s update was made from',
    unit: 'responses',
    better: 'none',
    scale: 'linear',
  },
  {
    key: 'generated_accuracy',
    name: 'Accuracy generated',
    meaning: 'Share of right responses of all that an online method sampled',
    unit: 'share',
    better: 'none',
    scale: 'linear',
  },
  {
    key: 'ranking_change',
    name: 'Change of ranking',
    meaning: '1 − Jaccard index of LIM’s highest prompts with and without the last data epoch',
    unit: 'share',
    better: 'down',
    scale: 'linear',
  },
  {
    key: 'ranking_noise',
    name: 'Noise of ranking',
    meaning: '1 − Jaccard index of LIM’s highest prompts and of those of resampled rewards',
    unit: 'share',
    better: 'none',
    scale: 'linear',
  },
  {
    key: 'step_ms',
    name: 'Iteration',
    meaning: 'Wall time of one iteration: rollout, verification, update',
    unit: 'ms',
    better: 'down',
    scale: 'linear',
  },
  {
    key: 'rollout_ms',
    name: 'Rollout',
    meaning: 'Wall time of sampling',
    unit: 'ms',
    better: 'down',
    scale: 'linear',
  },
  {
    key: 'verify_ms',
    name: 'Verification',
    meaning: 'Wall time until all verdicts were in',
    unit: 'ms',
    better: 'down',
    scale: 'linear',
  },
  {
    key: 'update_ms',
    name: 'Update',
    meaning: 'Wall time of log-probabilities, advantages and optimizer steps',
    unit: 'ms',
    better: 'down',
    scale: 'linear',
  },
] as const satisfies readonly Metric[];

export type MetricKey = (typeof metrics)[number]['key'];

/** @throws RangeError for a key that is not logged. */
export function metric(key: MetricKey): Metric {
  const found = metrics.find((one) => one.key === key);
  if (!found) throw new RangeError(`metrics: '${key}' is not logged`);
  return found;
}
