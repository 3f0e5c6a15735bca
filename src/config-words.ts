// What the docstrings of a config say of its fields, by path. Written by npm run settings.
export const configWords: Readonly<Record<string, string>> = {
  adapter:
    'LoRA adapters that are trained beside the frozen model. If null or left out, all parameters of the model are trained.',
  'adapter.alpha': 'The scale is alpha / rank, or alpha / sqrt(rank) with `rslora`.',
  'adapter.rank': 'Rows of A and columns of B.',
  'adapter.rslora':
    'Rank-stabilised scale (Kalajdzievski 2023, arXiv:2312.03732); off when left out.',
  base: 'Pre-training of a drawn model; absent if the model comes from a folder.',
  'base.initialScale': 'Standard deviation of the initial matrices.',
  'base.optimizer.beta1': 'AdamW (LIMR: 0.9, 0.95, 1e-8, 0).',
  'base.optimizer.learningRate': 'Peak learning rate, per optimizer update.',
  'base.optimizer.maxGradNorm':
    "Global gradient norm above which gradients are scaled down (LIMR's code: 1).",
  'base.optimizer.minimumShare':
    'Floor of `cosine_with_min_lr` as a share of the peak (LIMR: 0.1).',
  'base.optimizer.schedule':
    'The course of the rate after warmup, over `horizonUpdates` (LIMR: cosine_with_min_lr with floor 0.1, whose horizon is so far off that the rate is constant).',
  'base.optimizer.warmupUpdates':
    'Optimizer updates of linear warmup. If there is a warmup, the first update has rate 0 (LIMR: 10).',
  'base.seed':
    'Seed of weights and corpus. It is fixed, so that all experiment seeds start from one base.',
  cacheStorage:
    'Storage of the keys and values of responses, in rollouts and evaluation. With `f16`, the sampling policy differs by that rounding from the policy whose log-probabilities PPO computes. f32 when left out.',
  'evaluation.prompts': 'Limit on the evaluated prompts of each held-out tier: its first prompts.',
  'evaluation.samples': 'Samples per prompt, in addition to the greedy answer (LIMR: 4).',
  'evaluation.temperature': 'Temperature and top-p of the samples (LIMR: 0.4 and 0.95).',
  'experiment.armLength': 'How long each selection is trained, in the unit of `budget`.',
  'experiment.budget':
    "Whether methods are compared at equal PPO iterations (`updates`) or at equal passes over each method's own prompts (`epochs`). `armLength`, `readouts` and `tableReadout` count in this unit. A read-out in epochs takes place after the iteration that completes them. So its number of iterations depends on the method: `iterationsFor` in `rollout-order.ts`.",
  'experiment.checkpointEvery': 'Iterations between checkpoints.',
  'experiment.epochs': 'Data epochs of the FULL pass, K: columns of the reward matrix.',
  'experiment.fullLength':
    'How long FULL is trained, in the unit of `budget`: at least its `epochs` data epochs, which alone enter the reward matrix. When left out, FULL ends with them.',
  'experiment.keepWeights':
    "Whether the run's folder keeps the trained weights of every method, and those of a drawn base. When left out, a run keeps them; a cell of a sweep keeps those of a given model alone.",
  'experiment.readouts':
    'When methods are evaluated, ascending, in addition to the end of each method. Fixed before the run.',
  'experiment.tableReadout': 'The read-out in the results table. Some method must reach it.',
  gradientCheckpointing:
    'Gradient checkpointing: pre-training and PPO keep only the input of each layer, and compute the other activations again in the backward pass. It takes less memory and more time, and gives the same numbers to the last bit (docs/growth.md measures both). Off when left out.',
  'lim.compat':
    'How missing entries are treated. `limr` fills and drops as the released script does.',
  'lim.count': 'Number of highest scores to keep. If given, theta is not used (LIMR: none).',
  'lim.linearShare':
    "Size of LINEAR as a share of LIM's size; our definition (paper's sizes: 1,138 / 1,389).",
  'lim.signal':
    "The recorded signal: share of right answers in [0, 1] (LIMR's code) or mean reward (its paper).",
  'lim.theta': 'The threshold: prompts that score at least this much are kept (LIMR: 0.6).',
  model: 'The model that training starts from: drawn and pre-trained here, or read from a folder.',
  'model.path': 'A folder on disk, or the name of a folder that a page keeps.',
  online: 'Settings of online methods; those that are left out have the defaults of their papers.',
  'online.dapo.rounds':
    'Most rounds of sampling in an iteration, from 1 to 100 (released recipe: 10).',
  'online.greso.easyShare':
    'Wanted share of groups that are all right (1/12), and all wrong (1/6): a quarter in all.',
  'online.greso.explore':
    'Exploration probability at the beginning (0.5), the least (0.05) and most (0.95) it becomes.',
  'online.greso.rounds':
    'Most rounds of sampling in an iteration, from 1 to 100 (as for DAPO: 10).',
  'online.greso.step': 'Change of the exploration probabilities after an iteration (0.01).',
  'online.lilo.memory':
    'Weight of earlier responses to a prompt at each new group, in [0, 1] (ours: 0.5).',
  'online.onlineLim.leastEpochs':
    'Data epochs before the pool may be narrowed, from 2 to 1000 (ours: 2).',
  'online.onlineLim.resamples':
    'Resampled matrices that the noise of the ranking is measured on, from 1 to 1000 (ours: 20).',
  'online.retire.accuracy':
    'Running accuracy from which a prompt is left out for good, in (0, 1] (paper: 0.9).',
  'online.speed.low':
    'The band that a pass rate must lie in, its ends left out, in [0, 1] (paper: 0 to 1).',
  'online.speed.rounds': 'Most rounds of screening in an iteration, from 1 to 100 (ours: 10).',
  'online.speed.screenShare':
    "Share of a group's responses that screen it, in (0, 1) (paper: 8 of 24).",
  'ppo.actor.beta1': 'AdamW (LIMR: 0.9, 0.95, 1e-8, 0).',
  'ppo.actor.learningRate': 'Peak learning rate, per optimizer update.',
  'ppo.actor.maxGradNorm':
    "Global gradient norm above which gradients are scaled down (LIMR's code: 1).",
  'ppo.actor.minimumShare': 'Floor of `cosine_with_min_lr` as a share of the peak (LIMR: 0.1).',
  'ppo.actor.schedule':
    'The course of the rate after warmup, over `horizonUpdates` (LIMR: cosine_with_min_lr with floor 0.1, whose horizon is so far off that the rate is constant).',
  'ppo.actor.warmupUpdates':
    'Optimizer updates of linear warmup. If there is a warmup, the first update has rate 0 (LIMR: 10).',
  'ppo.clipLow': 'Ratio clip (LIMR: 0.2 both ways).',
  'ppo.critic.beta1': 'AdamW (LIMR: 0.9, 0.95, 1e-8, 0).',
  'ppo.critic.learningRate': 'Peak learning rate, per optimizer update.',
  'ppo.critic.maxGradNorm':
    "Global gradient norm above which gradients are scaled down (LIMR's code: 1).",
  'ppo.critic.minimumShare': 'Floor of `cosine_with_min_lr` as a share of the peak (LIMR: 0.1).',
  'ppo.critic.schedule':
    'The course of the rate after warmup, over `horizonUpdates` (LIMR: cosine_with_min_lr with floor 0.1, whose horizon is so far off that the rate is constant).',
  'ppo.critic.warmupUpdates':
    'Optimizer updates of linear warmup. If there is a warmup, the first update has rate 0 (LIMR: 10).',
  'ppo.entropyCoef': 'Entropy bonus (LIMR: none).',
  'ppo.estimator': 'The estimator that turns rewards into advantages. Only `gae` needs a critic.',
  'ppo.gamma': "Discount per token (LIMR: 1) and GAE's lambda (LIMR: 0.95).",
  'ppo.klEstimator': 'KL to the base, as part of the reward (LIMR: k1, 0.01) or as a loss term.',
  'ppo.lossAggregation': 'How token losses are averaged (LIMR: token-mean-microbatch).',
  'ppo.microbatchSequences': 'Sequences of one micro-batch, for `token-mean-microbatch` (LIMR: 4).',
  'ppo.minibatchUnit':
    'The unit of minibatches: shuffled sequences, as in LIMR, or whole groups of one prompt, whose prompt is then computed once.',
  'ppo.minibatches': 'Optimizer updates per pass (LIMR: 32).',
  'ppo.oldLogprobs':
    'Where the log-probabilities of the policy that sampled come from: `pass` computes them before the first update (LIMR), `first-pass` takes those of the first update itself, which then must take the whole rollout; all ratios are 1, and there is no KL penalty. It saves a forward pass. `pass` when left out.',
  'ppo.rewardClamp':
    "Limit on the absolute value of a sequence's reward after its group's baseline (LIMR: 10).",
  'ppo.updateEpochs': 'Optimizer passes over a rollout (LIMR: 1).',
  'ppo.valueClip': 'Value clip (LIMR: 0.2).',
  'ppo.valueHeadScale':
    "Standard deviation of the critic's initial head, as a multiple of OpenRLHF's 1/(hidden + 1).",
  'ppo.whitenScale':
    'Whether whitening divides advantages by their deviation, or only centres them (LIMR: divides). The estimator decides whether to whiten: `gae` and both `reinforce++` do.',
  preset: 'The preset that the settings came from. The report lists the differences.',
  'rollout.logprobTemperature':
    'Temperature that divides the logits of all log-probabilities (LIMR: 1, though it sampled at 1.2).',
  'rollout.prompts': 'Prompts of one iteration (LIMR: 1,024).',
  'rollout.samples':
    'Responses per prompt (LIMR: 8). With fewer than 8, LIM scores are mostly luck.',
  'rollout.temperature': 'Sampling temperature (LIMR: 1.2). 0 would be greedy and is refused.',
  'rollout.topK': '0 keeps all tokens.',
  'task.arms': 'Arms to choose from, 2 to 10.',
  'task.difficulty': "How hard the pool's prompts are; `strata` when left out.",
  'task.difficulty.alpha': 'Both in [0.5, 10].',
  'task.formatErrorShare': 'Share of corpus solutions that end in `?` instead of `#`, in [0, 1).',
  'task.heldOutSkills':
    'Skills, such as `*7`, that no prompt of corpus, pool and tiers has, unlike those of the tier `OOD`. None when left out.',
  'task.lastBatch': 'What becomes of the last prompts of a data epoch. Default `drop`, as in LIMR.',
  'task.maxOperators':
    'Operators that fit into a prompt, 1 to 16: all prompts are padded to 2 maxOperators + 2 tokens.',
  'task.maxPromptTokens': 'Prompts with more tokens are left out.',
  'task.maxResponseTokens': 'Responses are cut at this length.',
  'task.modulus':
    'Digits are 0 to modulus - 1. Range: 2 to 10. A guess is right with chance 1 / modulus.',
  'task.outOfDistribution': 'The tier `OOD`; none when left out.',
  'task.poolPrompts': 'Distinct prompts in a pool.',
  'task.prompts': 'Distinct prompts, 1 to 26.',
  'task.reward': '`match`: only the right arm earns 1. `constant`: every response earns 1.',
  'task.stopStrings':
    'Texts that end a response. A response ends after the token that completes one of them.',
  'task.strata': 'The bands of a pool that is drawn in strata.',
  'task.system': 'The text of a system message, for prompts that have none of their own.',
  'task.template':
    "The chat template around prompts: `auto` (the default) is the model's own, if it has one; `none` is none; anything else is the path of a Jinja file.",
  'task.tierSeed': 'Seed of the tiers, which do not depend on the seed of a pool. Unsigned 32-bit.',
  'task.tiers': 'Without tiers, nothing is evaluated.',
  'task.trainedOperators':
    'Operators in the longest prompt of corpus, pool and tiers; `maxOperators` when left out. Prompts of the tier `OOD` may be longer.',
  'task.verifier':
    '`math` (the default), `math-eval`, `exact`, or the path of a module such as `./mine.js`.',
  'task.wrongKeyShare':
    'Share of pool prompts that get a wrong key in place of the right one, in [0, 1].',
  'task.wrongKeys': 'The kind of wrong keys; `random` when left out.',
  weightStorage:
    'Storage of the weight matrices of layers, in rollouts, PPO and evaluation. With `f16`, kernels read a copy rounded to f16, also for the frozen reference. Sums, gradients, optimizer, checkpoints and exports stay f32. Bases are pre-trained in f32. f32 when left out.',
};
