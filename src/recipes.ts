// The recipes of the paper's table 1 (Li, Zou and Liu 2025, arXiv:2502.11886) as settings, each with
// the source that it was read in. `limr recipes` prints them.
import { ConfigError } from './config-error.ts';
import { limrDefaults, limrOptimizer } from './limr-defaults.ts';
import type { PretrainedPreset } from './presets.ts';
import { datasetTask } from './tasks/dataset-config.ts';

/** A part of some settings. */
type Part<Whole> = Whole extends readonly unknown[]
  ? Whole
  : Whole extends object
    ? { readonly [Key in keyof Whole]?: Part<NonNullable<Whole[Key]>> }
    : Whole;

/** The parts of a preset that recipes set. */
type OwnParts = Pick<PretrainedPreset, 'task' | 'rollout' | 'ppo' | 'experiment' | 'lim'>;

/** Settings of a recipe, as far as they are of the recipe. */
type RecipeSettings = Part<OwnParts>;

/** Settings, and the file or page that says them. */
export interface SourcedSettings {
  readonly source: string;
  readonly settings: RecipeSettings;
}

/** A row of the paper's table 1. */
export interface Recipe {
  /** The preset of its settings. */
  readonly name: string;
  /** As the paper writes it. */
  readonly label: string;
  /** The paper's columns: kind of the initial model, whether long chains of thought were distilled into it, questions. */
  readonly initialModel: 'Base' | 'Instruct';
  readonly distilled: boolean;
  readonly questions: number;
  /** The model that its script starts from, in the form ORG/NAME; what is known of it otherwise. */
  readonly model: string;
  /** Empty for a recipe that has no settings here. Later parts replace earlier ones. */
  readonly fields: readonly SourcedSettings[];
  /** What of the recipe this program does otherwise or not at all, in sentences. */
  readonly differs: readonly string[];
}

/** Values that no source gives, by recipe: those of LIMR's code. */
const ofLimr = 'not said by the sources that were read: as LIMR';

/** Command-line defaults and code of the OpenRLHF that a repository brings. */
const openRlhf = (source: string): SourcedSettings => ({
  source,
  settings: {
    rollout: { logprobTemperature: 1, topK: 0, topP: 1, minP: 0 },
    ppo: {
      rewardClamp: 10,
      gamma: 1,
      gaeLambda: 0.95,
      clipLow: 0.2,
      clipHigh: 0.2,
      valueClip: 0.2,
      klEstimator: 'k1',
      klIn: 'reward',
      entropyCoef: 0,
      updateEpochs: 1,
      minibatchUnit: 'sequence',
      whitenScale: true,
      valueHeadScale: 1,
      actor: limrOptimizer,
      critic: { ...limrOptimizer, learningRate: 9e-6 },
    },
  },
});

/** Configs and code of the verl that a repository brings. */
const verl = (source: string): SourcedSettings => {
  const optimizer = {
    learningRate: 1e-6,
    warmupUpdates: 0,
    schedule: 'constant',
    horizonUpdates: 1,
    minimumShare: 0,
    beta1: 0.9,
    beta2: 0.999,
    epsilon: 1e-8,
    weightDecay: 0.01,
    maxGradNorm: 1,
  } as const;
  return {
    source,
    settings: {
      rollout: { topK: 0, topP: 1, minP: 0 },
      ppo: {
        gamma: 1,
        gaeLambda: 1,
        clipLow: 0.2,
        clipHigh: 0.2,
        valueClip: 0.5,
        entropyCoef: 0.001,
        updateEpochs: 1,
        minibatchUnit: 'sequence',
        actor: optimizer,
        critic: { ...optimizer, learningRate: 1e-5 },
      },
    },
  };
};

/** Settings of parts that a recipe without a critic, or with whole-step sums, does not use. */
const unused = (settings: RecipeSettings): SourcedSettings => ({
  source: 'not used by this recipe: as LIMR',
  settings,
});

const rewardDiffers = (theirs: string): string =>
  `The verifier pays 1 for right, -0.5 for wrong and -1 for unformatted answers; the recipe pays ${theirs}.`;

const limrScript = 'github.com/GAIR-NLP/LIMR at 98ebf1b, scripts/train_limr.sh';
const simpleRlScript =
  'github.com/hkust-nlp/simpleRL-reason, branch v0 at 2702a87, train/examples/script/train_ppo_qwen_base_math_lv35_new.sh';
const stillScript =
  'github.com/RUCAIBox/Slow_Thinking_with_LLMs at 834e1b7, OpenRLHF-STILL/dpsk1_5b-4nodes-grpo.sh';
const deepScaler = 'github.com/agentica-project/deepscaler at 95ef74f';
const skyThought = 'github.com/NovaSky-AI/SkyThought at 0d190f1, skythought/skythought-rl';
const t1Summary =
  'a summary of Hou et al. 2025, arXiv:2501.11651, at papers.lunadong.com/paper/11340; the paper itself was not read';

const limr: Recipe = {
  name: 'limr',
  label: 'LIMR',
  initialModel: 'Base',
  distilled: false,
  questions: 1389,
  model: 'Qwen/Qwen2.5-Math-7B',
  fields: [
    {
      source: `${limrScript}, and the defaults of its OpenRLHF`,
      settings: {
        task: { maxPromptTokens: 1024, maxResponseTokens: 3072, lastBatch: 'drop' },
        rollout: limrDefaults.rollout,
        ppo: limrDefaults.ppo,
      },
    },
    {
      source: 'github.com/GAIR-NLP/LIMR at 98ebf1b, lim/lim.sh',
      settings: {
        experiment: { epochs: 21, methods: ['full', 'lim', 'rand', 'linear'] },
        lim: limrDefaults.lim,
      },
    },
  ],
  differs: [
    'LINEAR is our definition: its authors published none.',
    'Answers are compared by our own rules, not by sympy.',
  ],
};

const simpleRl: Recipe = {
  name: 'simplerl',
  label: 'SimpleRL',
  initialModel: 'Base',
  distilled: false,
  questions: 8523,
  model: 'Qwen/Qwen2.5-Math-7B',
  fields: [
    openRlhf(`${simpleRlScript}: defaults of train/openrlhf/cli/train_ppo_ray_box.py`),
    {
      source: simpleRlScript,
      settings: {
        task: { maxPromptTokens: 1024, maxResponseTokens: 3000 },
        rollout: { prompts: 1024, samples: 8, temperature: 0.6 },
        // 1,024 prompts × 8 samples in batches of 128.
        ppo: {
          estimator: 'gae',
          klCoef: 0.01,
          minibatches: 64,
          microbatchSequences: 2,
          actor: { learningRate: 5e-7 },
          critic: { learningRate: 9e-6 },
        },
        experiment: { epochs: 20, methods: ['full'] },
      },
    },
    {
      source: `${simpleRlScript}: train/openrlhf/models/loss.py, trainer/ray/ppo_actor.py`,
      settings: {
        ppo: {
          lossAggregation: 'sequence-mean',
          // 3 % of 20 × (8,523 × 8 / 128) updates.
          actor: { warmupUpdates: 320, horizonUpdates: 10_640 },
          critic: { warmupUpdates: 320, horizonUpdates: 10_640 },
        },
      },
    },
    { source: ofLimr, settings: { task: { lastBatch: 'drop' }, lim: limrDefaults.lim } },
  ],
  differs: [
    'The prompts are to bring the Qwen template of math_level3to5_data_processed_with_qwen_prompt.json themselves.',
    'Answers are compared by our own rules, not by the Qwen evaluation toolkit.',
  ],
};

const still3: Recipe = {
  name: 'still-3',
  label: 'STILL-3',
  initialModel: 'Instruct',
  distilled: true,
  questions: 29_925,
  model: 'deepseek-ai/DeepSeek-R1-Distill-Qwen-1.5B',
  fields: [
    openRlhf(`${stillScript}: defaults of openrlhf/cli/train_ppo_ray.py`),
    {
      source: stillScript,
      settings: {
        task: { maxPromptTokens: 1024, maxResponseTokens: 29_000 },
        rollout: { prompts: 128, samples: 8, temperature: 1 },
        // 128 prompts × 8 samples in batches of 512.
        ppo: {
          estimator: 'grpo',
          klCoef: 0.001,
          minibatches: 2,
          microbatchSequences: 1,
          actor: { learningRate: 2e-6, warmupUpdates: 0 },
        },
      },
    },
    {
      source: `${stillScript}: openrlhf/models/loss.py, trainer/ray/ppo_actor.py`,
      settings: {
        ppo: {
          lossAggregation: 'sequence-mean',
          // 10,000 × (29,925 × 8 / 512) updates: so far off that the rate is constant.
          actor: { horizonUpdates: 4_670_000 },
        },
      },
    },
    {
      source:
        'no end of the training is said (10,000 episodes are a bound): as many passes as `maths-weekend`',
      settings: { experiment: { epochs: 8, methods: ['full'] } },
    },
    { source: ofLimr, settings: { task: { lastBatch: 'drop' }, lim: limrDefaults.lim } },
  ],
  differs: [
    'The reward for short right answers (--use_length_reward_in_efficiency) is not done.',
    rewardDiffers('1 for right and -1 for other answers'),
  ],
};

const deepScaleR: Recipe = {
  name: 'deepscaler',
  label: 'DeepScaleR',
  initialModel: 'Instruct',
  distilled: true,
  questions: 40_314,
  model: 'deepseek-ai/DeepSeek-R1-Distill-Qwen-1.5B',
  fields: [
    verl(
      `${deepScaler}, verl/verl/trainer/config/ppo_trainer.yaml, verl/verl/workers/fsdp_workers.py`,
    ),
    {
      source: `${deepScaler}, scripts/train/run_deepscaler_1.5b_8k.sh, run_deepscaler_1.5b_24k.sh`,
      settings: {
        task: { maxPromptTokens: 1024, maxResponseTokens: 24_576 },
        rollout: { prompts: 128, samples: 8, temperature: 0.6 },
        ppo: {
          estimator: 'grpo',
          klEstimator: 'k3',
          klCoef: 0.001,
          klIn: 'loss',
          // 128 prompts in minibatches of 64.
          minibatches: 2,
          actor: { learningRate: 1e-6 },
        },
        experiment: { epochs: 30, methods: ['full'] },
      },
    },
    {
      source: `${deepScaler}, README.md, figure 1: 16K from step 1,040 on, 24K from step 1,520 on`,
      settings: {
        rollout: {
          responseLengths: [
            { from: 0, tokens: 8192 },
            { from: 1040, tokens: 16_384 },
            { from: 1520, tokens: 24_576 },
          ],
        },
      },
    },
    {
      source: `${deepScaler}, verl/verl/workers/actor/dp_actor.py: logits are divided by the temperature`,
      settings: { rollout: { logprobTemperature: 0.6 } },
    },
    {
      source:
        'verl averages over micro-batches of at most 32,768 tokens on each card; the mean over all tokens of a step stands in for it',
      settings: { ppo: { lossAggregation: 'token-mean-step' } },
    },
    unused({
      ppo: { rewardClamp: 10, whitenScale: true, microbatchSequences: 4, valueHeadScale: 1 },
    }),
    { source: ofLimr, settings: { task: { lastBatch: 'drop' }, lim: limrDefaults.lim } },
  ],
  differs: [
    'From step 1,040 on the recipe samples 16 responses to a prompt; here it stays at 8.',
    'Each length began as a run of its own, from the weights of the last, which were then the reference too; here one run goes on with optimizer and reference.',
    rewardDiffers('1 for right and 0 for other answers'),
  ],
};

const skyT1: Recipe = {
  name: 'sky-t1',
  label: 'Sky-T1',
  initialModel: 'Instruct',
  distilled: true,
  questions: 45_000,
  model: 'deepseek-ai/DeepSeek-R1-Distill-Qwen-7B',
  fields: [
    verl(`${skyThought}/verl/trainer/config/ppo_trainer.yaml, verl/workers/fsdp_workers.py`),
    {
      source: `${skyThought}/examples/sky-t1/run-sky-t1-mini.sh`,
      settings: {
        task: { maxPromptTokens: 1024, maxResponseTokens: 8192 },
        rollout: { prompts: 256, samples: 4 },
        ppo: {
          estimator: 'grpo',
          klCoef: 0,
          entropyCoef: 0,
          minibatches: 1,
          microbatchSequences: 1,
          actor: { learningRate: 5e-7 },
        },
        experiment: { epochs: 2, methods: ['full'] },
      },
    },
    {
      source: `${skyThought}/verl/trainer/config/ppo_trainer.yaml: rollout.temperature, kl_penalty`,
      settings: {
        rollout: { temperature: 1, logprobTemperature: 1 },
        ppo: { klEstimator: 'k1', klIn: 'reward' },
      },
    },
    {
      source: `${skyThought}/verl/trainer/ppo/core_algos.py: the mean of a micro-batch, which is one sequence`,
      settings: { ppo: { lossAggregation: 'token-mean-microbatch' } },
    },
    unused({ ppo: { rewardClamp: 10, whitenScale: true, valueHeadScale: 1 } }),
    { source: ofLimr, settings: { task: { lastBatch: 'drop' }, lim: limrDefaults.lim } },
  ],
  differs: [
    'This is the RL of Sky-T1-mini, the one script that starts from a distilled model; the page that the paper cites (Sky-T1-32B-Preview) tells of supervised training alone.',
    rewardDiffers('1 for right and 0 for other answers'),
  ],
};

const thudmT1: Recipe = {
  name: 'thudm-t1',
  label: 'THUDM-T1',
  initialModel: 'Instruct',
  distilled: false,
  questions: 30_000,
  model:
    'GLM-4-9B, Qwen2.5-14B and Qwen2.5-32B after supervised training of its own (github.com/THUDM/T1)',
  fields: [
    {
      source: `${t1Summary}: all settings that no other line names are LIMR's, for want of a source`,
      settings: {
        task: { maxPromptTokens: 1024, maxResponseTokens: 3072, lastBatch: 'drop' },
        rollout: limrDefaults.rollout,
        ppo: limrDefaults.ppo,
        experiment: { epochs: 8, methods: ['full'] },
        lim: limrDefaults.lim,
      },
    },
    {
      source: `${t1Summary}: RLOO, 64 responses to a prompt, temperature 1.2`,
      settings: {
        rollout: { samples: 64, temperature: 1.2, logprobTemperature: 1.2 },
        ppo: { estimator: 'rloo' },
      },
    },
    {
      source:
        'no source for the size of a rollout: so few prompts that there are as many responses as in LIMR',
      settings: { rollout: { prompts: 128 } },
    },
  ],
  differs: [
    'Learning rate, lengths, batch sizes and the coefficients of KL and entropy were not read: they are LIMR’s.',
    'The moving average of the policy as reference is not done: the reference is the initial model.',
    'Penalties for repetition and for garbled text are not done.',
  ],
};

const prime: Recipe = {
  name: 'prime',
  label: 'PRIME',
  initialModel: 'Instruct',
  distilled: false,
  questions: 150_000,
  model: 'PRIME-RL/Eurus-2-7B-SFT (github.com/PRIME-RL/PRIME)',
  fields: [],
  differs: [
    'Not done: PRIME learns from process rewards of a second model that is trained along (implicit process reward), which this program has not.',
  ],
};

/** The rows of the paper's table 1, in its order. */
export const recipes: readonly Recipe[] = [
  still3,
  deepScaleR,
  skyT1,
  thudmT1,
  prime,
  simpleRl,
  limr,
];

/** Merges objects; other values replace. */
function merged(base: unknown, over: unknown): unknown {
  const isObject = (value: unknown): value is Record<string, unknown> =>
    typeof value === 'object' && value !== null && !Array.isArray(value);
  if (!isObject(base) || !isObject(over)) return over;
  const names = new Set([...Object.keys(base), ...Object.keys(over)]);
  return Object.fromEntries(
    [...names].map((name) => [name, name in over ? merged(base[name], over[name]) : base[name]]),
  );
}

/**
 * The settings of the recipe that a preset is named after; undefined for another preset.
 *
 * @param where The config that asks, for messages.
 * @throws ConfigError for a recipe that has no settings here.
 */
export function recipePreset(preset: string, where: string): PretrainedPreset | undefined {
  const recipe = recipes.find(({ name }) => name === preset);
  if (!recipe) return undefined;
  if (recipe.fields.length > 0) return recipeSettings(recipe);
  throw new ConfigError(
    `${where}: the recipe ${recipe.label} is no preset. ${recipe.differs.join(' ')}`,
  );
}

/** The settings of a recipe that has some, for all parameters: none of the recipes trains adapters. */
export function recipeSettings({ name, fields }: Recipe): PretrainedPreset {
  const own = fields.reduce<unknown>((all, { settings }) => merged(all, settings), {
    task: { name: datasetTask, verifier: 'math' },
  }) as OwnParts;
  const { epochs, methods } = own.experiment;
  const readouts = Array.from({ length: epochs }, (_, i) => i + 1);
  return {
    schema: 1,
    preset: name,
    adapter: null,
    ...own,
    experiment: {
      epochs,
      methods,
      budget: 'epochs',
      armLength: epochs,
      readouts,
      tableReadout: epochs,
      checkpointEvery: 5,
    },
    evaluation: limrDefaults.evaluation,
  };
}
