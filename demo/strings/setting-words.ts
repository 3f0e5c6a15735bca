// What each setting of the form does, in one sentence: its unit, and when one would change it. Settings
// that are alike share a sentence: those of the three optimizers, and of the three strata.
import { translated } from './translated.ts';

const english = {
  sentences: {
    gradientCheckpointing:
      'Whether layers are computed a second time in the backward pass instead of being kept: less memory, more time, the same numbers; for models that do not fit.',
    weightStorage:
      'Precision in which layers read their weights: f16 halves their memory and rounds them, f32 is exact; f32 when left out.',
    cacheStorage:
      'Precision of the keys and values that are kept while answers are sampled: f16 halves that memory and samples a little differently; f32 when left out.',
    'task.modulus':
      'Number of digits, 0 to modulus − 1: with fewer of them a guess is right more often.',
    'task.maxOperators':
      'Most operators of a problem; every prompt is padded to this length, so longer ones cost time.',
    'task.trainedOperators':
      'Most operators of the problems that are trained on; below the maximum, longer ones are left to test whether the model generalises.',
    'task.heldOutSkills':
      'Pairs of operator and digit, such as *7, that no training problem has; with them one sees whether unseen skills are learnt too.',
    'task.skills.by':
      'Whether the base knows each pair of operator and digit to its own degree, or each operator.',
    'task.skills.easiest':
      'Chance that the base gets a step of its best skill right; lower it for a weaker base.',
    'task.skills.hardest':
      'Chance that the base gets a step of its worst skill right; near the best, all problems are about as hard.',
    'task.skills.curve':
      'How the skills fall from the best to the worst: 1 evenly, above 1 most of them stay good.',
    'task.skills.seed':
      'Number that decides which skills are the good ones; another number makes another base.',
    'task.skills.plus': 'Chance that the base gets an addition right.',
    'task.skills.minus': 'Chance that the base gets a subtraction right.',
    'task.skills.times': 'Chance that the base gets a multiplication right.',
    'task.formatErrorShare':
      'Share of the texts that the base learns from which end in the wrong form; raise it to watch training repair the form first.',
    'task.poolPrompts':
      'Number of different problems in the pool; more of them make scores finer and runs longer.',
    'task.difficulty':
      'How hard the problems are, as JSON: drawn from the three strata, or spread evenly over all chances of success; strata when left out.',
    'stratum.share': 'Share of the pool that this stratum makes up; the three shares add up to 1.',
    'stratum.above':
      'Problems of this stratum are solved by the base more often than this; −1 lets all in.',
    'stratum.below':
      'Problems of this stratum are solved by the base less often than this; 2 lets all in.',
    'stratum.minOperators': 'Fewest operators of a problem of this stratum.',
    'stratum.maxOperators': 'Most operators of a problem of this stratum.',
    'task.wrongKeyShare':
      'Share of the problems whose answer key is wrong; raise it to see which method avoids noisy data.',
    'task.wrongKeys':
      'Whether a wrong key is any other digit, or always the result of the same mistake, which a model can learn; random when left out.',
    'task.tiers':
      'Test problems that nobody trains on, as JSON: how many, how long, how hard; without any, nothing is evaluated.',
    'task.outOfDistribution.prompts':
      'Number of test problems that are longer, or need other skills, than all training problems.',
    'task.outOfDistribution.minOperators': 'Fewest operators of such a test problem.',
    'task.outOfDistribution.maxOperators': 'Most operators of such a test problem.',
    'task.tierSeed':
      'Number that the test problems are drawn with; they stay the same whatever the run’s seed.',
    'task.prompts': 'Number of different prompts, each a letter.',
    'task.arms': 'Number of answers to choose from; with more of them a guess is right less often.',
    'task.reward':
      'Whether the right arm alone is paid, or every answer: constant pay teaches nothing and shows the noise.',
    'model.hiddenSize':
      'Width of the model in numbers per token, a multiple of 4; doubling it about quadruples weights and time.',
    'model.intermediateSize':
      'Width of the inner layer of each block, usually two to four times that of the model.',
    'model.layers': 'Number of blocks one after another; each adds depth, weights and time.',
    'model.heads': 'Number of attention heads of a block.',
    'model.kvHeads':
      'Number of heads for keys and values, a divisor of the heads; fewer of them save memory.',
    'model.headDim': 'Numbers per head, a multiple of 4.',
    'model.ropeTheta':
      'Base of the rotation that encodes positions; larger for longer texts, 10,000 is usual.',
    'model.rmsNormEps':
      'Small number that keeps the normalisation from dividing by zero; there is hardly a reason to change it.',
    'model.tieEmbeddings':
      'Whether the table that reads tokens also writes them, which saves weights of a small model.',
    'adapter.rank':
      'Rank of the LoRA matrices; higher ones can learn more and take more memory, 8 to 64 are usual.',
    'adapter.alpha':
      'Strength of the adapters: they are scaled by alpha / rank, so twice the rank is usual.',
    'adapter.rslora':
      'Whether the scale is alpha / √rank, which keeps high ranks stable; off when left out.',
    'adapter.targets': 'Matrices of each layer that get an adapter, as a JSON list; all is usual.',
    'base.seed':
      'Number that the untrained model and its texts are drawn with; the same for all seeds of a run, so that they share a base.',
    'base.updates':
      'Updates of pre-training before reinforcement learning begins; more of them make a stronger base.',
    'base.sequencesPerUpdate': 'Texts in one update of pre-training.',
    'base.initialScale':
      'Spread of the random weights that pre-training begins with; 0.02 is usual, small models bear more.',
    'optimizer.learningRate':
      'Size of a step of the optimizer at its peak; too large makes training collapse, too small makes it slow.',
    'optimizer.warmupUpdates': 'Updates in which the rate rises from 0 to its peak (LIMR: 10).',
    'optimizer.schedule':
      'How the rate goes on after the warmup: constant, or falling along a cosine.',
    'optimizer.horizonUpdates':
      'Updates in which a falling rate reaches its floor; far beyond the run, the rate stays constant.',
    'optimizer.minimumShare': 'Floor of a falling rate, as a share of its peak (LIMR: 0.1).',
    'optimizer.beta1': 'AdamW’s memory of past gradients, from 0 for none (LIMR: 0.9).',
    'optimizer.beta2':
      'AdamW’s memory of the size of past gradients; nearer to 1 is steadier and slower to adapt (LIMR: 0.95).',
    'optimizer.epsilon':
      'Small number that keeps AdamW from dividing by zero; there is hardly a reason to change it (LIMR: 1e-8).',
    'optimizer.weightDecay': 'Pull of the weights towards 0 at each step (LIMR: 0, none).',
    'optimizer.maxGradNorm':
      'Longest gradient that is taken as it is; longer ones are shortened to it, which tames outliers (LIMR: 1).',
    'rollout.prompts':
      'Prompts that are answered before the model is updated once more (LIMR: 1,024).',
    'rollout.samples':
      'Answers to each prompt (LIMR: 8); with fewer, LIM’s scores are mostly luck, with more, everything takes longer.',
    'rollout.temperature':
      'How boldly answers are sampled: below 1 safer, above 1 more varied (LIMR: 1.2).',
    'rollout.logprobTemperature':
      'Temperature at which probabilities are computed for the update; equal to that of sampling, the update sees what was sampled (LIMR: 1).',
    'rollout.topK': 'Most probable tokens that sampling chooses among; 0 takes all.',
    'rollout.topP':
      'Share of probability that sampling chooses among, the most probable tokens first; 1 takes all.',
    'rollout.minP':
      'Tokens are left out whose probability is less than this share of the most probable one’s; 0 takes all.',
    'rollout.responseLengths':
      'Limits on answers that grow while a method trains, as JSON: each has the update it holds from, and tokens; the task’s limit when left out.',
    'ppo.rewardClamp':
      'Largest reward in either direction; larger ones are cut to it (LIMR: 10, also when left out).',
    'ppo.whitenScale':
      'Whether advantages are brought to the same spread, or only to a mean of 0 (LIMR: same spread, also when left out).',
    'ppo.estimator':
      'How rewards become advantages; gae trains a critic beside the model, the others compare the answers to a prompt or of a batch.',
    'ppo.gamma':
      'How much of a later reward counts one token earlier; 1 counts all of it, and group methods need 1.',
    'ppo.gaeLambda':
      'How far GAE trusts rewards rather than the critic: 1 rewards alone, which is noisier, 0 the critic (LIMR: 0.95).',
    'ppo.clipLow':
      'How far the probability of a bad token may fall in one update before the clip ends it (LIMR: 0.2).',
    'ppo.clipHigh':
      'How far the probability of a good token may rise in one update before the clip ends it (LIMR: 0.2); larger keeps rare tokens alive.',
    'ppo.valueClip':
      'How far the critic’s value of a token may move in one update before the clip ends it (LIMR: 0.2).',
    'ppo.klEstimator':
      'Formula for the distance to the base: k1 is unbiased and noisy, k3 steadier (LIMR: k1).',
    'ppo.klCoef':
      'Price of moving away from the base; higher keeps the model closer to it, 0 lets it go (LIMR: 0.01).',
    'ppo.klIn': 'Whether that price is taken off the reward, or added to the loss (LIMR: reward).',
    'ppo.entropyCoef':
      'Bonus for undecided predictions; a little keeps answers varied, 0 is none (LIMR: none).',
    'ppo.oldLogprobs':
      'Whether the sampling probabilities are computed in a pass of their own, or taken from the first update, which saves time where a rollout is one update.',
    'ppo.updateEpochs':
      'Passes over the same answers before new ones are sampled (LIMR: 1); more use them better and stray further.',
    'ppo.minibatches': 'Updates that one pass is split into (LIMR: 32).',
    'ppo.minibatchUnit':
      'Whether an update takes shuffled answers, or all answers to a prompt together, which is faster (LIMR: answers).',
    'ppo.lossAggregation':
      'How the losses of tokens are averaged: over tokens, or over answers first, so that long ones do not weigh more.',
    'ppo.microbatchSequences':
      'Answers whose tokens are averaged together when the loss is averaged per micro-batch (LIMR: 4).',
    'ppo.valueHeadScale':
      'Spread of the critic’s first weights, as a multiple of the usual one; 0 begins with values of 0.',
    'lim.signal':
      'What the reward matrix holds: the share of right answers, or the mean reward, which also counts form.',
    'lim.compat':
      'Whether gaps in the matrix are treated correctly, or as LIMR’s released script does, to compare with its numbers.',
    'lim.theta':
      'Score from which LIM keeps a prompt (LIMR: 0.6); higher keeps fewer prompts that are closer to the mean curve.',
    'lim.count': 'Number of prompts with the highest scores that LIM keeps instead of using theta.',
    'lim.linearShare': 'Number of prompts that LINEAR keeps, as a share of LIM’s.',
    'online.dapo.rounds':
      'Most rounds of sampling in an iteration until enough prompts have mixed answers (released recipe: 10).',
    'online.lilo.memory':
      'Weight of earlier answers to a prompt when its chance is estimated; 0 forgets them.',
    'online.greso.explore':
      'Chance at the beginning that a prompt is tried although it is likely to teach nothing.',
    'online.greso.exploreLeast': 'Least value that this chance falls to.',
    'online.greso.exploreMost': 'Greatest value that this chance rises to.',
    'online.greso.step': 'Change of that chance after each iteration.',
    'online.greso.easyShare':
      'Share of prompts that may be all right; above it, fewer such are tried.',
    'online.greso.hardShare':
      'Share of prompts that may be all wrong; above it, fewer such are tried.',
    'online.greso.rounds': 'Most rounds of sampling in an iteration until it is full.',
    'online.retire.accuracy':
      'Share of right answers from which a prompt is left out for good (paper: 0.9).',
    'online.speed.screenShare':
      'Share of a prompt’s answers that are sampled first, to see whether the rest is worth it.',
    'online.speed.low': 'Prompts go on only if a larger share of those answers is right.',
    'online.speed.high': 'Prompts go on only if a smaller share of those answers is right.',
    'online.speed.rounds': 'Most rounds of screening in an iteration.',
    'online.onlineLim.leastEpochs': 'Passes over the pool before LIM may narrow it.',
    'online.onlineLim.resamples':
      'Redrawn matrices from which the noise of the ranking is measured; more are steadier and slower.',
    'sft.data':
      'File of the answers that the method SFT learns from, with their prompts; a run that this page starts has none.',
    'sft.length':
      'How long SFT trains, counted as the other methods are; as long as they do when left out.',
    'sft.sequences':
      'Answers of an SFT update; more of them make its steps steadier (8 when left out).',
    'sft.maxTokens':
      'Longest answer with its prompt that SFT learns, in tokens; as long as the task’s own when left out.',
    'sft.learningRate': 'Step size of SFT; 1e-5 when left out, and 2e-4 of adapters.',
    'sft.warmupUpdates': 'Updates of SFT over which its step size rises from 0.',
    'sft.schedule': 'Course of SFT’s step size after the warmup; constant when left out.',
    'experiment.epochs':
      'Passes of FULL over the whole pool: the columns of the reward matrix; with few, curves are too short to score.',
    'experiment.methods': 'Methods that are trained and compared, as a JSON list.',
    'experiment.budget':
      'Whether methods are compared after equally many updates, or after equally many passes over their own prompts.',
    'experiment.armLength': 'How long each selection is trained, in the unit of the budget.',
    'experiment.fullLength':
      'How long FULL is trained, in the unit of the budget; when left out, until its passes are done.',
    'experiment.readouts':
      'Points at which every method is evaluated, as a JSON list in the unit of the budget.',
    'experiment.tableReadout': 'The evaluation that the table of results shows.',
    'experiment.checkpointEvery':
      'Iterations between two checkpoints; fewer lose less work when a tab is closed.',
    'experiment.keepWeights':
      'Whether trained weights are kept with the run, so that one can ask its models later; they are when left out.',
    'evaluation.prompts':
      'Most test problems of each tier that are asked; more give narrower intervals.',
    'evaluation.samples':
      'Sampled answers to each test problem, beside the most probable one (LIMR: 4).',
    'evaluation.temperature': 'How boldly those answers are sampled (LIMR: 0.4).',
    'evaluation.topP': 'Share of probability that those answers are sampled from (LIMR: 0.95).',
  },
};

export type SettingWords = typeof english;

export const settingWords = translated(english, {
  de: () => import('./de/setting-words.ts'),
  zh: () => import('./zh/setting-words.ts'),
});
