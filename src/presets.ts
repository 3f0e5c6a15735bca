import type { DrawnExperimentConfig, ExperimentConfig } from './config.ts';
import { limrDefaults, limrOptimizer } from './limr-defaults.ts';
import { arithmeticVariants } from './tasks/arithmetic-config.ts';
import { type DatasetConfig, datasetTask } from './tasks/dataset-config.ts';
import { defaultAdapter } from './vocabulary/adapters.ts';

/**
 * The constants of LIMR that change for tiny models. "Prototype" marks a number from a version of
 * this experiment in PyTorch, with a decoder of 103,954 parameters and three pools of its own. Such
 * a number is a starting point; nobody claims that it is the best.
 */
const smallScale = {
  ppo: {
    ...limrDefaults.ppo,
    // Prototype: 512 sequences in 4 optimizer updates. LIMR has 256 sequences an update, of 8,192.
    minibatches: 4,
    // Prototype. A whole group computes its prompt once: about 2.4 times less work, the same sums.
    minibatchUnit: 'group',
    // OpenRLHF's default since 0.11. Under LIMR's rule, a token's weight depends on how its
    // micro-batch was cut.
    lossAggregation: 'token-mean-step',
    // Prototype: a critic whose values all begin at 0.
    valueHeadScale: 0,
    // Prototype: 600 times LIMR's rate, for 10^5 instead of 10^10 weights. With 1e-3, the policy
    // lost its entropy and stayed lower (.70 against .76, one seed). Warmup: 5 rollouts of 4
    // optimizer updates.
    actor: { ...limrOptimizer, learningRate: 3e-4, warmupUpdates: 20, schedule: 'constant' },
    // Prototype.
    critic: { ...limrOptimizer, learningRate: 1e-3, warmupUpdates: 0, schedule: 'constant' },
  },
  // Prototype: 64 prompts of 8 samples, and log-probabilities of the policy that sampled. LIMR
  // sampled at 1.2 but computed log-probabilities at 1, so its ratios belong to another policy.
  rollout: { ...limrDefaults.rollout, prompts: 64, logprobTemperature: 1.2 },
} as const satisfies Partial<ExperimentConfig>;

const standard: DrawnExperimentConfig = {
  schema: 1,
  preset: 'standard',
  task: arithmeticVariants.E,
  model: {
    hiddenSize: 64,
    intermediateSize: 172,
    layers: 2,
    heads: 4,
    kvHeads: 4,
    headDim: 16,
    ropeTheta: 10_000,
    rmsNormEps: 1e-6,
    tieEmbeddings: true,
  },
  base: {
    seed: 1,
    updates: 700,
    sequencesPerUpdate: 128,
    initialScale: 0.08,
    optimizer: {
      ...limrOptimizer,
      learningRate: 3e-3,
      warmupUpdates: 50,
      schedule: 'cosine',
      horizonUpdates: 700,
    },
  },
  ...limrDefaults,
  ...smallScale,
  experiment: {
    epochs: 6,
    methods: ['full', 'lim', 'rand', 'linear'],
    budget: 'updates',
    armLength: 40,
    readouts: [10, 20, 30, 40, 60, 80, 100, 120],
    tableReadout: 40,
    checkpointEvery: 20,
  },
};

/**
 * The standard run with a wider model of the same proportions. At 128, standard's learning rates do
 * better than half of them: FULL .702 against .624 after 40 updates (one seed, llvmpipe).
 */
const wide = (preset: string, width: number): DrawnExperimentConfig => ({
  ...standard,
  preset,
  model: {
    ...standard.model,
    hiddenSize: width,
    // As in standard: 172 of 64.
    intermediateSize: (43 * width) / 16,
    headDim: width / standard.model.heads,
  },
});

/** Settings that differ in size only, never in code path. */
export const presets: Readonly<Record<string, DrawnExperimentConfig>> = {
  quick: {
    ...standard,
    preset: 'quick',
    task: {
      ...arithmeticVariants.E,
      poolPrompts: 160,
      // Easier than in E, so that the mean curve rises above LIM's bound in such a short pass.
      strata: {
        easy: { ...arithmeticVariants.E.strata.easy, share: 0.5 },
        learnable: arithmeticVariants.E.strata.learnable,
        hard: { ...arithmeticVariants.E.strata.hard, share: 0.15 },
      },
    },
    rollout: { ...standard.rollout, prompts: 32 },
    evaluation: { ...standard.evaluation, prompts: 50 },
    experiment: {
      ...standard.experiment,
      epochs: 5,
      armLength: 12,
      readouts: [6, 12, 18, 25],
      tableReadout: 12,
      // Seconds of work, as a tab may be closed at any time.
      checkpointEvery: 5,
    },
  },
  standard,
  // The standard run, repeated on several fresh pools.
  study: { ...standard, preset: 'study' },
  'standard-0.4m': wide('standard-0.4m', 128),
  // For a GPU: no base of it is shipped, and standard's learning rates were not measured at 256.
  'standard-1.6m': wide('standard-1.6m', 256),
  // Prompts of up to six operators, as in standard, in the width of eight: OOD has the longer ones.
  'standard-ood': {
    ...standard,
    preset: 'standard-ood',
    task: {
      ...arithmeticVariants.E,
      maxOperators: 8,
      trainedOperators: 6,
      outOfDistribution: { prompts: 200, minOperators: 7, maxOperators: 8 },
    },
  },
};

/** Passes over the prompts, unless a config says otherwise. */
const EPOCHS = 4;

/**
 * The settings of a run that starts from a pretrained model. The model has no default, and the
 * prompts of a task have none.
 */
export interface PretrainedPreset extends Omit<ExperimentConfig, 'task' | 'model' | 'base'> {
  readonly task?: DatasetConfig;
}

/** What a preset of pretrained models trains: adapters, or all parameters. */
export type Trained = 'lora' | 'full';

const lora: PretrainedPreset = {
  schema: 1,
  preset: 'pretrained',
  adapter: defaultAdapter,
  // Twice as many responses together. Old log-probabilities come from the trainer, not from here.
  cacheStorage: 'f16',
  ...limrDefaults,
  rollout: {
    ...limrDefaults.rollout,
    // LIMR rolls out 1,024 prompts at a time, on eight cards.
    prompts: 16,
    // LIMR samples at 1.2 and computes log-probabilities at 1, so its ratios belong to another
    // policy. At 1, both are those of the policy that is trained.
    temperature: 1,
  },
  ppo: {
    ...limrDefaults.ppo,
    // Shao et al. 2024, arXiv:2402.03300: without a critic there is one set of adapters to train.
    // `gae` is PPO as LIMR ran it.
    estimator: 'grpo',
    minibatches: 4,
    minibatchUnit: 'group',
    lossAggregation: 'token-mean-step',
    // TRL's rate for GRPO with LoRA (its PEFT guide): ten times its rate for all parameters, as
    // Schulman et al. 2025 found ("LoRA Without Regret").
    actor: { ...limrOptimizer, learningRate: 1e-5, schedule: 'constant' },
    // Ten times LIMR's.
    critic: { ...limrOptimizer, learningRate: 9e-5, schedule: 'constant' },
  },
  experiment: {
    epochs: EPOCHS,
    methods: ['full'],
    // The size of a pool is not known before its file is open, so lengths count in epochs.
    budget: 'epochs',
    armLength: EPOCHS,
    readouts: Array.from({ length: EPOCHS }, (_, i) => i + 1),
    tableReadout: EPOCHS,
    checkpointEvery: 5,
  },
};

/** The same settings for all parameters, at LIMR's learning rates. */
const full = (settings: PretrainedPreset): PretrainedPreset => ({
  ...settings,
  adapter: null,
  ppo: { ...settings.ppo, actor: limrDefaults.ppo.actor, critic: limrDefaults.ppo.critic },
});

const byTrained = (settings: PretrainedPreset): Readonly<Record<Trained, PretrainedPreset>> => ({
  // The frozen base takes half the memory. Adapters are f32.
  lora: { ...settings, weightStorage: 'f16' },
  full: full(settings),
});

/**
 * The paper's study on problems of mathematics, in a size that one card takes: FULL, then LIM and
 * as many prompts at random, each from the same base. examples/maths says what it costs.
 *
 * @param sizes.prompts Prompts of a rollout.
 */
const maths = (
  preset: string,
  sizes: { readonly epochs: number; readonly prompts: number; readonly responseTokens: number },
): PretrainedPreset => {
  const { epochs, prompts, responseTokens } = sizes;
  return {
    ...lora,
    preset,
    // 99 % of the 8,523 prompts of LIMR's pool have at most 466 tokens of Qwen's tokenizer.
    task: {
      name: datasetTask,
      verifier: 'math',
      maxPromptTokens: 512,
      maxResponseTokens: responseTokens,
      lastBatch: 'drop',
    },
    rollout: { ...lora.rollout, prompts },
    experiment: {
      ...lora.experiment,
      epochs,
      methods: ['full', 'lim', 'rand'],
      armLength: epochs,
      readouts: Array.from({ length: epochs }, (_, i) => i + 1),
      tableReadout: epochs,
    },
  };
};

/** The preset of configs whose model comes from a folder and that name no other. */
export const PRETRAINED = 'pretrained';

/** The settings of `pretrained`, by what they train. */
export const pretrained: Readonly<Record<Trained, PretrainedPreset>> = byTrained(lora);

/**
 * The settings of runs that start from a pretrained model, by preset and by what they train. LIMR's
 * constants hold where nothing else is said, and its learning rates where all parameters are
 * trained.
 */
export const pretrainedPresets: Readonly<
  Record<string, Readonly<Record<Trained, PretrainedPreset>>>
> = {
  [PRETRAINED]: pretrained,
  'maths-evening': byTrained(
    maths('maths-evening', { epochs: 6, prompts: 16, responseTokens: 384 }),
  ),
  'maths-weekend': byTrained(
    maths('maths-weekend', { epochs: 8, prompts: 32, responseTokens: 512 }),
  ),
};

/** Default seeds of each preset. They are fresh: the settings were found with other seeds. */
export const presetSeeds: Readonly<Record<string, readonly number[]>> = {
  quick: [1],
  standard: [1],
  study: [101, 102, 103, 104, 105],
  'standard-0.4m': [1],
  'standard-1.6m': [1],
  'standard-ood': [1],
  pretrained: [1],
  'maths-evening': [1],
  'maths-weekend': [1],
};
