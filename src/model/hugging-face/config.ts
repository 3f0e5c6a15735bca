import { ConfigError } from '../../config-error.ts';
import type { Architecture, ModelConfig, RopeScaling } from '../config.ts';

/** Fields of a model's config that its family fixes, where they are not switched off. */
type Traits = Pick<
  ModelConfig,
  'qkvBias' | 'qkNorm' | 'gate' | 'unitOffset' | 'outputNorms' | 'scaledEmbedding'
>;

/**
 * Settings that a family fixes, and values that transformers assumes where a config.json has none.
 */
interface Family {
  readonly title: string;
  readonly traits: Traits;
  readonly maxPositions: number;
  /** Null: hidden_size / num_attention_heads. */
  readonly headDim: number | null;
  /** Null: as many as query heads. */
  readonly kvHeads: number | null;
  readonly tieEmbeddings: boolean;
}

const usual = { headDim: null, kvHeads: null, tieEmbeddings: false };
const families: Readonly<Record<Architecture, Family>> = {
  llama: {
    ...usual,
    title: 'Llama',
    traits: { qkvBias: false, qkNorm: false },
    maxPositions: 2048,
  },
  qwen2: {
    ...usual,
    title: 'Qwen2',
    traits: { qkvBias: true, qkNorm: false },
    maxPositions: 32_768,
  },
  qwen3: {
    ...usual,
    title: 'Qwen3',
    traits: { qkvBias: false, qkNorm: true },
    maxPositions: 32_768,
    headDim: 128,
  },
  gemma3_text: {
    title: 'Gemma3',
    traits: {
      qkvBias: false,
      qkNorm: true,
      gate: 'gelu-tanh',
      unitOffset: true,
      outputNorms: true,
      scaledEmbedding: true,
    },
    maxPositions: 131_072,
    headDim: 256,
    kvHeads: 4,
    tieEmbeddings: true,
  },
};

const architectures = Object.keys(families) as Architecture[];
/** A larger size means a damaged file. Products of two sizes up to this one are exact. */
const largestSize = 2 ** 24;
/** The deepest models of 2026 have near 130 layers; the layout lists every one. */
const mostLayers = 1024;

type Json = Readonly<Record<string, unknown>>;

/**
 * Reads a Hugging Face `config.json`, in the current layout (`rope_parameters`) or the one before
 * 2026 (`rope_theta`, `rope_scaling`). Dtypes are not read: each tensor in a file names its own.
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
  const kvHeads = fields.sizeOr('num_key_value_heads', family.kvHeads ?? heads);
  if (heads % kvHeads !== 0) {
    fields.fail('num_key_value_heads', `must divide num_attention_heads ${heads}, is ${kvHeads}`);
  }
  const headDim = fields.sizeOr('head_dim', family.headDim ?? hiddenSize / heads);
  if (headDim % 2 !== 0) {
    fields.fail('head_dim', `must be even (hidden_size / num_attention_heads), is ${headDim}`);
  }
  const vocabSize = fields.size('vocab_size');
  const maxPositions = fields.sizeOr('max_position_embeddings', family.maxPositions);
  const layers = fields.size('num_hidden_layers', mostLayers);
  const isGemma = architecture === 'gemma3_text';
  if (isGemma && hiddenSize % heads !== 0) {
    fields.fail('num_attention_heads', `must divide hidden_size ${hiddenSize}, is ${heads}`);
  }
  return {
    architecture,
    vocabSize,
    hiddenSize,
    intermediateSize: fields.size('intermediate_size'),
    layers,
    heads,
    kvHeads,
    headDim,
    ...(isGemma ? readGemma(fields, layers, maxPositions) : readRope(fields, maxPositions)),
    rmsNormEps: fields.positiveOr('rms_norm_eps', 1e-6),
    tieEmbeddings: fields.flagOr('tie_word_embeddings', family.tieEmbeddings),
    ...family.traits,
    maxPositions,
    bosTokenId: readUnusedToken(fields, 'bos_token_id', vocabSize),
    eosTokenIds: fields.tokenIds('eos_token_id', vocabSize),
    padTokenId: readUnusedToken(fields, 'pad_token_id', vocabSize),
  };
}

/**
 * The `config.json` of a model. Theta and dtype stand under both of their names, so that
 * transformers before and after version 5 read it.
 *
 * @param dtype Storage type of the model's weights, as torch names it.
 * @throws ConfigError when the architecture does not compute what the model does.
 */
export function toHfConfig(
  config: ModelConfig,
  dtype: 'float32' | 'float16' | 'bfloat16' = 'float32',
): Record<string, unknown> {
  const { architecture, sliding } = config;
  const { title, traits } = families[architecture];
  expectTraits(config, traits);
  const isGemma = architecture === 'gemma3_text';
  const full = { rope_theta: config.ropeTheta, ...hfRope(config.rope) };
  return {
    architectures: [`${title}ForCausalLM`],
    ...(architecture === 'qwen2' ? {} : { attention_bias: false }),
    attention_dropout: 0,
    bos_token_id: config.bosTokenId,
    dtype,
    eos_token_id:
      config.eosTokenIds.length > 1 ? [...config.eosTokenIds] : (config.eosTokenIds[0] ?? null),
    head_dim: config.headDim,
    ...(isGemma ? gemmaFields(config) : { hidden_act: 'silu' }),
    hidden_size: config.hiddenSize,
    intermediate_size: config.intermediateSize,
    max_position_embeddings: config.maxPositions,
    ...(architecture === 'llama' ? { mlp_bias: false } : {}),
    ...(architecture === 'qwen2' || architecture === 'qwen3' ? { use_sliding_window: false } : {}),
    model_type: architecture,
    num_attention_heads: config.heads,
    num_hidden_layers: config.layers,
    num_key_value_heads: config.kvHeads,
    pad_token_id: config.padTokenId,
    rms_norm_eps: config.rmsNormEps,
    rope_parameters: isGemma
      ? {
          full_attention: full,
          sliding_attention: {
            rope_theta: sliding?.ropeTheta ?? localTheta,
            ...hfRope(sliding?.rope),
          },
        }
      : full,
    ...(config.rope ? { rope_scaling: hfRope(config.rope) } : {}),
    rope_theta: config.ropeTheta,
    tie_word_embeddings: config.tieEmbeddings,
    torch_dtype: dtype,
    vocab_size: config.vocabSize,
  };
}

/** @throws ConfigError naming the first field that is not what the family has. */
function expectTraits(config: ModelConfig, traits: Traits): void {
  const { architecture, qkvBias, qkNorm } = config;
  const { gate = 'silu', unitOffset = false, outputNorms = false } = config;
  const { scaledEmbedding = false } = config;
  const own = { qkvBias, qkNorm, gate, unitOffset, outputNorms, scaledEmbedding };
  const fixed: Traits = {
    gate: 'silu',
    unitOffset: false,
    outputNorms: false,
    scaledEmbedding: false,
    ...traits,
  };
  for (const key of Object.keys(own) as (keyof Traits)[]) {
    if (own[key] === fixed[key]) continue;
    const [wanted, got] = [String(fixed[key]), String(own[key])];
    throw new ConfigError(`${architecture}: has ${key} ${wanted}, the model has ${got}`);
  }
  const isGemma = architecture === 'gemma3_text';
  for (const key of ['sliding', 'queryScalar'] as const) {
    if (!isGemma && config[key] !== undefined) {
      throw new ConfigError(`${architecture}: has no ${key}, the model has`);
    }
  }
}

/** The fields of a config.json that other families do not have. */
const gemmaFields = ({ headDim, layers, queryScalar, sliding }: ModelConfig) => ({
  attn_logit_softcapping: null,
  final_logit_softcapping: null,
  hidden_activation: gemmaActivation,
  layer_types: Array.from({ length: layers }, (_, layer) =>
    sliding?.layers[layer] === true ? layerTypes.sliding : layerTypes.full,
  ),
  query_pre_attn_scalar: queryScalar ?? headDim,
  rope_local_base_freq: sliding?.ropeTheta ?? localTheta,
  sliding_window: sliding?.window ?? defaultWindow,
  use_bidirectional_attention: false,
});

/** A scaling under the names of transformers. */
function hfRope(rope: RopeScaling | undefined): Record<string, unknown> {
  if (!rope) return { rope_type: 'default' };
  const { type: rope_type, factor } = rope;
  switch (rope.type) {
    case 'linear':
    case 'dynamic':
      return { rope_type, factor };
    case 'llama3':
      return {
        rope_type,
        factor,
        low_freq_factor: rope.lowFreqFactor,
        high_freq_factor: rope.highFreqFactor,
        original_max_position_embeddings: rope.originalPositions,
      };
    case 'yarn':
      return {
        rope_type,
        factor,
        original_max_position_embeddings: rope.originalPositions,
        beta_fast: rope.betaFast,
        beta_slow: rope.betaSlow,
        truncate: rope.truncate,
        attention_factor: rope.attentionFactor,
      };
  }
}

function asObject(value: unknown, where: string, what: string): Json {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new ConfigError(`${where}: ${what} must be an object`);
  }
  return value as Json;
}

/** Typed reads of one JSON object. Null counts as absent. Errors name the file and the field. */
class Fields {
  readonly #json: Json;
  readonly #where: string;
  /** The key that the object stands under; empty for the file itself. */
  readonly name: string;

  constructor(json: Json, where: string, name = '') {
    this.#json = json;
    this.#where = where;
    this.name = name;
  }

  /** Own keys only: `__proto__` and `constructor` in the file mean nothing. */
  get(key: string): unknown {
    return Object.hasOwn(this.#json, key) ? (this.#json[key] ?? undefined) : undefined;
  }

  /** Whether the file names the key, and gives it no value. */
  isNull(key: string): boolean {
    return Object.hasOwn(this.#json, key) && this.#json[key] === null;
  }

  /** A number; 0 when absent. */
  number(key: string): number {
    const value = this.get(key) ?? 0;
    if (typeof value !== 'number' || !Number.isFinite(value)) {
      this.fail(key, `must be a number, is ${show(value)}`);
    }
    return value;
  }

  fail(key: string, why: string): never {
    throw new ConfigError(`${this.#where}: ${key} ${why}`);
  }

  object(key: string): Fields | undefined {
    const value = this.get(key);
    if (value === undefined) return undefined;
    return new Fields(asObject(value, this.#where, key), `${this.#where}: ${key}`, key);
  }

  size(key: string, largest = largestSize): number {
    const value = this.get(key);
    if (value === undefined) this.fail(key, 'is missing');
    return this.#checkedSize(key, value, largest);
  }

  sizeOr(key: string, fallback: number): number {
    return this.#checkedSize(key, this.get(key) ?? fallback);
  }

  #checkedSize(key: string, value: unknown, largest = largestSize): number {
    if (!Number.isInteger(value) || (value as number) < 1 || (value as number) > largest) {
      this.fail(key, `must be a whole number from 1 to ${largest}, is ${show(value)}`);
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

  /** A number of at least `least`. */
  atLeast(key: string, least: number, fallback?: number): number {
    const value = this.get(key) ?? fallback;
    if (value === undefined) this.fail(key, 'is missing');
    if (typeof value !== 'number' || !(value >= least) || !Number.isFinite(value)) {
      this.fail(key, `must be a number of at least ${least}, is ${show(value)}`);
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
  // JSON would call NaN and Infinity null.
  const text = typeof value === 'number' ? String(value) : JSON.stringify(value);
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
  const isGemma = architecture === 'gemma3_text';
  if (isGemma) refuseOfGemma(fields);
  const activation = (isGemma ? undefined : fields.get('hidden_act')) ?? 'silu';
  if (activation !== 'silu' && activation !== 'swish') {
    const known = 'known are "silu" and its other name "swish"';
    fields.fail('hidden_act', `${show(activation)} is not implemented; ${known}`);
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
  if (!isGemma) refuseSlidingWindow(fields);
}

const gemmaActivation = 'gelu_pytorch_tanh';

function refuseOfGemma(fields: Fields): void {
  const activation = fields.get('hidden_activation') ?? gemmaActivation;
  if (activation !== gemmaActivation) {
    const known = `known is "${gemmaActivation}"`;
    fields.fail('hidden_activation', `${show(activation)} is not implemented; ${known}`);
  }
  for (const key of ['attn_logit_softcapping', 'final_logit_softcapping', 'vision_config']) {
    if (fields.get(key) !== undefined) fields.fail(key, 'is not implemented: must be null');
  }
  if (fields.flagOr('use_bidirectional_attention', false)) {
    fields.fail('use_bidirectional_attention', 'true is not implemented: attention is causal');
  }
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

/**
 * A token that is never fed to the model. -1 and ids past the vocabulary mean that there is none.
 */
function readUnusedToken(fields: Fields, key: string, vocabSize: number): number | null {
  const value = fields.get(key);
  if (Number.isInteger(value) && ((value as number) < 0 || (value as number) >= vocabSize)) {
    return null;
  }
  return fields.tokenIds(key, vocabSize)[0] ?? null;
}

const layerTypes = { full: 'full_attention', sliding: 'sliding_attention' } as const;

/** transformers' defaults for Gemma 3. */
const [globalTheta, localTheta, defaultWindow, defaultPattern] = [1_000_000, 10_000, 4096, 6];

/** What only Gemma has: two kinds of layers, each with its rotary embedding, and the scores' scale. */
function readGemma(
  fields: Fields,
  layers: number,
  maxPositions: number,
): Pick<ModelConfig, 'ropeTheta' | 'rope' | 'sliding' | 'queryScalar'> {
  const parameters = fields.object('rope_parameters');
  for (const key of ['rope_type', 'type', 'rope_theta']) {
    if (parameters?.get(key) !== undefined) {
      parameters.fail(key, `must stand below ${layerTypes.full} or ${layerTypes.sliding}`);
    }
  }
  const full = readRope(fields, maxPositions, {
    given: [parameters?.object(layerTypes.full), fields.object('rope_scaling')],
    key: 'rope_theta',
    theta: globalTheta,
  });
  const own = readRope(fields, maxPositions, {
    given: [parameters?.object(layerTypes.sliding), undefined],
    key: 'rope_local_base_freq',
    theta: localTheta,
  });
  const slides = readLayerTypes(fields, layers);
  const queryScalar = fields.positiveOr('query_pre_attn_scalar', 256);
  if (!slides.includes(true)) return { ...full, queryScalar };
  if (fields.isNull('sliding_window')) {
    fields.fail('sliding_window', `is null, but layer ${slides.indexOf(true)} slides`);
  }
  const window = fields.sizeOr('sliding_window', defaultWindow);
  return { ...full, queryScalar, sliding: { layers: slides, window, ...own } };
}

/** By layer, whether it slides: `layer_types`, or else every n-th layer is full. */
function readLayerTypes(fields: Fields, layers: number): boolean[] {
  const types = fields.get('layer_types');
  if (types === undefined) {
    const every = fields.sizeOr('sliding_window_pattern', defaultPattern);
    return Array.from({ length: layers }, (_, layer) => (layer + 1) % every !== 0);
  }
  if (!Array.isArray(types)) fields.fail('layer_types', `must be a list, is ${show(types)}`);
  if (types.length !== layers) {
    fields.fail('layer_types', `must have ${layers} entries, one a layer, has ${types.length}`);
  }
  const known: readonly unknown[] = Object.values(layerTypes);
  const other: unknown = types.find((type) => !known.includes(type));
  if (other !== undefined) fields.fail('layer_types', `${show(other)} is not implemented`);
  return types.map((type) => type === layerTypes.sliding);
}

/** Where the rotary embedding of some layers stands: in two objects, or theta at the top. */
interface RopeSource {
  readonly given: readonly [Fields | undefined, Fields | undefined];
  readonly key: string;
  /** transformers' default where neither layout names it. */
  readonly theta: number;
}

/** A rotary embedding, out of `rope_parameters` or `rope_theta` and `rope_scaling`. */
function readRope(
  fields: Fields,
  maxPositions: number,
  { given, key, theta: fallback }: RopeSource = {
    given: [fields.object('rope_parameters'), fields.object('rope_scaling')],
    key: 'rope_theta',
    theta: 10_000,
  },
): Pick<ModelConfig, 'ropeTheta' | 'rope'> {
  const share = fields.get('partial_rotary_factor') ?? 1;
  if (share !== 1) fields.fail('partial_rotary_factor', `must be 1, is ${show(share)}`);
  let theta = fields.positiveOr(key, fallback);
  let isNamed = fields.get(key) !== undefined;
  for (const one of given) {
    if (one?.get('rope_theta') === undefined) continue;
    const own = one.positiveOr('rope_theta', theta);
    if (isNamed && own !== theta) {
      fields.fail(key, `${theta} contradicts ${own} of ${one.name}`);
    }
    theta = own;
    isNamed = true;
  }
  const [current, former] = given.map((rope) => rope && readScaling(rope, fields, maxPositions));
  // The former spelling may add a scaling to a current config that has none. Two scalings must
  // agree.
  if (current && given[1] && JSON.stringify(current) !== JSON.stringify(former)) {
    fields.fail('rope_scaling', 'contradicts rope_parameters');
  }
  const rope = former ?? current;
  return { ropeTheta: theta, ...(rope ? { rope } : {}) };
}

/** Yarn's default factor on cosines and sines. */
function yarnAttentionFactor(factor: number, mscale?: number, mscaleAllDim?: number): number {
  const of = (weight: number): number => (factor <= 1 ? 1 : 0.1 * weight * Math.log(factor) + 1);
  return mscale && mscaleAllDim ? of(mscale) / of(mscaleAllDim) : of(1);
}

const ropeTypes = ['default', 'linear', 'llama3', 'yarn', 'dynamic'] as const;

/** The scaling that one object describes; undefined where it scales nothing. */
function readScaling(rope: Fields, fields: Fields, maxPositions: number): RopeScaling | undefined {
  for (const nested of ['full_attention', 'sliding_attention']) {
    if (rope.get(nested) !== undefined) rope.fail(nested, 'per layer type is not implemented');
  }
  const share = rope.get('partial_rotary_factor') ?? 1;
  if (share !== 1) rope.fail('partial_rotary_factor', `must be 1, is ${show(share)}`);
  const named = rope.get('rope_type') ?? rope.get('type') ?? 'default';
  const type = ropeTypes.find((known) => known === named);
  if (type === undefined) {
    rope.fail('rope_type', `${show(named)} is not implemented; known are ${ropeTypes.join(', ')}`);
  }
  // In transformers the length beside the object wins over the length inside the object.
  const originalPositions = (): number =>
    fields.get('original_max_position_embeddings') === undefined
      ? rope.sizeOr('original_max_position_embeddings', maxPositions)
      : fields.size('original_max_position_embeddings');
  switch (type) {
    case 'default':
      if ((rope.get('rope_type') ?? rope.get('type')) === undefined && rope.number('factor') > 1) {
        rope.fail('rope_type', 'is missing, which says what factor does');
      }
      return undefined;
    case 'linear': {
      const factor = rope.atLeast('factor', 1);
      return factor === 1 ? undefined : { type, factor };
    }
    case 'dynamic':
      return { type, factor: rope.atLeast('factor', 1) };
    case 'llama3': {
      const lowFreqFactor = rope.positiveOr('low_freq_factor', 1);
      const highFreqFactor = rope.positiveOr('high_freq_factor', 4);
      if (highFreqFactor <= lowFreqFactor) {
        rope.fail('high_freq_factor', `must be above low_freq_factor ${lowFreqFactor}`);
      }
      return {
        type,
        factor: rope.atLeast('factor', 1),
        lowFreqFactor,
        highFreqFactor,
        originalPositions: originalPositions(),
      };
    }
    case 'yarn': {
      const original = originalPositions();
      const factor = rope.atLeast('factor', 1, Math.max(1, maxPositions / original));
      const [betaFast, betaSlow] = [rope.number('beta_fast') || 32, rope.number('beta_slow') || 1];
      if (!(betaFast > 0 && betaSlow > 0)) rope.fail('beta_fast', 'and beta_slow must be above 0');
      const usual = yarnAttentionFactor(
        factor,
        rope.number('mscale'),
        rope.number('mscale_all_dim'),
      );
      return {
        type,
        factor,
        originalPositions: original,
        betaFast,
        betaSlow,
        truncate: rope.flagOr('truncate', true),
        attentionFactor: rope.positiveOr('attention_factor', usual),
      };
    }
  }
}
