import * as v from 'valibot';
import { ConfigError } from '../config-error.ts';
import { configFrom, configHash, type ExperimentConfig } from '../config.ts';
import { issueText } from '../config-issue.ts';
import { digestOf } from '../formats/digest.ts';
import { fieldOf, isRecord, type JsonRecord, type JsonValue, shorten } from '../formats/json.ts';
import { passConfig } from '../shared-pass.ts';
import { methodName } from '../selection/name-schema.ts';
import type { MethodName } from '../selection/methods.ts';

/** A grid of experiments: every combination of its factors' values, for every seed. */
export interface Grid {
  readonly preset: string;
  /** Fields that replace those of the preset, in every cell. */
  readonly config?: JsonRecord;
  /** Values of settings, by the dotted paths of the settings in a config. */
  readonly factors: Readonly<Record<string, readonly JsonValue[]>>;
  /** The methods of every cell; FULL is always among them. */
  readonly methods: readonly MethodName[];
  readonly seeds: readonly number[];
}

/** A cell of a grid: one config and one seed. */
export interface PlannedCell {
  /** Hash of config and seed; the name of the cell's folder. */
  readonly hash: string;
  /** The cell's value of each factor, by the dotted path of the setting. */
  readonly factors: Readonly<Record<string, JsonValue>>;
  readonly seed: number;
  readonly config: ExperimentConfig;
  /** The FULL pass that the cell begins with; undefined if the cell can share none. */
  readonly pass: PlannedPass | undefined;
}

/** A FULL pass that cells share. */
export interface PlannedPass {
  /** Hash of the pass's config and seed; the name of its folder. */
  readonly hash: string;
  readonly config: ExperimentConfig;
}

/** Most cells of a grid. */
const MOST_CELLS = 100_000;
/** Most values of a factor, seeds and methods. */
const MOST_VALUES = 10_000;
/** Characters of a hash: 64 bits tell a hundred thousand cells apart. */
const HASH_LENGTH = 16;

const list = <Item extends v.GenericSchema>(item: Item) =>
  v.pipe(v.array(item), v.minLength(1), v.maxLength(MOST_VALUES));
const record = v.custom<JsonRecord>(isRecord, 'an object');

const gridSchema = v.strictObject({
  preset: v.optional(v.string(), 'quick'),
  config: v.exactOptional(record),
  factors: v.optional(record, {}),
  methods: list(methodName),
  seeds: list(v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(0xffff_ffff))),
});

/** Settings that a grid gives elsewhere. */
const elsewhere: Readonly<Record<string, string>> = {
  schema: 'it is always 1',
  preset: '`preset` of the grid gives it',
  'experiment.methods': '`methods` of the grid gives them',
};

/**
 * Parses a grid. The order of its factors and values is the order of its cells.
 *
 * @param where The file, for messages.
 * @throws ConfigError naming field and value.
 */
export function parseGrid(input: unknown, where: string): Grid {
  const fail = (text: string): never => {
    throw new ConfigError(`${where}: ${text}`);
  };
  const parsed = v.safeParse(gridSchema, input, { abortEarly: true });
  if (!parsed.success) return fail(issueText(parsed.issues[0]));
  const { preset, config, seeds } = parsed.output;
  const methods: MethodName[] = [...new Set<MethodName>(['full', ...parsed.output.methods])];
  const twiceMethod = repeated(parsed.output.methods);
  if (twiceMethod !== undefined) fail(`methods: '${shorten(twiceMethod)}' is given twice`);
  const twiceSeed = repeated(seeds);
  if (twiceSeed !== undefined) fail(`seeds: ${twiceSeed} is given twice`);
  const factors = new Map<string, readonly JsonValue[]>();
  for (const [key, values] of Object.entries(parsed.output.factors)) {
    factors.set(key, factorValues(key, values, fail));
  }
  const keys = [...factors.keys()];
  for (const key of keys) {
    const inside = keys.find((other) => key.startsWith(`${other}.`));
    if (inside !== undefined) fail(`factors: ${shorten(key)} is a part of the factor ${inside}`);
  }
  if (config && isRecord(fieldOf(config, 'experiment'))) {
    const own = fieldOf(config, 'experiment') as JsonRecord;
    if (fieldOf(own, 'methods') !== undefined) {
      fail('config: experiment.methods: `methods` of the grid gives them');
    }
  }
  const cells = [...factors.values()].reduce((size, { length }) => size * length, seeds.length);
  if (cells > MOST_CELLS) fail(`factors: ${cells} cells, more than the ${MOST_CELLS} allowed`);
  return {
    preset,
    ...(config ? { config } : {}),
    factors: Object.fromEntries(factors),
    methods,
    seeds,
  };
}

/** The first item that a list has twice; undefined if there is none. */
const repeated = <Item>(items: readonly Item[]): Item | undefined =>
  items.find((item, i) => items.indexOf(item) !== i);

function factorValues(
  key: string,
  values: unknown,
  fail: (text: string) => never,
): readonly JsonValue[] {
  const name = shorten(key);
  if (!/^[a-z]\w*(?:\.[a-z]\w*)*$/i.test(key) || key.split('.').some(isUnsafe)) {
    fail(`factors: ${name}: must be the dotted path of a setting, such as lim.count`);
  }
  const why = Object.hasOwn(elsewhere, key) ? elsewhere[key] : undefined;
  if (why !== undefined) fail(`factors: ${name}: is no factor: ${why}`);
  if (!Array.isArray(values) || values.length === 0) {
    return fail(`factors: ${name}: must be a list of at least one value`);
  }
  if (values.length > MOST_VALUES) {
    fail(`factors: ${name}: ${values.length} values, more than the ${MOST_VALUES} allowed`);
  }
  const texts = values.map((value) => JSON.stringify(value));
  const twice = repeated(texts);
  if (twice !== undefined) fail(`factors: ${name}: ${shorten(twice)} is given twice`);
  return values as readonly JsonValue[];
}

const isUnsafe = (part: string): boolean => part in {};

/** The combinations of factors, the last factor changing fastest. */
function combinations(factors: Grid['factors']): Record<string, JsonValue>[] {
  let all: Record<string, JsonValue>[] = [{}];
  for (const [key, values] of Object.entries(factors)) {
    all = all.flatMap((one) => values.map((value) => ({ ...one, [key]: value })));
  }
  return all;
}

/** A record with a value at a dotted path. Records on the way are copied. */
function withValue(
  record: JsonRecord,
  [name = '', ...rest]: readonly string[],
  value: JsonValue,
): JsonRecord {
  if (rest.length === 0) return { ...record, [name]: value };
  const inner = fieldOf(record, name);
  return { ...record, [name]: withValue(isRecord(inner) ? inner : {}, rest, value) };
}

/** A combination of factors in words: `lim.count 32, task.wrongKeyShare 0.1`. */
export const factorsText = (factors: Readonly<Record<string, JsonValue>>): string =>
  Object.entries(factors)
    .map(([key, value]) => `${key} ${JSON.stringify(value)}`)
    .join(', ');

/** The name of the folder of a config, by its hash, and a seed. */
const folderHash = (config: string, seed: number): string =>
  digestOf(JSON.stringify([config, seed])).slice(0, HASH_LENGTH);

/**
 * The cells of a grid. All cells of a seed come before those of the next: a sweep that is not
 * finished has whole comparisons. Paths in configs stay as the grid gives them, and count as such.
 *
 * @param where The file of the grid, for messages.
 * @param tell Receives each sentence about settings that were adapted to another kind of task.
 * @throws ConfigError naming factors, field and value.
 */
export async function cellsOf(
  grid: Grid,
  where: string,
  tell: (text: string) => void = () => undefined,
): Promise<PlannedCell[]> {
  const { preset, config = {}, methods, seeds } = grid;
  const told = new Set<string>();
  const configs: (Pick<PlannedCell, 'factors' | 'config'> & HashedConfigs)[] = [];
  for (const factors of combinations(grid.factors)) {
    const text = factorsText(factors);
    const own = Object.entries(factors).reduce<JsonRecord>(
      (record, [key, value]) => withValue(record, key.split('.'), value),
      withValue(config, ['experiment', 'methods'], methods),
    );
    const name = text === '' ? where : `${where}, where ${shorten(text)}`;
    const whole = configFrom(preset, own, name, (one) => told.add(one));
    configs.push({ factors, config: whole, ...(await hashedConfigs(whole)) });
  }
  for (const text of told) tell(text);
  const known = new Map<string, Pick<PlannedCell, 'factors'>>();
  for (const one of configs) {
    const other = known.get(one.hash);
    if (other) {
      const [a, b] = [other, one].map(({ factors }) => shorten(factorsText(factors)));
      throw new ConfigError(`${where}: factors: the same experiment twice: ${a}; ${b}`);
    }
    known.set(one.hash, one);
  }
  return seeds.flatMap((seed) =>
    configs.map(({ factors, config: own, hash, pass }) => ({
      hash: folderHash(hash, seed),
      factors,
      seed,
      config: own,
      pass: pass && { hash: folderHash(pass.hash, seed), config: pass.config },
    })),
  );
}

/** Hashes of a config and of its FULL pass, without a seed. */
interface HashedConfigs {
  readonly hash: string;
  readonly pass: PlannedPass | undefined;
}

async function hashedConfigs(config: ExperimentConfig): Promise<HashedConfigs> {
  const pass = passConfig(config);
  return {
    hash: await configHash(config),
    pass: pass && { hash: await configHash(pass), config: pass },
  };
}

/**
 * The cells of one shard of a grid. Cells that share a FULL pass are in one shard, so no two shards
 * make the same pass.
 *
 * @param of.shard The shard, from 1.
 */
export function cellsOfShard(
  cells: readonly PlannedCell[],
  { shard, of }: { readonly shard: number; readonly of: number },
): PlannedCell[] {
  const groups = new Map<string, number>();
  return cells.filter(({ hash, pass }) => {
    const group = pass?.hash ?? hash;
    const place = groups.get(group) ?? groups.size;
    groups.set(group, place);
    return place % of === shard - 1;
  });
}
