import * as v from 'valibot';
import { ConfigError } from './config-error.ts';
import { issueText } from './config-issue.ts';
import {
  asSchema,
  configSchema,
  expectKnownFields,
  memberOf,
  type Schema,
  unwrapped,
} from './config-schema.ts';
import { fieldOf, isRecord, type JsonRecord, shorten } from './formats/json.ts';
import { presets, type PretrainedPreset, pretrainedPresets } from './presets.ts';
import { iterationsFor } from './rollout-order.ts';
import {
  checkTask,
  lastBatchOf,
  poolPromptsOf,
  takesGivenModel,
  type TaskConfig,
  taskSchema,
  withPaths,
} from './tasks/registry.ts';
import type { AdapterSpec } from './vocabulary/adapters.ts';
import type { Budget } from './vocabulary/budgets.ts';
import { type AdvantageEstimator, estimatorFaults } from './vocabulary/estimators.ts';
import type {
  KlEstimatorName,
  KlPlace,
  LossAggregation,
  MinibatchUnit,
  OldLogprobs,
} from './vocabulary/losses.ts';
import { isSubsetFile, pathOfSubset, subsetFileAt } from './selection/file.ts';
import { isSupervised, type MethodName, onlineOf, selectionOf } from './selection/methods.ts';
import type { OnlineSettings } from './selection/online-settings.ts';
import { isTaughtFile, pathOfTaught, taughtFileAt } from './selection/sft.ts';
import type { LrScheduleShape } from './vocabulary/schedules.ts';
import type { MissingRule, Signal } from './vocabulary/signals.ts';
import { type BaseStorage, isStorage, type Storage } from './vocabulary/storages.ts';

/**
 * Every hyperparameter of an experiment, as plain data: it crosses to workers, fits a URL and is
 * saved with a checkpoint. `configSchema` has the ranges. "LIMR" marks the values that the released
 * code ran with (its flags, with defaults filled in).
 */
export interface ExperimentConfig {
  readonly schema: 1;
  /** The preset that the settings came from. The report lists the differences. */
  readonly preset: string;
  /**
   * Gradient checkpointing: pre-training and PPO keep only the input of each layer, and compute the
   * other activations again in the backward pass. It takes less memory and more time, and gives the
   * same numbers to the last bit (docs/growth.md measures both). Off when left out.
   */
  readonly gradientCheckpointing?: boolean;
  /**
   * Storage of the weight matrices of layers, in rollouts, PPO and evaluation. With `f16`, kernels
   * read a copy rounded to f16, also for the frozen reference. Sums, gradients, optimizer,
   * checkpoints and exports stay f32. Bases are pre-trained in f32. `int8` and `int4` are of a base
   * under adapters alone. f32 when left out.
   */
  readonly weightStorage?: BaseStorage;
  /**
   * Storage of the keys and values of responses, in rollouts and evaluation. With `f16`, the
   * sampling policy differs by that rounding from the policy whose log-probabilities PPO computes.
   * f32 when left out.
   */
  readonly cacheStorage?: Storage;
  readonly task: TaskConfig;
  /** The model that training starts from: drawn and pre-trained here, or read from a folder. */
  readonly model: DrawnModelConfig | FolderModelConfig;
  /**
   * LoRA adapters that are trained beside the frozen model. If null or left out, all parameters of
   * the model are trained.
   */
  readonly adapter?: AdapterSpec | null;
  /** Pre-training of a drawn model; absent if the model comes from a folder. */
  readonly base?: BaseConfig;
  readonly rollout: RolloutConfig;
  readonly ppo: PpoConfig;
  readonly lim: LimConfig;
  /** Settings of online methods; those that are left out have the defaults of their papers. */
  readonly online?: OnlineSettings;
  /** Settings of supervised methods. */
  readonly sft?: SftConfig;
  readonly experiment: RunConfig;
  readonly evaluation: EvaluationConfig;
}

/** The config of an experiment whose model is drawn. */
export interface DrawnExperimentConfig extends ExperimentConfig {
  readonly model: DrawnModelConfig;
  readonly base: BaseConfig;
}

/** The config of an experiment whose model is read from a folder. */
export interface FolderExperimentConfig extends ExperimentConfig {
  readonly model: FolderModelConfig;
}

/** Whether the model is drawn. A parsed config then also says how it is pre-trained. */
export const startsDrawn = (config: ExperimentConfig): config is DrawnExperimentConfig =>
  config.model.kind === undefined;

/** Whether the model is read from a folder. */
export const startsFromFolder = (config: ExperimentConfig): config is FolderExperimentConfig =>
  config.model.kind === 'folder';

/**
 * The config of an experiment whose model is drawn. @throws ConfigError for another config.
 *
 * @param what Needs such a config, for the message.
 */
export function drawnConfig(config: ExperimentConfig, what: string): DrawnExperimentConfig {
  if (startsDrawn(config)) return config;
  throw new ConfigError(`model: ${what} needs a model that is drawn, not one from a folder`);
}

/** A pretrained model in the Hugging Face layout. */
export interface FolderModelConfig {
  readonly kind: 'folder';
  /** A folder on disk, or the name of a folder that a page keeps. */
  readonly path: string;
}

/** The tiny decoder. Its weights are drawn from the seed of the base. Widths in elements. */
export interface DrawnModelConfig {
  readonly kind?: never;
  readonly hiddenSize: number;
  readonly intermediateSize: number;
  readonly layers: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly headDim: number;
  readonly ropeTheta: number;
  readonly rmsNormEps: number;
  readonly tieEmbeddings: boolean;
}

/** Pre-training of the base on the task's corpus. */
export interface BaseConfig {
  /** Seed of weights and corpus. It is fixed, so that all experiment seeds start from one base. */
  readonly seed: number;
  readonly updates: number;
  readonly sequencesPerUpdate: number;
  /** Standard deviation of the initial matrices. */
  readonly initialScale: number;
  readonly optimizer: OptimizerConfig;
}

/** One network's optimizer. */
export interface OptimizerConfig {
  /** Peak learning rate, per optimizer update. */
  readonly learningRate: number;
  /**
   * Optimizer updates of linear warmup. If there is a warmup, the first update has rate 0 (LIMR:
   * 10).
   */
  readonly warmupUpdates: number;
  /**
   * The course of the rate after warmup, over `horizonUpdates` (LIMR: cosine_with_min_lr with floor
   * 0.1, whose horizon is so far off that the rate is constant).
   */
  readonly schedule: LrScheduleShape;
  readonly horizonUpdates: number;
  /** Floor of `cosine_with_min_lr` as a share of the peak (LIMR: 0.1). */
  readonly minimumShare: number;
  /** AdamW (LIMR: 0.9, 0.95, 1e-8, 0). */
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
  readonly weightDecay: number;
  /** Global gradient norm above which gradients are scaled down (LIMR's code: 1). */
  readonly maxGradNorm: number;
}

/** A limit on the length of responses from some update of a method on. */
export interface ResponseLength {
  /** Updates of the method before it holds. */
  readonly from: number;
  /** Most tokens of a response. */
  readonly tokens: number;
}

export interface RolloutConfig {
  /** Prompts of one iteration (LIMR: 1,024). */
  readonly prompts: number;
  /** Responses per prompt (LIMR: 8). With fewer than 8, LIM scores are mostly luck. */
  readonly samples: number;
  /** Sampling temperature (LIMR: 1.2). 0 would be greedy and is refused. */
  readonly temperature: number;
  /**
   * Temperature that divides the logits of all log-probabilities (LIMR: 1, though it sampled at
   * 1.2).
   */
  readonly logprobTemperature: number;
  /** 0 keeps all tokens. */
  readonly topK: number;
  readonly topP: number;
  readonly minP: number;
  /**
   * Limits on sampled responses of training, each from an update of a method on, as DeepScaleR
   * raised its own. Before the first of them, and where left out, the task's limit holds; evaluation
   * always has that one.
   */
  readonly responseLengths?: readonly ResponseLength[];
}

export interface PpoConfig {
  /** Limit on the absolute value of a sequence's reward after its group's baseline (LIMR: 10). */
  readonly rewardClamp: number;
  /**
   * Whether whitening divides advantages by their deviation, or only centres them (LIMR: divides).
   * The estimator decides whether to whiten: `gae` and both `reinforce++` do.
   */
  readonly whitenScale: boolean;
  /** The estimator that turns rewards into advantages. Only `gae` needs a critic. */
  readonly estimator: AdvantageEstimator;
  /** Discount per token (LIMR: 1) and GAE's lambda (LIMR: 0.95). */
  readonly gamma: number;
  readonly gaeLambda: number;
  /** Ratio clip (LIMR: 0.2 both ways). */
  readonly clipLow: number;
  readonly clipHigh: number;
  /** Value clip (LIMR: 0.2). */
  readonly valueClip: number;
  /** KL to the base, as part of the reward (LIMR: k1, 0.01) or as a loss term. */
  readonly klEstimator: KlEstimatorName;
  readonly klCoef: number;
  readonly klIn: KlPlace;
  /** Entropy bonus (LIMR: none). */
  readonly entropyCoef: number;
  /**
   * Where the log-probabilities of the policy that sampled come from: `pass` computes them before
   * the first update (LIMR), `first-pass` takes those of the first update itself, which then must
   * take the whole rollout; all ratios are 1, and there is no KL penalty. It saves a forward pass.
   * `pass` when left out.
   */
  readonly oldLogprobs?: OldLogprobs;
  /** Optimizer passes over a rollout (LIMR: 1). */
  readonly updateEpochs: number;
  /** Optimizer updates per pass (LIMR: 32). */
  readonly minibatches: number;
  /**
   * The unit of minibatches: shuffled sequences, as in LIMR, or whole groups of one prompt, whose
   * prompt is then computed once.
   */
  readonly minibatchUnit: MinibatchUnit;
  /** How token losses are averaged (LIMR: token-mean-microbatch). */
  readonly lossAggregation: LossAggregation;
  /** Sequences of one micro-batch, for `token-mean-microbatch` (LIMR: 4). */
  readonly microbatchSequences: number;
  /**
   * Standard deviation of the critic's initial head, as a multiple of OpenRLHF's 1/(hidden + 1).
   */
  readonly valueHeadScale: number;
  readonly actor: OptimizerConfig;
  readonly critic: OptimizerConfig;
}

export interface LimConfig {
  /**
   * The recorded signal: share of right answers in [0, 1] (LIMR's code) or mean reward (its paper).
   */
  readonly signal: Signal;
  /** How missing entries are treated. `limr` fills and drops as the released script does. */
  readonly compat: MissingRule;
  /** The threshold: prompts that score at least this much are kept (LIMR: 0.6). */
  readonly theta: number;
  /** Number of highest scores to keep. If given, theta is not used (LIMR: none). */
  readonly count?: number;
  /** Size of LINEAR as a share of LIM's size; our definition (paper's sizes: 1,138 / 1,389). */
  readonly linearShare: number;
}

/**
 * Supervised fine-tuning, which the methods `sft` and `sft:PATH` train by: all numbers of the optimizer
 * that are not here are the actor's.
 */
export interface SftConfig {
  /**
   * File of the rows that `sft` learns: of `prompt` and `response`, of `text`, or of `messages`; JSONL,
   * JSON, Parquet or Arrow.
   */
  readonly data?: string;
  /**
   * How long it trains, in the unit of `budget`, whose epochs are of its own rows. `armLength` when
   * left out.
   */
  readonly length?: number;
  /** Rows of an update. Default 8. */
  readonly sequences?: number;
  /** Most tokens of a row. Default: those of the task's longest prompt and response together. */
  readonly maxTokens?: number;
  /** Peak rate, per update. Default 1e-5, of adapters 2e-4, as `limr sft` has it. */
  readonly learningRate?: number;
  /** Updates of linear warmup. Default 0. */
  readonly warmupUpdates?: number;
  /** Course of the rate after the warmup, to the end of the training. Default `constant`. */
  readonly schedule?: LrScheduleShape;
}

/** Rows of an update of supervised methods. */
export const taughtTogether = ({ sft }: Pick<ExperimentConfig, 'sft'>): number =>
  sft?.sequences ?? 8;

/** How long each method is trained, and when it is evaluated. */
export interface RunConfig {
  /** Data epochs of the FULL pass, K: columns of the reward matrix. */
  readonly epochs: number;
  readonly methods: readonly MethodName[];
  /**
   * Whether methods are compared at equal PPO iterations (`updates`) or at equal passes over each
   * method's own prompts (`epochs`). `armLength`, `readouts` and `tableReadout` count in this unit.
   * A read-out in epochs takes place after the iteration that completes them. So its number of
   * iterations depends on the method: `iterationsFor` in `rollout-order.ts`.
   */
  readonly budget: Budget;
  /** How long each selection is trained, in the unit of `budget`. */
  readonly armLength: number;
  /**
   * How long FULL is trained, in the unit of `budget`: at least its `epochs` data epochs, which alone
   * enter the reward matrix. When left out, FULL ends with them.
   */
  readonly fullLength?: number;
  /**
   * When methods are evaluated, ascending, in addition to the end of each method. Fixed before the
   * run.
   */
  readonly readouts: readonly number[];
  /** The read-out in the results table. Some method must reach it. */
  readonly tableReadout: number;
  /** Iterations between checkpoints. */
  readonly checkpointEvery: number;
  /**
   * Whether the run's folder keeps the trained weights of every method, and those of a drawn base.
   * When left out, a run keeps them; a cell of a sweep keeps those of a given model alone.
   */
  readonly keepWeights?: boolean;
}

export interface EvaluationConfig {
  /** Limit on the evaluated prompts of each held-out tier: its first prompts. */
  readonly prompts: number;
  /** Samples per prompt, in addition to the greedy answer (LIMR: 4). */
  readonly samples: number;
  /** Temperature and top-p of the samples (LIMR: 0.4 and 0.95). */
  readonly temperature: number;
  readonly topP: number;
}

/**
 * Checks a whole config.
 *
 * @param where The file or URL of the config, for messages.
 * @throws ConfigError naming the first wrong field, what it must be and what it is.
 */
export const parseConfig = (input: unknown, where: string): ExperimentConfig =>
  parse(input, where, () => '');

/**
 * Checks the config of a run, which an older version may have begun. Older versions wrote the
 * verifier's rewards as `ppo.rewards`, with one legal value. That value is dropped; any other value
 * is refused as an unknown field.
 *
 * @throws ConfigError as `parseConfig`.
 */
export function parseStoredConfig(input: unknown, where: string): ExperimentConfig {
  const ppo = isRecord(input) ? fieldOf(input, 'ppo') : undefined;
  if (!isRecord(input) || !isRecord(ppo)) return parseConfig(input, where);
  const { rewards, ...rest } = ppo;
  const paid = isRecord(rewards) ? JSON.stringify(sortKeys(rewards)) : '';
  if (paid !== '{"right":1,"unformatted":-1,"wrong":-0.5}') return parseConfig(input, where);
  return parseConfig({ ...input, ppo: rest }, where);
}

/**
 * @param origin Gives the text that follows an error about a field, by the field's path: where its
 *   value came from.
 */
function parse(input: unknown, where: string, origin: (field: string) => string): ExperimentConfig {
  expectFolder(input, where);
  expectKnownFields(asSchema(configSchema), input, where);
  const parsed = v.safeParse(configSchema, input);
  if (!parsed.success) throw new ConfigError(`${where}: ${issueText(parsed.issues[0])}`);
  const config: ExperimentConfig = parsed.output;
  checkTask(config.task, `${where}: task`);
  checkTogether(config, poolPromptsOf(config.task), (field, text) => {
    throw new ConfigError(`${where}: ${field}: ${text}${origin(field)}`);
  });
  return config;
}

/** Models come from folders alone, which a config that names another place is told. */
function expectFolder(input: unknown, where: string): void {
  const model = isRecord(input) ? fieldOf(input, 'model') : undefined;
  if (!isRecord(model)) return;
  const path = fieldOf(model, 'path');
  const isHub = typeof path === 'string' && path.startsWith('hf:');
  const hub = fieldOf(model, 'hf') ?? (isHub ? path : undefined);
  if (hub === undefined) return;
  throw new ConfigError(
    `${where}: model: ${shorten(typeof hub === 'string' ? hub : JSON.stringify(hub))} is a model of the hub, and no config holds one: ` +
      'give the path of its folder, which limr pull prints',
  );
}

/**
 * Checks the rules between a config and the size of its pool, for a task that tells the size only
 * once it is open.
 *
 * @throws ConfigError as `parseConfig`.
 */
export const checkPool = (config: ExperimentConfig, pool: number, where: string): void => {
  checkTogether(config, pool, (field, text) => {
    throw new ConfigError(`${where}: ${field}: ${text}`);
  });
};

/**
 * Checks the lengths of responses against the task's own limit.
 *
 * @param most Longest response of the task, in tokens.
 * @throws ConfigError as `parseConfig`.
 */
export function checkLengths({ rollout }: ExperimentConfig, most: number, where: string): void {
  const over = rollout.responseLengths?.find(({ tokens }) => tokens > most);
  if (!over) return;
  throw new ConfigError(
    `${where}: rollout.responseLengths: ${over.tokens} tokens, where the task takes responses of ${most}`,
  );
}

/**
 * Checks the rules between fields.
 *
 * @param pool Prompts of the pool. If undefined, the rules about the pool are skipped.
 */
function checkTogether(
  config: ExperimentConfig,
  pool: number | undefined,
  fail: (field: string, text: string) => never,
): void {
  const { ppo, rollout, lim, experiment, evaluation } = config;
  checkModel(config, fail);
  const divides = lastBatchOf(config.task) === undefined;
  if (pool !== undefined && divides && pool % rollout.prompts !== 0) {
    fail('rollout.prompts', `must divide the ${pool} prompts of the pool, for whole data epochs`);
  }
  const units = rollout.prompts * (ppo.minibatchUnit === 'group' ? 1 : rollout.samples);
  if (units % ppo.minibatches !== 0) {
    fail('ppo.minibatches', `must divide the ${units} ${ppo.minibatchUnit}s of a rollout`);
  }
  const { responseLengths = [] } = rollout;
  if (responseLengths.some(({ from }, i) => i > 0 && from <= (responseLengths[i - 1]?.from ?? 0))) {
    fail('rollout.responseLengths', 'must ascend by from');
  }
  const { estimator, gamma } = ppo;
  for (const fault of estimatorFaults(estimator, { gamma, samples: rollout.samples })) {
    fail(fault.field, `${fault.must}: ${fault.reason}`);
  }
  if (experiment.readouts.some((at, i) => i > 0 && at <= (experiment.readouts[i - 1] ?? 0))) {
    fail('experiment.readouts', 'must ascend');
  }
  if (!experiment.readouts.includes(experiment.tableReadout)) {
    fail(
      'experiment.tableReadout',
      `must be one of the readouts ${experiment.readouts.join(', ')}`,
    );
  }
  if (!experiment.methods.includes('full')) {
    fail('experiment.methods', 'must include full: the other selections come from its rewards');
  }
  const { methods } = experiment;
  const twice = methods.find((method, i) => methods.indexOf(method) !== i);
  if (twice !== undefined) fail('experiment.methods', `'${twice}' is given twice`);
  const online = methods.find((method) => onlineOf(method));
  if (online !== undefined && rollout.samples < 2) {
    fail(
      'rollout.samples',
      `must be at least 2 for ${online}, which compares responses to a prompt`,
    );
  }
  const taught = methods.find((method) => isSupervised(method));
  if (taught !== undefined && !takesGivenModel(config.task)) {
    fail(
      'experiment.methods',
      `${taught} learns texts, which the task ${config.task.name} has none of`,
    );
  }
  if (methods.includes('sft') && config.sft?.data === undefined) {
    fail('sft.data', 'must be given for sft: the file of the rows that it learns');
  }
  if (methods.includes('online-lim') && lim.signal !== 'accuracy') {
    fail('lim.signal', 'must be accuracy for online-lim: the noise of other signals is not known');
  }
  for (const method of methods.flatMap((name) => selectionOf(name) ?? [])) {
    const { name, epochs = 1, needs } = method;
    if (epochs > experiment.epochs) {
      fail(
        'experiment.methods',
        `${name} reads ${epochs} data epochs, the run has ${experiment.epochs}`,
      );
    }
    if (!needs.includes('counts')) continue;
    if (lim.signal !== 'accuracy') {
      fail(
        'lim.signal',
        `must be accuracy for ${name}, whose scores are of counts of right answers`,
      );
    }
    if (rollout.samples < 2) {
      fail(
        'rollout.samples',
        `must be at least 2 for ${name}: one answer tells nothing of its noise`,
      );
    }
  }
  const arms = experiment.methods.some((method) => method !== 'full');
  const byUpdates = experiment.budget === 'updates';
  const passes = pool === undefined ? Infinity : iterationsFor(config, pool, 1);
  const scored = experiment.epochs * (byUpdates ? passes : 1);
  const full = experiment.fullLength ?? scored;
  if (scored < Infinity && full < scored) {
    const unit = byUpdates ? 'updates' : 'data epochs';
    fail(
      'experiment.fullLength',
      `must be at least the ${scored} ${unit} that are scored, is ${full}`,
    );
  }
  const longest = Math.max(full, arms ? experiment.armLength : 0);
  if (experiment.tableReadout > longest) {
    const unit = byUpdates ? 'updates' : 'data epochs';
    fail(
      'experiment.tableReadout',
      `no method reaches ${experiment.tableReadout}, the longest has ${longest} ${unit}`,
    );
  }
  if (lim.count !== undefined && pool !== undefined && lim.count > pool) {
    fail('lim.count', `${lim.count} prompts to keep, the pool has ${pool}`);
  }
  const rows = rollout.prompts * rollout.samples;
  if (evaluation.samples > rows) {
    fail(
      'evaluation.samples',
      `${evaluation.samples} samples of a prompt do not fit the ${rows} responses of a rollout`,
    );
  }
}

/** Checks the rules between a config's model, its task and how the model is trained. */
function checkModel(config: ExperimentConfig, fail: (field: string, text: string) => never): void {
  const { task, model, base, adapter, ppo } = config;
  const given = takesGivenModel(task);
  if (model.kind === 'folder') {
    if (!given) {
      fail('model.kind', `the task ${task.name} has a vocabulary of its own: its model is drawn`);
    }
    if (base !== undefined) fail('base', 'a model from a folder is not pre-trained: leave it out');
  } else {
    if (given) {
      const how = '{ "kind": "folder", "path": … }';
      fail('model', `the task ${task.name} needs a pretrained model: ${how}`);
    }
    if (base === undefined) fail('base', 'must be given for a model that is drawn');
    if (model.heads % model.kvHeads !== 0) {
      fail('model.kvHeads', `must divide heads ${model.heads}`);
    }
    if (model.hiddenSize % 4 !== 0) fail('model.hiddenSize', 'must be a multiple of 4');
    if (model.headDim % 4 !== 0) fail('model.headDim', 'must be a multiple of 4');
  }
  const { weightStorage } = config;
  if (weightStorage !== undefined && !isStorage(weightStorage) && !adapter) {
    fail('weightStorage', `'${weightStorage}' is of a frozen base: it needs an adapter`);
  }
  const twice = adapter?.targets.find((target, i) => adapter.targets.indexOf(target) !== i);
  if (twice !== undefined) fail('adapter.targets', `'${twice}' is given twice`);
  if (ppo.oldLogprobs === 'first-pass') {
    if (ppo.minibatches > 1 || ppo.updateEpochs > 1) {
      fail(
        'ppo.oldLogprobs',
        'first-pass needs one update of the whole rollout: ppo.minibatches and ppo.updateEpochs 1',
      );
    }
    if (ppo.klCoef !== 0) {
      fail('ppo.oldLogprobs', 'first-pass comes too late for a KL penalty: ppo.klCoef 0');
    }
  }
}

/**
 * A preset with some fields replaced, as in `limr run CONFIG.json`. Objects merge; arrays and
 * numbers replace. Where an override selects another member of a union, such as `{"name": …}` with
 * another task, it replaces the preset's member as a whole.
 *
 * @param tell Receives a sentence for each setting that was adapted to another kind of task.
 * @param more Presets of given models beside those of `presets.ts`: a page that has no use for
 *   recipes does not load them.
 * @throws ConfigError as `parseConfig`, or if the preset is unknown.
 */
export function configFrom(
  preset: string,
  overrides: unknown,
  where: string,
  tell: (text: string) => void = () => undefined,
  more: (preset: string, where: string) => PretrainedPreset | undefined = () => undefined,
): ExperimentConfig {
  const own = more(preset, where);
  const base = own ?? presetOf(preset, overrides);
  if (!base) {
    const known = [presets, pretrainedPresets].flatMap(Object.keys).join(', ');
    throw new ConfigError(`${where}: no preset '${preset}', there are ${known}`);
  }
  if (overrides === undefined) return parseConfig(base, where);
  const merged = merge(asSchema(configSchema), base, overrides);
  const followed = 'model' in base ? followTask(merged, overrides, base, tell) : merged;
  const adapted = followModel(followed, overrides, where, own !== undefined);
  return parse(adapted, where, (field) => {
    const held = (of: unknown): unknown =>
      field.split('.').reduce((at, name) => (isRecord(at) ? fieldOf(at, name) : undefined), of);
    const there = held(base);
    if (there === undefined || held(overrides) !== undefined) return '';
    return ` (it is ${valueText(there)} in the preset ${preset})`;
  });
}

/** Whether a preset is one of models that come from a folder. */
export const startsPretrained = (preset: unknown): preset is string =>
  typeof preset === 'string' && Object.hasOwn(pretrainedPresets, preset);

function presetOf(
  preset: string,
  overrides: unknown,
): ExperimentConfig | PretrainedPreset | undefined {
  if (startsPretrained(preset)) {
    const full = isRecord(overrides) && fieldOf(overrides, 'adapter') === null;
    return pretrainedPresets[preset]?.[full ? 'full' : 'lora'];
  }
  return Object.hasOwn(presets, preset) ? presets[preset] : undefined;
}

function merge(at: Schema, base: unknown, over: unknown): unknown {
  if (!isRecord(base) || !isRecord(over)) return over;
  const found = unwrapped(at);
  const { key } = found;
  if (key !== undefined && Object.hasOwn(over, key) && over[key] !== base[key]) return over;
  const entries = (key === undefined ? found : memberOf(found, base))?.entries ?? {};
  const merged = new Map(Object.entries(base));
  for (const [name, value] of Object.entries(over)) {
    const field = Object.hasOwn(entries, name) ? entries[name] : undefined;
    merged.set(name, field ? merge(field, merged.get(name), value) : value);
  }
  return Object.fromEntries(merged);
}

/** The value of a setting, for a sentence. */
const valueText = (value: unknown): string =>
  Array.isArray(value) ? value.join(', ') : JSON.stringify(value);

/** The largest divisor of `number` that is at most `most`. */
function divisorUpTo(number: number, most: number): number {
  let divisor = Math.min(number, most);
  while (number % divisor !== 0) divisor--;
  return divisor;
}

/**
 * Adapts a preset's sizes to a task of another kind. The preset's sizes fit its own task; sizes
 * that the config does not set become the nearest ones that the new pool allows.
 */
function followTask(
  merged: unknown,
  over: unknown,
  base: ExperimentConfig,
  tell: (text: string) => void,
): unknown {
  if (!isRecord(merged) || !isRecord(over)) return merged;
  const found = v.safeParse(taskSchema, merged['task']);
  if (!found.success || found.output.name === base.task.name) return merged;
  const pool = poolPromptsOf(found.output);
  if (pool === undefined) return merged;
  const given = (section: string, field: string): boolean => {
    const own = fieldOf(over, section);
    return own !== undefined && (!isRecord(own) || Object.hasOwn(own, field));
  };
  const followed: Record<string, unknown> = { ...merged };
  const set = (section: 'rollout' | 'ppo' | 'experiment', field: string, value: unknown): void => {
    const held = followed[section];
    if (!isRecord(held) || JSON.stringify(held[field]) === JSON.stringify(value)) return;
    followed[section] = { ...held, [field]: value };
    tell(
      `${section}.${field} is ${valueText(value)}, not ${valueText(held[field])} as in ${base.preset}: ` +
        `the pool has ${pool} prompts`,
    );
  };
  if (!given('rollout', 'prompts')) {
    set('rollout', 'prompts', divisorUpTo(pool, base.rollout.prompts));
  }
  const [rollout, experiment] = [followed['rollout'], followed['experiment']];
  const prompts = isRecord(rollout) ? rollout['prompts'] : undefined;
  if (typeof prompts !== 'number' || !isRecord(experiment) || !(pool % prompts === 0))
    return followed;
  if (!given('ppo', 'minibatches') && !given('ppo', 'minibatchUnit')) {
    set('ppo', 'minibatches', divisorUpTo(prompts, base.ppo.minibatches));
  }
  if (given('experiment', 'readouts') || given('experiment', 'tableReadout')) return followed;
  const { epochs, methods, armLength, budget } = experiment;
  const full = Number(epochs) * (budget === 'updates' ? pool / prompts : 1);
  const arms = Array.isArray(methods) && methods.some((method) => method !== 'full');
  const longest = Math.max(full, arms ? Number(armLength) : 0);
  if (!(longest >= 1) || base.experiment.tableReadout <= longest) return followed;
  const reached = base.experiment.readouts.filter((at) => at <= longest);
  set('experiment', 'readouts', reached.length > 0 ? reached : [longest]);
  set('experiment', 'tableReadout', reached.at(-1) ?? longest);
  return followed;
}

/**
 * Adapts a preset's settings to a model that comes from a folder: it is not pre-trained, and
 * lengths and read-outs that the config does not set follow from those that it sets.
 *
 * @param pretrained Whether the preset is known to be one of such models.
 */
function followModel(merged: unknown, over: unknown, where: string, pretrained: boolean): unknown {
  if (!isRecord(merged) || !isRecord(over)) return merged;
  const model = merged['model'];
  if (!isRecord(model) || fieldOf(model, 'kind') !== 'folder') return merged;
  const followed: Record<string, unknown> = { ...merged };
  if (fieldOf(over, 'base') === undefined) delete followed['base'];
  if (!pretrained && !startsPretrained(merged['preset'])) return followed;
  const own = (section: string): JsonRecord => {
    const found = fieldOf(over, section);
    return isRecord(found) ? found : {};
  };
  const [ownRun, ownPpo] = [own('experiment'), own('ppo')];
  const { rollout, ppo, experiment } = merged;
  if (!isRecord(rollout) || !isRecord(ppo) || !isRecord(experiment)) return followed;
  if (!Object.hasOwn(ownPpo, 'minibatches')) {
    const units =
      Number(rollout['prompts']) *
      (ppo['minibatchUnit'] === 'group' ? 1 : Number(rollout['samples']));
    const most = Number(ppo['minibatches']);
    if (units >= 1 && Number.isInteger(units)) {
      followed['ppo'] = { ...ppo, minibatches: divisorUpTo(units, most) };
    }
  }
  const byUpdates = experiment['budget'] === 'updates';
  const epochs = Number(experiment['epochs']);
  if (byUpdates && !Object.hasOwn(ownRun, 'armLength')) {
    throw new ConfigError(`${where}: experiment.armLength: must be given for a budget of updates`);
  }
  const armLength = Number(ownRun['armLength'] ?? epochs);
  const { methods } = experiment;
  const arms = Array.isArray(methods) && methods.some((method) => method !== 'full');
  const longest = byUpdates ? armLength : Math.max(epochs, arms ? armLength : 0);
  if (!(longest >= 1 && longest <= MOST_READOUTS)) return followed;
  const given = ownRun['readouts'];
  const readouts = Array.isArray(given)
    ? (given as unknown[])
    : byUpdates
      ? [longest]
      : Array.from({ length: longest }, (_, i) => i + 1);
  followed['experiment'] = {
    ...experiment,
    armLength,
    readouts,
    tableReadout:
      ownRun['tableReadout'] ??
      readouts.findLast((readout) => typeof readout === 'number' && readout <= longest) ??
      longest,
  };
  return followed;
}

/** As many data epochs as a config may have. */
const MOST_READOUTS = 100_000;

/** A config with every path of a file or folder replaced by what `change` makes of it. */
export function withConfigPaths(
  config: ExperimentConfig,
  change: (path: string) => string,
): ExperimentConfig {
  const { model, sft } = config;
  const changed = (method: MethodName): MethodName => {
    if (isSubsetFile(method)) return subsetFileAt(change(pathOfSubset(method)));
    return isTaughtFile(method) ? taughtFileAt(change(pathOfTaught(method))) : method;
  };
  return {
    ...config,
    model: model.kind === 'folder' ? { ...model, path: change(model.path) } : model,
    task: withPaths(config.task, change),
    ...(sft?.data === undefined ? {} : { sft: { ...sft, data: change(sft.data) } }),
    experiment: { ...config.experiment, methods: config.experiment.methods.map(changed) },
  };
}

/** The files whose rows a config's supervised methods learn, by the methods' names. */
export const taughtFilesOf = ({ sft, experiment }: ExperimentConfig): Map<MethodName, string> =>
  new Map(
    experiment.methods.flatMap((method): [MethodName, string][] => {
      if (isTaughtFile(method)) return [[method, pathOfTaught(method)]];
      return method === 'sft' && sft?.data !== undefined ? [[method, sft.data]] : [];
    }),
  );

/** A field whose value differs between two configs. */
export interface Override {
  readonly field: string;
  readonly value: unknown;
  readonly reference: unknown;
}

/**
 * Lists the fields of `config` that differ from `reference`, by dotted path, for the report. If the
 * reference lacks a field, its value there is null.
 */
export function overridesOf(config: unknown, reference: unknown, path = ''): Override[] {
  if (isRecord(config) && isRecord(reference)) {
    return Object.keys(config).flatMap((key) =>
      overridesOf(
        config[key],
        Object.hasOwn(reference, key) ? reference[key] : null,
        path === '' ? key : `${path}.${key}`,
      ),
    );
  }
  return JSON.stringify(config) === JSON.stringify(reference)
    ? []
    : [{ field: path, value: config, reference }];
}

/**
 * SHA-256 of a config in a canonical form, as hex. A resumed run compares it with the checkpoint's.
 *
 * @param digests Digests of the files and folders that the config names, by their paths in the
 *   config: they count by their content, wherever they lie.
 */
export async function configHash(
  config: ExperimentConfig,
  digests: ReadonlyMap<string, string> = new Map(),
): Promise<string> {
  const named = new Map([
    ...digests,
    ...[...digests].flatMap(([path, digest]) =>
      [subsetFileAt(path), taughtFileAt(path)].map((name) => [name, digest] as const),
    ),
  ]);
  const bytes = new TextEncoder().encode(JSON.stringify(withDigests(sortKeys(config), named)));
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
  return [...digest].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}

function withDigests(value: unknown, digests: ReadonlyMap<string, string>): unknown {
  if (typeof value === 'string') {
    const digest = digests.get(value);
    return digest === undefined ? value : `sha256:${digest}`;
  }
  if (Array.isArray(value)) return value.map((one) => withDigests(one, digests));
  if (!isRecord(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, one]) => [name, withDigests(one, digests)]),
  );
}

function sortKeys(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sortKeys);
  if (!isRecord(value)) return value;
  return Object.fromEntries(
    Object.keys(value)
      .sort()
      .map((key) => [key, sortKeys(value[key])]),
  );
}
