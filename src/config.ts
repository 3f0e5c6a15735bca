import * as v from 'valibot';
import { ConfigError } from './config-error.ts';
import { issueText } from './config-issue.ts';
import { advantageEstimators, estimatorFaults } from './estimators.ts';
import { fieldOf, isRecord, type JsonRecord, kindOf, shorten } from './formats/json.ts';
import { arithmeticVariants } from './tasks/arithmetic.ts';
import { checkTask, poolPromptsOf, type TaskConfig } from './tasks/registry.ts';
import { methodNames } from './vocabulary/methods.ts';

/** How a number is checked: inclusive bounds. */
const within = (low: number, high: number) =>
  v.pipe(v.number(), v.minValue(low), v.maxValue(high), v.finite());
const finite = v.pipe(v.number(), v.finite());
const whole = (low: number, high: number) =>
  v.pipe(v.number(), v.integer(), v.minValue(low), v.maxValue(high));
const seed = whole(0, 0xffff_ffff);
const share = within(0, 1);

const skills = v.variant('by', [
  v.strictObject({
    by: v.literal('operand'),
    easiest: share,
    hardest: share,
    curve: within(0.1, 10),
    seed,
  }),
  v.strictObject({ by: v.literal('operator'), plus: share, minus: share, times: share }),
]);
const stratum = v.strictObject({
  share,
  above: finite,
  below: finite,
  minOperators: whole(1, 16),
  maxOperators: whole(1, 16),
});
const task = v.variant('name', [
  v.strictObject({
    name: v.literal('arithmetic'),
    modulus: whole(2, 10),
    maxOperators: whole(1, 16),
    skills,
    formatErrorShare: within(0, 0.99),
    poolPrompts: whole(1, 1_000_000),
    strata: v.strictObject({ easy: stratum, learnable: stratum, hard: stratum }),
    wrongKeyShare: share,
    tiers: v.array(
      v.strictObject({
        prompts: whole(1, 100_000),
        minOperators: whole(1, 16),
        maxOperators: whole(1, 16),
        below: finite,
      }),
    ),
    tierSeed: seed,
  }),
  v.strictObject({
    name: v.literal('bandit'),
    prompts: whole(1, 26),
    arms: whole(2, 10),
    reward: v.picklist(['match', 'constant']),
  }),
]);

/** One network's optimizer. */
const optimizer = v.strictObject({
  /** Peak learning rate, per optimizer update. */
  learningRate: within(0, 1),
  /** Optimizer updates of linear warmup; the first has rate 0 when above 0 (LIMR: 10). */
  warmupUpdates: whole(0, 1_000_000),
  /** After warmup, over `horizonUpdates` (LIMR: cosine_with_min_lr, floor 0.1, so far off that the rate is constant). */
  schedule: v.picklist(['constant', 'linear', 'cosine', 'cosine_with_min_lr']),
  horizonUpdates: whole(1, 1e9),
  /** Floor of `cosine_with_min_lr` as a share of the peak (LIMR: 0.1). */
  minimumShare: share,
  /** AdamW (LIMR: 0.9, 0.95, 1e-8, 0). */
  beta1: within(0, 0.9999),
  beta2: within(0, 0.99999),
  epsilon: within(1e-12, 1),
  weightDecay: within(0, 1),
  /** Global gradient norm above which gradients are scaled down (LIMR's code: 1). */
  maxGradNorm: within(0, 1e6),
});

const schema = v.strictObject({
  schema: v.literal(1),
  /** Where the settings came from; the report lists what differs from it. */
  preset: v.string(),
  /**
   * Gradient checkpointing: pre-training and PPO keep each layer's input alone and compute the rest
   * of its activations once more on the way back. Less memory, more time, the same numbers to the
   * last bit (docs/growth.md has both sides measured). Off when left out.
   */
  gradientCheckpointing: v.exactOptional(v.boolean()),
  /**
   * How the matrices that layers multiply by are stored, in rollouts, PPO and evaluation alike. With
   * `f16` a copy rounded to f16 is read, while sums, gradients, optimizer, checkpoints and exports
   * stay f32; that of the frozen reference too. Bases are pre-trained in f32. f32 when left out.
   */
  weightStorage: v.exactOptional(v.picklist(['f32', 'f16'])),
  /**
   * How rollouts and evaluation keep keys and values of responses. With `f16` responses are drawn from
   * a policy that differs by that rounding from the one PPO takes its log-probabilities of. f32 when
   * left out.
   */
  cacheStorage: v.exactOptional(v.picklist(['f32', 'f16'])),
  task,
  /** The tiny decoder (`random` weights drawn from the base seed). Widths in elements. */
  model: v.strictObject({
    hiddenSize: whole(4, 4096),
    intermediateSize: whole(4, 16_384),
    layers: whole(1, 64),
    heads: whole(1, 64),
    kvHeads: whole(1, 64),
    headDim: whole(4, 256),
    ropeTheta: within(1, 1e8),
    rmsNormEps: within(1e-12, 1),
    tieEmbeddings: v.boolean(),
  }),
  /** Pre-training of the base on the task's corpus. */
  base: v.strictObject({
    /** Seed of weights and corpus; fixed, so that every experiment seed starts from one base. */
    seed,
    updates: whole(0, 1_000_000),
    sequencesPerUpdate: whole(1, 65_536),
    /** Standard deviation of the initial matrices. */
    initialScale: within(1e-4, 1),
    optimizer,
  }),
  rollout: v.strictObject({
    /** Prompts of one iteration (LIMR: 1,024). */
    prompts: whole(1, 65_536),
    /** Responses per prompt (LIMR: 8); fewer than 8 make LIM scores mostly luck. */
    samples: whole(1, 1024),
    /** Sampling temperature (LIMR: 1.2); 0 would be greedy and is refused. */
    temperature: within(0.01, 10),
    /** Divides the logits of all log-probabilities (LIMR: 1, though it sampled at 1.2). */
    logprobTemperature: within(0.01, 10),
    /** 0 keeps all tokens. */
    topK: whole(0, 1_000_000),
    topP: within(1e-6, 1),
    minP: share,
  }),
  ppo: v.strictObject({
    /** A sequence's reward, less its group's baseline, is held within this of 0 (LIMR: 10). */
    rewardClamp: v.optional(within(1e-6, 1e6), 10),
    /**
     * Whether whitened advantages are divided by their deviation, not only centred (LIMR: yes).
     * Which estimators whiten is their own: `gae` and both `reinforce++` do.
     */
    whitenScale: v.optional(v.boolean(), true),
    /** How advantages come from rewards; all but `gae` need no critic. */
    estimator: v.picklist(advantageEstimators),
    /** Discount per token (LIMR: 1) and GAE's lambda (LIMR: 0.95). */
    gamma: share,
    gaeLambda: share,
    /** Ratio clip (LIMR: 0.2 both ways). */
    clipLow: within(0, 1),
    clipHigh: within(0, 10),
    /** Value clip (LIMR: 0.2). */
    valueClip: within(0, 1e6),
    /** KL to the base as a reward (LIMR: k1, 0.01) or as a loss term. */
    klEstimator: v.picklist(['k1', 'k2', 'k3']),
    klCoef: within(0, 100),
    klIn: v.picklist(['reward', 'loss']),
    /** Entropy bonus (LIMR: none). */
    entropyCoef: within(0, 10),
    /** Optimizer passes over a rollout (LIMR: 1). */
    updateEpochs: whole(1, 64),
    /** Optimizer updates of a pass (LIMR: 32). */
    minibatches: whole(1, 4096),
    /** Shuffled sequences, as LIMR, or whole prompt groups, whose prompt is then computed once. */
    minibatchUnit: v.picklist(['sequence', 'group']),
    /** How token losses are averaged (LIMR: token-mean-microbatch). */
    lossAggregation: v.picklist(['token-mean-microbatch', 'token-mean-step', 'sequence-mean']),
    /** Sequences of one micro-batch, for `token-mean-microbatch` (LIMR: 4). */
    microbatchSequences: whole(1, 65_536),
    /** Standard deviation of the critic's head as a multiple of OpenRLHF's 1/(hidden + 1). */
    valueHeadScale: within(0, 100),
    actor: optimizer,
    critic: optimizer,
  }),
  lim: v.strictObject({
    /** What is recorded: share of right answers in [0, 1] (LIMR's code) or mean reward (its paper). */
    signal: v.picklist(['accuracy', 'reward']),
    /** `limr` fills and drops missing entries as the released script does. */
    compat: v.picklist(['corrected', 'limr']),
    /** Prompts scoring at least this are kept (LIMR: 0.6). */
    theta: within(-1e6, 1),
    /** When given, the so many highest scores are kept instead, and theta is not used (LIMR: none). */
    count: v.exactOptional(whole(1, 1_000_000)),
    /** Share of LIM's size that LINEAR keeps, our definition (paper's sizes: 1,138 / 1,389). */
    linearShare: share,
  }),
  experiment: v.strictObject({
    /** Data epochs of the FULL pass, K: columns of the reward matrix. */
    epochs: whole(1, 1000),
    methods: v.pipe(v.array(v.picklist(methodNames)), v.minLength(1)),
    /**
     * Compare at equal PPO iterations (`updates`), or at equal passes over each method's own prompts
     * (`epochs`). `armLength`, `readouts` and `tableReadout` are counted in its unit. A read-out in
     * epochs is taken at the end of the iteration that completes them, so each method has its own
     * number of iterations there: ceil(epochs * its prompts / rollout.prompts).
     */
    budget: v.picklist(['updates', 'epochs']),
    /** How long each selection is trained, in the unit of `budget`. FULL always has `epochs`. */
    armLength: whole(1, 100_000),
    /** When methods are evaluated, ascending, beside each one's end; fixed before the run. */
    readouts: v.array(whole(1, 1_000_000)),
    /** The read-out that the results table shows; some method must reach it. */
    tableReadout: whole(1, 1_000_000),
    /** Iterations between checkpoints. */
    checkpointEvery: whole(1, 1_000_000),
  }),
  evaluation: v.strictObject({
    /** Most prompts of each held-out tier that are evaluated: the tier's first ones. */
    prompts: whole(1, 1_000_000),
    /** Samples per prompt beside the greedy answer (LIMR: 4). */
    samples: whole(0, 64),
    /** LIMR: 0.4 and 0.95. */
    temperature: within(0.01, 10),
    topP: within(1e-6, 1),
  }),
});

/**
 * Every hyperparameter of an experiment: plain data, so that it crosses to workers, fits a URL and
 * is saved with a checkpoint. Field by field: unit, range and source stand in the schema above.
 * "LIMR" names what the released code ran (its flags with defaults filled in).
 */
export type ExperimentConfig = DeepReadonly<v.InferOutput<typeof schema>> & {
  readonly task: TaskConfig;
};

type DeepReadonly<T> = T extends readonly (infer Item)[]
  ? readonly DeepReadonly<Item>[]
  : T extends object
    ? { readonly [Key in keyof T]: DeepReadonly<T[Key]> }
    : T;

export type OptimizerConfig = ExperimentConfig['ppo']['actor'];

const limrOptimizer: OptimizerConfig = {
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

/** The reference run's own constants (spec of LIMR's released code), for what is not about size. */
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

/**
 * What tiny models change of LIMR's constants. "Prototype" is one of this experiment in PyTorch, with
 * a decoder of 103,954 parameters, on three pools of its own; a prototype's number is where we began,
 * not one that is claimed to be best.
 */
const smallScale = {
  ppo: {
    ...limrDefaults.ppo,
    // Prototype: 512 sequences in 4 optimizer updates. LIMR has 256 sequences an update, of 8,192.
    minibatches: 4,
    // Prototype. Whole groups compute their prompt once: about 2.4 times less work, the same sums.
    minibatchUnit: 'group',
    // OpenRLHF's default since 0.11: LIMR's rule weights a token by how its micro-batch was cut.
    lossAggregation: 'token-mean-step',
    // Prototype: a critic that begins at 0 everywhere.
    valueHeadScale: 0,
    // Prototype: 600 times LIMR's rate, for 10^5 instead of 10^10 weights; 1e-3 lost its entropy and
    // stayed lower (.70 against .76, one seed). Warmup: 5 rollouts of 4 optimizer updates.
    actor: { ...limrOptimizer, learningRate: 3e-4, warmupUpdates: 20, schedule: 'constant' },
    // Prototype.
    critic: { ...limrOptimizer, learningRate: 1e-3, warmupUpdates: 0, schedule: 'constant' },
  },
  // Prototype: 64 prompts of 8 samples, and log-probabilities of the policy that sampled. LIMR took
  // them at temperature 1 though it sampled at 1.2, so that its ratios are of another policy.
  rollout: { ...limrDefaults.rollout, prompts: 64, logprobTemperature: 1.2 },
} as const satisfies Partial<ExperimentConfig>;

const standard: ExperimentConfig = {
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

/** Settings that differ in size only, never in code path. */
export const presets: Readonly<Record<string, ExperimentConfig>> = {
  quick: {
    ...standard,
    preset: 'quick',
    task: {
      ...arithmeticVariants.E,
      poolPrompts: 160,
      // Easier than E's, so that the mean curve of so short a pass rises above LIM's bound.
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
      // Seconds of work, where a tab may be closed.
      checkpointEvery: 5,
    },
  },
  standard,
  // One careful run again, on several fresh pools.
  study: { ...standard, preset: 'study' },
};

/** Seeds of a preset when the user names none: fresh ones, not those its settings were found with. */
export const presetSeeds: Readonly<Record<string, readonly number[]>> = {
  quick: [1],
  standard: [1],
  study: [101, 102, 103, 104, 105],
};

/**
 * Checks a whole config.
 *
 * @param where The file or URL it came from, for messages.
 * @throws ConfigError naming the first wrong field, what it must be and what it is.
 */
export const parseConfig = (input: unknown, where: string): ExperimentConfig =>
  parse(input, where, () => '');

/**
 * Checks the config of a run that may have been begun by an older version. Older versions wrote what
 * verifiers pay as `ppo.rewards`, with one legal value: that value is left out, any other is refused as
 * a field that does not exist.
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

/** @param origin Of a field by its path: words on where it comes from, behind what is wrong with it. */
function parse(input: unknown, where: string, origin: (field: string) => string): ExperimentConfig {
  expectKnownFields(asSchema(schema), input, where);
  const parsed = v.safeParse(schema, input);
  if (!parsed.success) throw new ConfigError(`${where}: ${issueText(parsed.issues[0])}`);
  const config = parsed.output as ExperimentConfig;
  checkTask(config.task, `${where}: task`);
  checkTogether(config, (field, text) => {
    throw new ConfigError(`${where}: ${field}: ${text}${origin(field)}`);
  });
  return config;
}

/** A schema as far as a config is walked by it; what valibot's types say of it is not needed. */
interface Schema {
  /** Of an object: its fields. */
  readonly entries?: Readonly<Record<string, Schema>>;
  /** Of a union: the field that tells its members apart. */
  readonly key?: string;
  /** Of a union: its members. */
  readonly options?: readonly Schema[];
  /** Of a list. */
  readonly item?: Schema;
  /** What an optional one wraps, and what a checked one begins with. */
  readonly wrapped?: Schema;
  readonly pipe?: readonly Schema[];
  /** Of a literal. */
  readonly literal?: unknown;
}

const asSchema = (given: v.GenericSchema): Schema => given as unknown as Schema;

const unwrapped = (given: Schema): Schema => {
  const inner = given.wrapped ?? given.pipe?.[0];
  return inner && inner !== given ? unwrapped(inner) : given;
};

/** The member of a union that a value belongs to, as its discriminating field says. */
function memberOf({ key = '', options = [] }: Schema, value: JsonRecord): Schema | undefined {
  const own = fieldOf(value, key);
  return options.find(({ entries }) => own !== undefined && entries?.[key]?.literal === own);
}

/**
 * Refuses fields that a schema does not have, under whatever name: valibot takes those that every
 * object inherits (`constructor`) for known, and `__proto__` for other fields.
 *
 * @throws ConfigError naming the field.
 */
function expectKnownFields(given: Schema, value: unknown, where: string): void {
  const walk = (at: Schema, inside: unknown, path: string): void => {
    const found = unwrapped(at);
    if (found.item) {
      if (!Array.isArray(inside)) return;
      for (const [i, one] of inside.entries()) walk(found.item, one, `${path}.${i}`);
      return;
    }
    if (!found.entries && found.key === undefined) return;
    if (!isRecord(inside)) {
      const field = path === '' ? '' : `${path}: `;
      throw new ConfigError(`${where}: ${field}must be an object, is ${kindOf(inside)}`);
    }
    const member = found.key === undefined ? found : memberOf(found, inside);
    if (!member?.entries) return; // a union's key that names no member is valibot's to refuse
    for (const [name, field] of Object.entries(inside)) {
      const own = path === '' ? name : `${path}.${name}`;
      const known = Object.hasOwn(member.entries, name) ? member.entries[name] : undefined;
      if (!known) {
        const { key } = found;
        const only = key === undefined ? '' : ` where ${path}.${key} is '${String(inside[key])}'`;
        throw new ConfigError(`${where}: ${shorten(own)}: there is no such field${only}`);
      }
      if (field !== undefined) walk(known, field, own);
    }
  };
  walk(given, value, '');
}

/** What no field can say alone. */
function checkTogether(
  config: ExperimentConfig,
  fail: (field: string, text: string) => never,
): void {
  const { model, ppo, rollout, lim, experiment, evaluation } = config;
  if (model.heads % model.kvHeads !== 0) fail('model.kvHeads', `must divide heads ${model.heads}`);
  if (model.hiddenSize % 4 !== 0) fail('model.hiddenSize', 'must be a multiple of 4');
  if (model.headDim % 4 !== 0) fail('model.headDim', 'must be a multiple of 4');
  const pool = poolPromptsOf(config.task);
  if (pool % rollout.prompts !== 0) {
    fail('rollout.prompts', `must divide the ${pool} prompts of the pool, for whole data epochs`);
  }
  const units = rollout.prompts * (ppo.minibatchUnit === 'group' ? 1 : rollout.samples);
  if (units % ppo.minibatches !== 0) {
    fail('ppo.minibatches', `must divide the ${units} ${ppo.minibatchUnit}s of a rollout`);
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
  const arms = experiment.methods.some((method) => method !== 'full');
  const byUpdates = experiment.budget === 'updates';
  const full = byUpdates ? (experiment.epochs * pool) / rollout.prompts : experiment.epochs;
  const longest = Math.max(full, arms ? experiment.armLength : 0);
  if (experiment.tableReadout > longest) {
    const unit = byUpdates ? 'updates' : 'data epochs';
    fail(
      'experiment.tableReadout',
      `no method reaches ${experiment.tableReadout}, the longest has ${longest} ${unit}`,
    );
  }
  if (lim.count !== undefined && lim.count > pool) {
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

/**
 * A preset with some fields replaced: what `limr run CONFIG.json` takes. Objects merge, arrays and
 * numbers replace; so does the member of a union that another one takes the place of, such as
 * `{"name": "bandit", …}` as the task.
 *
 * @param tell Told of settings that another kind of task made follow it, one sentence each.
 * @throws ConfigError as `parseConfig`, or when the preset is unknown.
 */
export function configFrom(
  preset: string,
  overrides: unknown,
  where: string,
  tell: (text: string) => void = () => undefined,
): ExperimentConfig {
  const base = Object.hasOwn(presets, preset) ? presets[preset] : undefined;
  if (!base) {
    throw new ConfigError(
      `${where}: no preset '${preset}', there are ${Object.keys(presets).join(', ')}`,
    );
  }
  if (overrides === undefined) return parseConfig(base, where);
  const merged = merge(asSchema(schema), base, overrides);
  return parse(followTask(merged, overrides, base, tell), where, (field) => {
    const held = (of: unknown): unknown =>
      field.split('.').reduce((at, name) => (isRecord(at) ? fieldOf(at, name) : undefined), of);
    const own = held(base);
    if (own === undefined || held(overrides) !== undefined) return '';
    return ` (it is ${valueText(own)} in the preset ${preset})`;
  });
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

/** A setting in a sentence. */
const valueText = (value: unknown): string =>
  Array.isArray(value) ? value.join(', ') : JSON.stringify(value);

/** The largest divisor of a number that is at most another. */
function divisorUpTo(number: number, most: number): number {
  let divisor = Math.min(number, most);
  while (number % divisor !== 0) divisor--;
  return divisor;
}

/**
 * A preset's sizes go with its own task. Where a config puts a task of another kind in its place,
 * those that it leaves to the preset are taken as near to it as the new pool allows.
 */
function followTask(
  merged: unknown,
  over: unknown,
  base: ExperimentConfig,
  tell: (text: string) => void,
): unknown {
  if (!isRecord(merged) || !isRecord(over)) return merged;
  const found = v.safeParse(task, merged['task']);
  if (!found.success || found.output.name === base.task.name) return merged;
  const pool = poolPromptsOf(found.output);
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

/** One field whose value is not the other config's. */
export interface Override {
  readonly field: string;
  readonly value: unknown;
  readonly reference: unknown;
}

/**
 * Fields of `config` that differ from `reference`, by dotted path; the report lists them. A field
 * that the reference lacks has null there.
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

/** SHA-256 of a config in a canonical form, as hex: what a checkpoint is held against on resume. */
export async function configHash(config: ExperimentConfig): Promise<string> {
  const bytes = new TextEncoder().encode(JSON.stringify(sortKeys(config)));
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
  return [...digest].map((byte) => byte.toString(16).padStart(2, '0')).join('');
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
