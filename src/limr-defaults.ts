// The constants of LIMR's reference run, which all settings begin with.
import type { ExperimentConfig, OptimizerConfig } from './config.ts';

/** The optimizer of the reference run's actor. */
export const limrOptimizer: OptimizerConfig = {
  learningRate: 5e-7,
  warmupUpdates: 10,
  schedule: 'cosine_with_min_lr',
  horizonUpdates: 430_000,
  minimumShare: 0.1,
  beta1: 0.9,
  beta2: 0.95,
  epsilon: 1e-8,
  weightDecay: 0,
  maxGradNorm: 1,
};

/** The constants of the reference run (spec of LIMR's released code), except for sizes. */
export const limrDefaults: Pick<ExperimentConfig, 'rollout' | 'ppo' | 'lim' | 'evaluation'> = {
  rollout: {
    prompts: 1024,
    samples: 8,
    temperature: 1.2,
    logprobTemperature: 1,
    topK: 0,
    topP: 1,
    minP: 0,
  },
  ppo: {
    rewardClamp: 10,
    whitenScale: true,
    estimator: 'gae',
    gamma: 1,
    gaeLambda: 0.95,
    clipLow: 0.2,
    clipHigh: 0.2,
    valueClip: 0.2,
    klEstimator: 'k1',
    klCoef: 0.01,
    klIn: 'reward',
    entropyCoef: 0,
    updateEpochs: 1,
    minibatches: 32,
    minibatchUnit: 'sequence',
    lossAggregation: 'token-mean-microbatch',
    microbatchSequences: 4,
    valueHeadScale: 1,
    actor: limrOptimizer,
    critic: { ...limrOptimizer, learningRate: 9e-6 },
  },
  lim: { signal: 'accuracy', compat: 'corrected', theta: 0.6, linearShare: 0.82 },
  evaluation: { prompts: 1000, samples: 4, temperature: 0.4, topP: 0.95 },
};
