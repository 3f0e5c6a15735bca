// The schema that checks every config. `ExperimentConfig` says what the fields mean.
import * as v from 'valibot';
import { seed, share, whole, within } from './checked-numbers.ts';
import { ConfigError } from './config-error.ts';
import type { ExperimentConfig } from './config.ts';
import { fieldOf, isRecord, type JsonRecord, kindOf, shorten } from './formats/json.ts';
import { taskSchema } from './tasks/registry.ts';
import { adapterTargets } from './vocabulary/adapters.ts';
import { budgets } from './vocabulary/budgets.ts';
import { advantageEstimators } from './vocabulary/estimators.ts';
import {
  klEstimators,
  klPlaces,
  lossAggregations,
  minibatchUnits,
  oldLogprobs,
} from './vocabulary/losses.ts';
import { methodName } from './selection/name-schema.ts';
import { lrSchedules } from './vocabulary/schedules.ts';
import { missingRules, signals } from './vocabulary/signals.ts';
import { baseStorages, storages } from './vocabulary/storages.ts';

const optimizer = v.strictObject({
  learningRate: within(0, 1),
  warmupUpdates: whole(0, 1_000_000),
  schedule: v.picklist(lrSchedules),
  horizonUpdates: whole(1, 1e9),
  minimumShare: share,
  beta1: within(0, 0.9999),
  beta2: within(0, 0.99999),
  epsilon: within(1e-12, 1),
  weightDecay: within(0, 1),
  maxGradNorm: within(0, 1e6),
});

const drawnModel = v.strictObject({
  kind: v.exactOptional(v.never()),
  hiddenSize: whole(4, 4096),
  intermediateSize: whole(4, 16_384),
  layers: whole(1, 64),
  heads: whole(1, 64),
  kvHeads: whole(1, 64),
  headDim: whole(4, 256),
  ropeTheta: within(1, 1e8),
  rmsNormEps: within(1e-12, 1),
  tieEmbeddings: v.boolean(),
});

const folderModel = v.strictObject({
  kind: v.literal('folder'),
  path: v.pipe(v.string(), v.minLength(1), v.maxLength(4096)),
});

const adapter = v.strictObject({
  rank: whole(1, 1024),
  alpha: within(1e-6, 1e6),
  rslora: v.exactOptional(v.boolean()),
  targets: v.pipe(v.array(v.picklist(adapterTargets)), v.minLength(1)),
});

const rounds = v.exactOptional(whole(1, 100));

const online = v.strictObject({
  dapo: v.exactOptional(v.strictObject({ rounds })),
  lilo: v.exactOptional(v.strictObject({ memory: v.exactOptional(share) })),
  greso: v.exactOptional(
    v.strictObject({
      explore: v.exactOptional(share),
      exploreLeast: v.exactOptional(share),
      exploreMost: v.exactOptional(share),
      step: v.exactOptional(share),
      easyShare: v.exactOptional(share),
      hardShare: v.exactOptional(share),
      rounds,
    }),
  ),
  retire: v.exactOptional(v.strictObject({ accuracy: v.exactOptional(within(0.01, 1)) })),
  speed: v.exactOptional(
    v.strictObject({
      screenShare: v.exactOptional(within(0.001, 0.999)),
      low: v.exactOptional(share),
      high: v.exactOptional(share),
      rounds,
    }),
  ),
  onlineLim: v.exactOptional(
    v.strictObject({
      leastEpochs: v.exactOptional(whole(2, 1000)),
      resamples: v.exactOptional(whole(1, 1000)),
    }),
  ),
});

/**
 * The schema of a config's JSON: types, ranges, defaults. `parseConfig` has the rules between
 * fields.
 */
export const configSchema = v.strictObject({
  schema: v.literal(1),
  preset: v.string(),
  gradientCheckpointing: v.exactOptional(v.boolean()),
  weightStorage: v.exactOptional(v.picklist(baseStorages)),
  cacheStorage: v.exactOptional(v.picklist(storages)),
  task: taskSchema,
  model: v.variant('kind', [drawnModel, folderModel]),
  adapter: v.exactOptional(v.nullable(adapter)),
  base: v.exactOptional(
    v.strictObject({
      seed,
      updates: whole(0, 1_000_000),
      sequencesPerUpdate: whole(1, 65_536),
      initialScale: within(1e-4, 1),
      optimizer,
    }),
  ),
  rollout: v.strictObject({
    prompts: whole(1, 65_536),
    samples: whole(1, 1024),
    temperature: within(0.01, 10),
    logprobTemperature: within(0.01, 10),
    topK: whole(0, 1_000_000),
    topP: within(1e-6, 1),
    minP: share,
    responseLengths: v.exactOptional(
      v.pipe(
        v.array(v.strictObject({ from: whole(0, 1_000_000), tokens: whole(1, 1 << 20) })),
        v.minLength(1),
        v.maxLength(64),
      ),
    ),
  }),
  ppo: v.strictObject({
    rewardClamp: v.optional(within(1e-6, 1e6), 10),
    whitenScale: v.optional(v.boolean(), true),
    estimator: v.picklist(advantageEstimators),
    gamma: share,
    gaeLambda: share,
    clipLow: within(0, 1),
    clipHigh: within(0, 10),
    valueClip: within(0, 1e6),
    klEstimator: v.picklist(klEstimators),
    klCoef: within(0, 100),
    klIn: v.picklist(klPlaces),
    entropyCoef: within(0, 10),
    oldLogprobs: v.exactOptional(v.picklist(oldLogprobs)),
    updateEpochs: whole(1, 64),
    minibatches: whole(1, 4096),
    minibatchUnit: v.picklist(minibatchUnits),
    lossAggregation: v.picklist(lossAggregations),
    microbatchSequences: whole(1, 65_536),
    valueHeadScale: within(0, 100),
    actor: optimizer,
    critic: optimizer,
  }),
  lim: v.strictObject({
    signal: v.picklist(signals),
    compat: v.picklist(missingRules),
    theta: within(-1e6, 1),
    count: v.exactOptional(whole(1, 1_000_000)),
    linearShare: share,
  }),
  online: v.exactOptional(online),
  sft: v.exactOptional(
    v.strictObject({
      data: v.exactOptional(v.pipe(v.string(), v.nonEmpty(), v.maxLength(4096))),
      length: v.exactOptional(whole(1, 100_000)),
      sequences: v.exactOptional(whole(1, 4096)),
      maxTokens: v.exactOptional(whole(2, 1 << 20)),
      learningRate: v.exactOptional(within(0, 1)),
      warmupUpdates: v.exactOptional(whole(0, 1_000_000)),
      schedule: v.exactOptional(v.picklist(lrSchedules)),
    }),
  ),
  experiment: v.strictObject({
    epochs: whole(1, 1000),
    methods: v.pipe(v.array(methodName), v.minLength(1)),
    budget: v.picklist(budgets),
    armLength: whole(1, 100_000),
    fullLength: v.exactOptional(whole(1, 1_000_000)),
    readouts: v.array(whole(1, 1_000_000)),
    tableReadout: whole(1, 1_000_000),
    checkpointEvery: whole(1, 1_000_000),
    keepWeights: v.exactOptional(v.boolean()),
  }),
  evaluation: v.strictObject({
    prompts: whole(1, 1_000_000),
    samples: whole(0, 64),
    temperature: within(0.01, 10),
    topP: within(1e-6, 1),
  }),
}) satisfies v.GenericSchema<unknown, ExperimentConfig>;

/** The parts of a valibot schema that are needed to walk a config. */
export interface Schema {
  /** The kind of schema, such as `nullable`. */
  readonly type?: string;
  /** The fields of an object. */
  readonly entries?: Readonly<Record<string, Schema>>;
  /** The field that tells the members of a union apart. */
  readonly key?: string;
  /** The members of a union. */
  readonly options?: readonly Schema[];
  /** The item of a list. */
  readonly item?: Schema;
  /**
   * The schema that an optional schema wraps; in `pipe`, the schema that a checked schema begins
   * with.
   */
  readonly wrapped?: Schema;
  readonly pipe?: readonly Schema[];
  /** The value of a literal. */
  readonly literal?: unknown;
}

export const asSchema = (given: v.GenericSchema): Schema => given;

export const unwrapped = (given: Schema): Schema => {
  const inner = given.wrapped ?? given.pipe?.[0];
  return inner && inner !== given ? unwrapped(inner) : given;
};

/**
 * The member of a union that a value belongs to, by the discriminating field. A value without the
 * field belongs to the member that need not have it.
 */
export function memberOf(
  { key = '', options = [] }: Schema,
  value: JsonRecord,
): Schema | undefined {
  const own = fieldOf(value, key);
  return options.find(({ entries }) => {
    const field = entries?.[key];
    return own === undefined ? field?.wrapped !== undefined : field?.literal === own;
  });
}

/** Whether a schema accepts null. */
const takesNull = (given: Schema): boolean =>
  given.type === 'nullable' || (given.wrapped !== undefined && takesNull(given.wrapped));

/**
 * Refuses fields that a schema does not have. Valibot alone does not suffice: it accepts names that
 * every object inherits (`constructor`), and takes `__proto__` for other fields.
 *
 * @throws ConfigError naming the field.
 */
export function expectKnownFields(given: Schema, value: unknown, where: string): void {
  const walk = (at: Schema, inside: unknown, path: string): void => {
    if (inside === null && takesNull(at)) return;
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
    if (!member?.entries) return; // valibot refuses a key that names no member
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
