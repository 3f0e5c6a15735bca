import { ConfigError } from '../config-error.ts';

/** Families that the one transformer covers; they differ in biases, norms and defaults only. */
export type Architecture = 'llama' | 'qwen2' | 'qwen3';

/** Shape and constants of a decoder. Widths are in elements, positions and ids in tokens. */
export interface ModelConfig {
  readonly architecture: Architecture;
  readonly vocabSize: number;
  readonly hiddenSize: number;
  readonly intermediateSize: number;
  readonly layers: number;
  readonly heads: number;
  /** Key and value heads; divides `heads`. */
  readonly kvHeads: number;
  /** Even; `heads * headDim` need not be `hiddenSize`. */
  readonly headDim: number;
  readonly ropeTheta: number;
  readonly rmsNormEps: number;
  /** The output projection is the embedding matrix, and the file has no `lm_head.weight`. */
  readonly tieEmbeddings: boolean;
  /** Biases on the query, key and value projections. */
  readonly qkvBias: boolean;
  /** RMSNorm over each query and key head before RoPE. */
  readonly qkNorm: boolean;
  /** Longest sequence that the model was made for. */
  readonly maxPositions: number;
  readonly bosTokenId: number | null;
  readonly eosTokenIds: readonly number[];
  readonly padTokenId: number | null;
}

/** What the family fixes, and what transformers assumes where a config.json is silent. */
const families = {
  llama: { qkvBias: false, qkNorm: false, maxPositions: 2048, headDim: null, title: 'Llama' },
  qwen2: { qkvBias: true, qkNorm: false, maxPositions: 32_768, headDim: null, title: 'Qwen2' },
  qwen3: { qkvBias: false, qkNorm: true, maxPositions: 32_768, headDim: 128, title: 'Qwen3' },
} as const;

const architectures = Object.keys(families) as Architecture[];
/** Sizes past this are a damaged file, and products of two of them stay exact. */
const largestSize = 2 ** 24;

type Json = Readonly<Record<string, unknown>>;

/**
 * Reads a Hugging Face `config.json`, in the current layout (`rope_parameters`) or the one before
 * 2026 (`rope_theta`, `rope_scaling`). Dtypes are not read: each tensor in a file says its own.
 *
 * @param where The file's name, for messages.
 * @throws ConfigError on a missing or impossible field, or a feature that is not implemented.
 */
export function parseHfConfig(json: unknown, where: string): ModelConfig {
  const fields = new Fields(asObject(json, where, 'the file'), where);
  const architecture = readArchitecture(fields);
  const family = families[architecture];
  refuseUnimplemented(fields, architecture);

  const hiddenSize = fields.size('hidden_size');
  const heads = fields.size('num_attention_heads');
  const kvHeads = fields.sizeOr('num_key_value_heads', heads);
  if (heads % kvHeads !== 0) {
    fields.fail('num_key_value_heads', `must divide num_attention_heads ${heads}, is ${kvHeads}`);
  }
  const headDim = fields.sizeOr('head_dim', family.headDim ?? hiddenSize / heads);
  if (headDim % 2 !== 0) {
    fields.fail('head_dim', `must be even (hidden_size / num_attention_heads), is ${headDim}`);
  }
  const vocabSize = fields.size('vocab_size');
  return {
    architecture,
    vocabSize,
    hiddenSize,
    intermediateSize: fields.size('intermediate_size'),
    layers: fields.size('num_hidden_layers'),
    heads,
    kvHeads,
    headDim,
    ropeTheta: readRopeTheta(fields),
    rmsNormEps: fields.positiveOr('rms_norm_eps', 1e-6),
    tieEmbeddings: fields.flagOr('tie_word_embeddings', false),
    qkvBias: family.qkvBias,
    qkNorm: family.qkNorm,
    maxPositions: fields.sizeOr('max_position_embeddings', family.maxPositions),
    bosTokenId: fields.tokenIds('bos_token_id', vocabSize)[0] ?? null,
    eosTokenIds: fields.tokenIds('eos_token_id', vocabSize),
    padTokenId: fields.tokenIds('pad_token_id', vocabSize)[0] ?? null,
  };
}

/**
 * The `config.json` of a model, with theta and dtype under both their names so that transformers
 * before and after version 5 read it.
 *
 * @param dtype Storage type of the weights beside it, as torch names it.
 * @throws ConfigError when the architecture does not have the biases or norms that the model has.
 */
export function toHfConfig(
  config: ModelConfig,
  dtype: 'float32' | 'float16' | 'bfloat16' = 'float32',
): Record<string, unknown> {
  const family = families[config.architecture];
  if (config.qkvBias !== family.qkvBias || config.qkNorm !== family.qkNorm) {
    throw new ConfigError(
      `${config.architecture}: has qkvBias ${String(family.qkvBias)} and qkNorm ${String(family.qkNorm)}, ` +
        `the model has ${String(config.qkvBias)} and ${String(config.qkNorm)}`,
    );
  }
  return {
    architectures: [`${family.title}ForCausalLM`],
    ...(config.architecture === 'qwen2' ? {} : { attention_bias: false }),
    attention_dropout: 0,
    bos_token_id: config.bosTokenId,
    dtype,
    eos_token_id:
      config.eosTokenIds.length > 1 ? [...config.eosTokenIds] : (config.eosTokenIds[0] ?? null),
    head_dim: config.headDim,
    hidden_act: 'silu',
    hidden_size: config.hiddenSize,
    intermediate_size: config.intermediateSize,
    max_position_embeddings: config.maxPositions,
    ...(config.architecture === 'llama' ? { mlp_bias: false } : { use_sliding_window: false }),
    model_type: config.architecture,
    num_attention_heads: config.heads,
    num_hidden_layers: config.layers,
    num_key_value_heads: config.kvHeads,
    pad_token_id: config.padTokenId,
    rms_norm_eps: config.rmsNormEps,
    rope_parameters: { rope_theta: config.ropeTheta, rope_type: 'default' },
    rope_theta: config.ropeTheta,
    tie_word_embeddings: config.tieEmbeddings,
    torch_dtype: dtype,
    vocab_size: config.vocabSize,
  };
}

function asObject(value: unknown, where: string, what: string): Json {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new ConfigError(`${where}: ${what} must be an object`);
  }
  return value as Json;
}

/** Typed reads of one JSON object, null counting as absent, that name the file and field in errors. */
class Fields {
  readonly #json: Json;
  readonly #where: string;

  constructor(json: Json, where: string) {
    this.#json = json;
    this.#where = where;
  }

  /** Own keys only: `__proto__` and `constructor` in the file mean nothing. */
  get(key: string): unknown {
    return Object.hasOwn(this.#json, key) ? (this.#json[key] ?? undefined) : undefined;
  }

  fail(key: string, why: string): never {
    throw new ConfigError(`${this.#where}: ${key} ${why}`);
  }

  object(key: string): Fields | undefined {
    const value = this.get(key);
    if (value === undefined) return undefined;
    return new Fields(asObject(value, this.#where, key), `${this.#where}: ${key}`);
  }

  size(key: string): number {
    const value = this.get(key);
    if (value === undefined) this.fail(key, 'is missing');
    return this.#checkedSize(key, value);
  }

  sizeOr(key: string, fallback: number): number {
    return this.#checkedSize(key, this.get(key) ?? fallback);
  }

  #checkedSize(key: string, value: unknown): number {
    if (!Number.isInteger(value) || (value as number) < 1 || (value as number) > largestSize) {
      this.fail(key, `must be a whole number from 1 to ${largestSize}, is ${show(value)}`);
    }
    return value as number;
  }

  positiveOr(key: string, fallback: number): number {
    const value = this.get(key) ?? fallback;
    if (typeof value !== 'number' || !(value > 0) || !Number.isFinite(value)) {
      this.fail(key, `must be a number above 0, is ${show(value)}`);
    }
    return value;
  }

  flagOr(key: string, fallback: boolean): boolean {
    const value = this.get(key) ?? fallback;
    if (typeof value !== 'boolean') this.fail(key, `must be true or false, is ${show(value)}`);
    return value;
  }

  tokenIds(key: string, vocabSize: number): number[] {
    const value = this.get(key);
    if (value === undefined) return [];
    const ids: unknown[] = Array.isArray(value) ? value : [value];
    for (const id of ids) {
      if (!Number.isInteger(id) || (id as number) < 0 || (id as number) >= vocabSize) {
        this.fail(key, `must hold token ids below vocab_size ${vocabSize}, is ${show(value)}`);
      }
    }
    return ids as number[];
  }
}

/** A value for a message, cut where a hostile file made it long. */
function show(value: unknown): string {
  const text = JSON.stringify(value);
  return text.length > 60 ? `${text.slice(0, 60)}...` : text;
}

function readArchitecture(fields: Fields): Architecture {
  const known = architectures.join(', ');
  const type = fields.get('model_type');
  if (type === undefined) fields.fail('model_type', `is missing; known are ${known}`);
  const found = architectures.find((name) => name === type);
  return found ?? fields.fail('model_type', `${show(type)} is not implemented; known are ${known}`);
}

function refuseUnimplemented(fields: Fields, architecture: Architecture): void {
  const activation = fields.get('hidden_act') ?? 'silu';
  if (activation !== 'silu') {
    fields.fail('hidden_act', `must be "silu", is ${show(activation)}`);
  }
  if (architecture !== 'qwen2' && fields.flagOr('attention_bias', false)) {
    fields.fail('attention_bias', `true is not implemented for ${architecture}`);
  }
  if (fields.flagOr('mlp_bias', false)) fields.fail('mlp_bias', 'true is not implemented');
  const dropout = fields.get('attention_dropout') ?? 0;
  if (dropout !== 0) fields.fail('attention_dropout', `must be 0, is ${show(dropout)}`);
  if (fields.get('quantization_config') !== undefined) {
    fields.fail('quantization_config', 'is not implemented: weights must be f32, f16 or bf16');
  }
  refuseSlidingWindow(fields);
}

function refuseSlidingWindow(fields: Fields): void {
  const types = fields.get('layer_types');
  if (types !== undefined) {
    if (!Array.isArray(types)) fields.fail('layer_types', `must be a list, is ${show(types)}`);
    const other: unknown = types.find((type) => type !== 'full_attention');
    if (other !== undefined) fields.fail('layer_types', `${show(other)} is not implemented`);
    return;
  }
  // Qwen configs carry a window that use_sliding_window switches off; layers below
  // max_window_layers attend to everything even where it is on.
  const inUse = fields.flagOr('use_sliding_window', false);
  if (!inUse || fields.get('sliding_window') === undefined) return;
  const full = fields.sizeOr('max_window_layers', 28);
  if (fields.size('num_hidden_layers') > full) {
    fields.fail('use_sliding_window', 'true is not implemented: every layer must attend to all');
  }
}

function readRopeTheta(fields: Fields): number {
  const current = fields.object('rope_parameters');
  const former = fields.object('rope_scaling');
  for (const rope of [current, former]) {
    if (!rope) continue;
    const type = rope.get('rope_type') ?? rope.get('type') ?? 'default';
    if (type !== 'default') rope.fail('rope_type', `${show(type)} is not implemented`);
    const share = rope.get('partial_rotary_factor') ?? 1;
    if (share !== 1) rope.fail('partial_rotary_factor', `must be 1, is ${show(share)}`);
    for (const nested of ['full_attention', 'sliding_attention']) {
      if (rope.get(nested) !== undefined) rope.fail(nested, 'per layer type is not implemented');
    }
  }
  const share = fields.get('partial_rotary_factor') ?? 1;
  if (share !== 1) fields.fail('partial_rotary_factor', `must be 1, is ${show(share)}`);
  // transformers' default where neither layout names it.
  const topLevel = fields.positiveOr('rope_theta', 10_000);
  const theta = current?.positiveOr('rope_theta', topLevel) ?? topLevel;
  if (fields.get('rope_theta') !== undefined && theta !== topLevel) {
    fields.fail('rope_theta', `${topLevel} contradicts ${theta} of rope_parameters`);
  }
  return theta;
}
