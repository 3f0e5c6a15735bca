import { ConfigError } from '../../config-error.ts';
import { readText } from '../../formats/byte-source.ts';
import { FormatError } from '../../formats/format-error.ts';
import { expectNoPointer } from '../../formats/git-lfs.ts';
import {
  fieldOf,
  isRecord,
  type JsonRecord,
  kindOf,
  parseJson,
  shorten,
} from '../../formats/json.ts';
import { openSafetensors, type SafetensorsSource } from '../../formats/safetensors-source.ts';
import {
  float32Entry,
  SafetensorsError,
  toFloat32,
  writeSafetensors,
} from '../../formats/safetensors.ts';
import type { AdapterSpec } from '../../vocabulary/adapters.ts';
import type { AdapterPlan, PartAdapter } from '../adapters.ts';
import type { ModelConfig } from '../config.ts';
import { type OpenModelFile, smallJson } from '../model-directory.ts';
import { peftName } from './names.ts';
import {
  adaptableModules,
  type PeftModule,
  type PeftTargets,
  resolveTargets,
} from './peft-targets.ts';

/** The numbers of an adapter that hold where no pattern says otherwise. */
export type AdapterNumbers = Pick<AdapterSpec, 'rank' | 'alpha' | 'rslora'>;

/** An adapter of a file, as far as the model that it fits says. */
export interface PeftAdapter {
  /** Rank and scale of each adapted part. */
  readonly plan: AdapterPlan;
  /** General rank, alpha and rule of the scale. */
  readonly numbers: AdapterNumbers;
  /** A f32 (rank, K) and B f32 (N, rank) of each adapted part, by their names in the file. */
  readonly tensors: ReadonlyMap<string, Float32Array>;
  /** A critic's head, f32 (1, C); undefined for the adapter of a language model. */
  readonly score?: Float32Array;
  /** Sentences for the user about how the files were read. */
  readonly notes: readonly string[];
}

/** What an adapter is read for. */
export interface AdapterUse {
  /** Refuses a critic's adapter for `lm`, a language model's for `value`; left out: takes either. */
  readonly head?: 'lm' | 'value';
  /** Refuses dropout, which training does not apply. Default false. */
  readonly training?: boolean;
}

const configFile = 'adapter_config.json';
const tensorsFile = 'adapter_model.safetensors';

/** A larger rank means a damaged file: no matrix of 2026 has as many rows. */
const largestRank = 2 ** 16;

/** Targets of an adapter whose config names none, of every architecture here. */
const usualTargets = ['q_proj', 'v_proj'];

/** Modules beside the matrices that a critic's adapter brings along. */
const critics = ['classifier', 'score'];

/** The part of a layout that is a critic's head. */
const headPart = 'score';

/** Fields that only say where an adapter comes from, or how its training begins. */
const withoutEffect = new Set([
  'auto_mapping',
  'base_model_name_or_path',
  'corda_config',
  'ensure_weight_tying',
  'eva_config',
  'fan_in_fan_out',
  'inference_mode',
  'lora_ga_config',
  'loftq_config',
  'megatron_core',
  'peft_version',
  'qalora_group_size',
  'revision',
  'runtime_config',
]);

/** Features that change what an adapter computes, by the field that turns them on. */
const notImplemented: Readonly<Record<string, string>> = {
  alora_invocation_tokens: 'aLoRA',
  arrow_config: 'Arrow',
  kasa_config: 'KaSA',
  layer_replication: 'replication of layers',
  lora_bias: 'a bias of B',
  megatron_config: 'Megatron',
  monteclora_config: 'MonteCLoRA',
  target_parameters: 'an adapter of bare parameters',
  trainable_token_indices: 'training of single tokens',
  use_bdlora: 'BD-LoRA',
  use_dora: 'DoRA',
  use_qalora: 'QA-LoRA',
  velora_config: 'VeLoRA',
};

/** Ways to begin that leave the base as it is. */
const harmlessBeginnings: readonly unknown[] = [true, false, 'gaussian', 'eva', 'orthogonal'];

/**
 * Reads an adapter in PEFT's layout: `adapter_config.json` and `adapter_model.safetensors`. Numbers
 * of f16 and bf16 become f32. Nothing is read of a tensor before its shape is known to fit.
 *
 * @param openFile Opens a file of the adapter's folder by its bare name; undefined where there is
 *   none.
 * @param where The folder's name in errors.
 * @throws FormatError, ConfigError or SafetensorsError naming file and field or tensor: a missing
 *   or damaged file, a feature that is not implemented, or an adapter that does not fit the model.
 */
export async function readAdapter(
  openFile: OpenModelFile,
  config: ModelConfig,
  where: string,
  use: AdapterUse = {},
): Promise<PeftAdapter> {
  const source = await openFile(configFile);
  if (!source) throw new FormatError(`${where}: no ${configFile}`);
  await expectNoPointer(source);
  const json = parseJson(await readText(source, smallJson), source.name);
  if (!isRecord(json)) throw new FormatError(`${source.name}: must be an object`);
  const { targets, dropout, hasHead, notes } = readConfig(json, source.name);
  if (use.training && dropout > 0) {
    throw new ConfigError(`${source.name}: lora_dropout ${dropout} is not implemented in training`);
  }
  if (use.head !== undefined && hasHead !== (use.head === 'value')) {
    const what = hasHead ? "a critic's adapter" : 'the adapter of a language model';
    const wanted = hasHead ? 'a language model has no such head' : 'a critic needs a score';
    throw new ConfigError(
      `${source.name}: task_type and modules_to_save make it ${what}; ${wanted}`,
    );
  }
  const plan = await resolveTargets(targets, config, source.name);

  const weights = await openFile(tensorsFile);
  if (!weights) {
    const pickled = (await openFile('adapter_model.bin')) !== undefined;
    const why = pickled ? '; adapter_model.bin may hold code and is never read' : '';
    throw new FormatError(`${where}: no ${tensorsFile}${why}`);
  }
  await expectNoPointer(weights);
  const file = await openSafetensors(weights);
  const shapes = adapterShapes(config, plan, hasHead);
  expectTensors(file, shapes);
  const head = peftName(config.architecture, headPart);
  const tensors = new Map<string, Float32Array>();
  let score: Float32Array | undefined;
  for (const name of shapes.keys()) {
    const data = toFloat32(await file.read(name), file.name);
    const bad = data.find((value) => !Number.isFinite(value));
    if (bad !== undefined) {
      throw new SafetensorsError(`${file.name}: tensor '${name}' holds ${bad}`);
    }
    if (name === head) score = data;
    else tensors.set(name, data);
  }
  const { rank, alpha, rslora } = targets;
  const numbers = { rank, alpha, rslora };
  return { plan, numbers, tensors, ...(score ? { score } : {}), notes };
}

/** Shape of each tensor of an adapter by its name in the file, sorted by name. */
function adapterShapes(
  config: ModelConfig,
  plan: AdapterPlan,
  hasHead: boolean,
): Map<string, readonly number[]> {
  const { architecture, hiddenSize } = config;
  const shapes: [string, readonly number[]][] = [];
  for (const { part, shape } of adaptedModules(config, plan)) {
    const { rank } = partOf(plan, part);
    const [outputs, inputs] = shape;
    shapes.push([peftName(architecture, part, 'A'), [rank, inputs]]);
    shapes.push([peftName(architecture, part, 'B'), [outputs, rank]]);
  }
  if (hasHead) shapes.push([peftName(architecture, headPart), [1, hiddenSize]]);
  return new Map(shapes.sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** The adapted matrices, in the order of files. @throws RangeError when a plan has other parts. */
function adaptedModules(config: ModelConfig, plan: AdapterPlan): PeftModule[] {
  const found = adaptableModules(config).filter(({ part }) => plan.has(part));
  if (found.length === plan.size) return found;
  const known = new Set(found.map(({ part }) => part));
  const other = [...plan.keys()].find((part) => !known.has(part)) ?? '';
  throw new RangeError(`${config.architecture} has no matrix '${other}' to adapt`);
}

function partOf(plan: AdapterPlan, part: string): PartAdapter {
  const found = plan.get(part);
  if (!found) throw new RangeError(`no adapter of '${part}'`);
  return found;
}

/** @throws SafetensorsError unless a file holds exactly the tensors of an adapter. */
function expectTensors(
  { name: where, slots }: SafetensorsSource,
  shapes: ReadonlyMap<string, readonly number[]>,
): void {
  for (const name of slots.keys()) {
    if (shapes.has(name)) continue;
    const module = /^base_model\.model\.(?:model\.)?(embed_tokens|lm_head)\./.exec(name)?.[1];
    const why =
      module === undefined
        ? `is no part of the adapter that ${configFile} describes`
        : `brings its own ${module}, which is not implemented`;
    throw new SafetensorsError(`${where}: tensor '${shorten(name)}' ${why}`);
  }
  for (const [name, wanted] of shapes) {
    const slot = slots.get(name);
    if (!slot) throw new SafetensorsError(`${where}: no tensor '${name}'`);
    const { shape, dtype } = slot;
    if (shape.join() !== wanted.join()) {
      throw new SafetensorsError(
        `${where}: tensor '${name}' must be (${wanted.join(', ')}), is (${shape.join(', ')})`,
      );
    }
    if (dtype !== 'F32' && dtype !== 'F16' && dtype !== 'BF16') {
      throw new SafetensorsError(
        `${where}: tensor '${name}' must be F32, F16 or BF16, is ${dtype}`,
      );
    }
  }
}

/** What an `adapter_config.json` says. */
interface AdapterConfig {
  readonly targets: PeftTargets;
  readonly dropout: number;
  /** Whether the file holds a critic's head. */
  readonly hasHead: boolean;
  readonly notes: readonly string[];
}

/** @throws ConfigError on an impossible field, or a feature that is not implemented. */
function readConfig(json: JsonRecord, where: string): AdapterConfig {
  const fields = new Fields(json, where);
  const type = fields.take('peft_type');
  if (type !== 'LORA') fields.fail('peft_type', `must be 'LORA', is ${kindOf(type)}`);
  for (const [name, feature] of Object.entries(notImplemented)) {
    if (!isOff(fields.take(name)))
      fields.fail(name, `asks for ${feature}, which is not implemented`);
  }
  const bias = fields.take('bias') ?? 'none';
  if (bias !== 'none') fields.fail('bias', `must be 'none', is ${kindOf(bias)}`);
  const beginning = fields.take('init_lora_weights') ?? true;
  if (!harmlessBeginnings.includes(beginning)) {
    fields.fail('init_lora_weights', `is ${kindOf(beginning)}, which is not implemented`);
  }
  const task = fields.take('task_type') ?? 'CAUSAL_LM';
  if (task !== 'CAUSAL_LM' && task !== 'SEQ_CLS') {
    fields.fail('task_type', `must be 'CAUSAL_LM' or 'SEQ_CLS', is ${kindOf(task)}`);
  }
  const saved = fields.texts('modules_to_save');
  const other = saved.find((name) => !critics.includes(name));
  if (other !== undefined) {
    fields.fail('modules_to_save', `holds '${shorten(other)}', which is not implemented`);
  }
  const targetModules = fields.textOrTexts('target_modules') ?? usualTargets;
  const layers = fields.layers('layers_to_transform');
  const layersPattern = fields.textOrTexts('layers_pattern') ?? [];
  if (typeof targetModules === 'string') {
    const idle = layers ? 'layers_to_transform' : layersPattern.length > 0 && 'layers_pattern';
    if (idle) fields.fail(idle, 'needs target_modules to be a list');
  }
  if (layersPattern.length > 0 && !layers)
    fields.fail('layers_pattern', 'needs layers_to_transform');
  const targets: PeftTargets = {
    rank: fields.rank('r'),
    alpha: fields.alpha('lora_alpha'),
    rslora: fields.flag('use_rslora'),
    targetModules,
    excludeModules: fields.textOrTexts('exclude_modules') ?? [],
    layers: layers ?? [],
    layersPattern: typeof layersPattern === 'string' ? [layersPattern] : layersPattern,
    rankPattern: fields.pattern('rank_pattern', (value, name) => fields.rankOf(value, name)),
    alphaPattern: fields.pattern('alpha_pattern', (value, name) => fields.alphaOf(value, name)),
  };
  const dropout = fields.dropout('lora_dropout');
  const notes = fields
    .left()
    .map((name) => `${where}: the field '${shorten(name)}' is unknown, and has no effect`);
  const hasHead = task === 'SEQ_CLS' || saved.length > 0;
  return { targets, dropout, hasHead, notes };
}

/** Whether a field turns its feature off: absent, null, false, or empty. */
const isOff = (value: unknown): boolean =>
  value === undefined ||
  value === null ||
  value === false ||
  (Array.isArray(value) && value.length === 0) ||
  (isRecord(value) && Object.keys(value).length === 0);

/** The fields of an `adapter_config.json`, which notes those that nothing asked for. */
class Fields {
  readonly #json: JsonRecord;
  readonly #where: string;
  readonly #taken = new Set<string>();

  constructor(json: JsonRecord, where: string) {
    this.#json = json;
    this.#where = where;
  }

  fail(name: string, why: string): never {
    throw new ConfigError(`${this.#where}: ${name} ${why}`);
  }

  take(name: string): unknown {
    this.#taken.add(name);
    return fieldOf(this.#json, name);
  }

  /** Fields that nothing asked for, and that are not known to have no effect. */
  left(): string[] {
    return Object.keys(this.#json).filter(
      (name) => !this.#taken.has(name) && !withoutEffect.has(name) && !isOff(this.#json[name]),
    );
  }

  rank(name: string): number {
    return this.rankOf(this.take(name) ?? 8, name);
  }

  rankOf(value: unknown, name: string): number {
    if (Number.isInteger(value) && (value as number) >= 1 && (value as number) <= largestRank) {
      return value as number;
    }
    return this.fail(name, `must be a whole number from 1 to ${largestRank}, is ${kindOf(value)}`);
  }

  alpha(name: string): number {
    return this.alphaOf(this.take(name) ?? 8, name);
  }

  alphaOf(value: unknown, name: string): number {
    if (typeof value === 'number' && Number.isFinite(value)) return value;
    return this.fail(name, `must be a finite number, is ${kindOf(value)}`);
  }

  dropout(name: string): number {
    const value = this.take(name) ?? 0;
    if (typeof value === 'number' && value >= 0 && value <= 1) return value;
    return this.fail(name, `must be a number from 0 to 1, is ${kindOf(value)}`);
  }

  flag(name: string): boolean {
    const value = this.take(name) ?? false;
    if (typeof value === 'boolean') return value;
    return this.fail(name, `must be true or false, is ${kindOf(value)}`);
  }

  textOrTexts(name: string): string | string[] | undefined {
    const value = this.take(name) ?? undefined;
    return typeof value === 'string' || value === undefined ? value : this.#textsOf(value, name);
  }

  texts(name: string): string[] {
    return this.#textsOf(this.take(name) ?? [], name);
  }

  #textsOf(value: unknown, name: string): string[] {
    if (Array.isArray(value) && value.every((item) => typeof item === 'string')) return value;
    return this.fail(name, `must be a list of texts, is ${kindOf(value)}`);
  }

  /** One layer or several; undefined where layers are not chosen. */
  layers(name: string): number[] | undefined {
    const value = this.take(name) ?? undefined;
    if (value === undefined) return undefined;
    const list: unknown[] = Array.isArray(value) ? value : [value];
    if (!list.every((item) => Number.isSafeInteger(item))) {
      this.fail(name, `must be a layer or a list of layers, is ${kindOf(value)}`);
    }
    return list as number[];
  }

  pattern(name: string, valueOf: (value: unknown, name: string) => number): Map<string, number> {
    const value = this.take(name) ?? {};
    if (!isRecord(value)) return this.fail(name, `must be an object, is ${kindOf(value)}`);
    const entries = Object.entries(value);
    return new Map(
      entries.map(([key, own]) => [key, valueOf(own, `${name} '${shorten(key)}'`)] as const),
    );
  }
}

/**
 * The files of an adapter in PEFT's layout: those that `readAdapter` reads. Equal adapters give
 * equal bytes.
 *
 * @param tensors A f32 (rank, K) and B f32 (N, rank) of each part, by their names in files.
 * @param options.baseName Name or path of the base model that the file names; null for none.
 * @param options.numbers General rank, alpha and rule of the scale; parts that differ get a pattern
 *   of their own. Left out: those of most parts.
 * @param options.score A critic's head, f32 (1, C).
 * @throws RangeError when a tensor is missing, has the wrong number of elements, or belongs to no
 *   part of the plan.
 */
export function adapterFiles(
  config: ModelConfig,
  plan: AdapterPlan,
  tensors: ReadonlyMap<string, Float32Array>,
  options: {
    readonly baseName: string | null;
    readonly numbers?: AdapterNumbers | undefined;
    readonly score?: Float32Array | undefined;
  },
): Map<string, Uint8Array<ArrayBuffer>> {
  const { score } = options;
  const shapes = adapterShapes(config, plan, score !== undefined);
  const head = peftName(config.architecture, headPart);
  const entries = [...shapes].map(([name, shape]) => {
    const data = name === head ? score : tensors.get(name);
    const size = shape.reduce((product, n) => product * n, 1);
    if (data?.length !== size) {
      const found = data ? `has ${data.length} elements` : 'is missing';
      throw new RangeError(`tensor '${name}' must be (${shape.join(', ')}), ${found}`);
    }
    return float32Entry(name, shape, data);
  });
  for (const name of tensors.keys()) {
    if (!shapes.has(name)) throw new RangeError(`tensor '${name}' is no part of the adapter`);
  }
  const json = JSON.stringify(configOf(config, plan, options), null, 2);
  return new Map([
    [tensorsFile, writeSafetensors(entries, { format: 'pt' })],
    [configFile, new TextEncoder().encode(`${json}\n`)],
  ]);
}

function configOf(
  config: ModelConfig,
  plan: AdapterPlan,
  { baseName, numbers = numbersOf(plan), score }: Parameters<typeof adapterFiles>[3],
): JsonRecord {
  const { rank, alpha, rslora = false } = numbers;
  const modules = adaptedModules(config, plan);
  const ranks: [string, number][] = [];
  const alphas: [string, number][] = [];
  for (const { name, part } of modules) {
    const own = partOf(plan, part);
    const ownAlpha = alphaOf(own, rslora);
    if (own.rank !== rank) ranks.push([name, own.rank]);
    if (ownAlpha !== alpha) alphas.push([name, ownAlpha]);
  }
  // Sorted by name, as PEFT sorts its fields.
  return {
    alpha_pattern: Object.fromEntries(alphas.sort()),
    base_model_name_or_path: baseName,
    bias: 'none',
    fan_in_fan_out: false,
    inference_mode: true,
    init_lora_weights: true,
    lora_alpha: alpha,
    lora_dropout: 0,
    modules_to_save: score ? critics : null,
    peft_type: 'LORA',
    r: rank,
    rank_pattern: Object.fromEntries(ranks.sort()),
    target_modules: targetsOf(config, modules),
    task_type: score ? 'SEQ_CLS' : 'CAUSAL_LM',
    use_dora: false,
    use_rslora: rslora,
  };
}

/** Ends of names that mean exactly these modules: short where all layers have the matrix. */
function targetsOf({ layers }: ModelConfig, modules: readonly PeftModule[]): string[] {
  const byEnd = new Map<string, string[]>();
  for (const { name } of modules) {
    const end = name.slice(name.lastIndexOf('.') + 1);
    byEnd.set(end, [...(byEnd.get(end) ?? []), name]);
  }
  return [...byEnd].flatMap(([end, names]) => (names.length === layers ? [end] : names)).sort();
}

/** The alpha that gives a part its scale. */
function alphaOf({ rank, scale }: PartAdapter, rslora: boolean): number {
  const divisor = rslora ? Math.sqrt(rank) : rank;
  // A product may be off in its last bits: the short number that divides to the scale is meant.
  const short = Number((scale * divisor).toPrecision(14));
  return short / divisor === scale ? short : scale * divisor;
}

/** Rank and alpha of most parts, by the rule of the scale that gives whole alphas. */
function numbersOf(plan: AdapterPlan): AdapterNumbers {
  const parts = [...plan.values()];
  const isWhole = (rslora: boolean): boolean =>
    parts.every((part) => Number.isInteger(alphaOf(part, rslora)));
  const rslora = !isWhole(false) && isWhole(true);
  return {
    rank: mostOf(parts.map(({ rank }) => rank)),
    alpha: mostOf(parts.map((part) => alphaOf(part, rslora))),
    rslora,
  };
}

/** The number that occurs most often; the least of several. */
function mostOf(numbers: readonly number[]): number {
  const counts = new Map<number, number>();
  for (const number of numbers) counts.set(number, (counts.get(number) ?? 0) + 1);
  const [most] = [...counts].sort(([a, i], [b, j]) => j - i || a - b);
  return most?.[0] ?? 1;
}
