// limr-lab/model: Hugging Face models on a device: generation, logits, supervised fine-tuning.
import type { TokenizerClient } from '../formats/tokenizer-client.ts';
import { TokenizerClient as Tokenizer } from '../formats/tokenizer-client.ts';
import type { Gpu } from '../gpu/device.ts';
import { AllLogits } from '../model/all-logits.ts';
import type { ModelConfig } from '../model/config.ts';
import { freshAdapters, planOf } from '../model/adapters.ts';
import { adapterFiles, type PeftAdapter, readAdapter } from '../model/hugging-face/peft.ts';
import type { FrozenStorage } from '../model/frozen-store.ts';
import type { LoadOptions } from '../model/parameter-source.ts';
import { expectParameters, type LoadedModel, loadModel } from '../model/load-parameters.ts';
import {
  type ModelDirectory,
  openModelDirectory,
  type OpenModelFile,
  type WeightDType,
} from '../model/model-directory.ts';
import { parameterLayout, parameterNames } from '../model/parameters.ts';
import { modelDirectoryFiles } from '../model/save-model.ts';
import { planResponder } from '../rollout/batches.ts';
import type { SamplingSettings } from '../rollout/decoder.ts';
import { Responder, type Response } from '../rollout/responder.ts';
import { SupervisedTrainer } from '../supervised/trainer.ts';
import { replaceWrongVariants } from '../variants/self-check.ts';
import type { AdapterSpec } from '../vocabulary/adapters.ts';
import { type Device, gpuOf } from './device.ts';

/** Options of `openModel` and `openAdapter`. */
export interface ModelOptions {
  /** Name of the folder in errors. Default `model`, or `adapter`. */
  readonly where?: string;
}

/**
 * Reads a model's config and the headers of its weights. The weights stay in their files until a
 * device loads them.
 *
 * @param openFile Opens a file of the model's folder by its bare name; undefined if the file is
 *   missing.
 * @throws ConfigError, SafetensorsError or FormatError, naming the file.
 */
export const openModel = (
  openFile: OpenModelFile,
  options: ModelOptions = {},
): Promise<ModelDirectory> => openModelDirectory(openFile, options.where ?? 'model');

/**
 * Reads a LoRA adapter in PEFT's layout: `adapter_config.json` and `adapter_model.safetensors`.
 *
 * @param openFile Opens a file of the adapter's folder by its bare name; undefined if the file is
 *   missing.
 * @param model The model that the adapter is for. Every shape is checked against the model.
 * @throws ConfigError, SafetensorsError or FormatError, naming the file and the field or tensor: a
 *   feature that is not implemented, or an adapter of another model.
 */
export const openAdapter = (
  openFile: OpenModelFile,
  model: Pick<ModelDirectory, 'config'>,
  options: ModelOptions = {},
): Promise<PeftAdapter> =>
  readAdapter(openFile, model.config, options.where ?? 'adapter', { head: 'lm' });

/**
 * Starts the tokenizer of a model in a worker, which the caller closes. Undefined if the model has
 * no tokenizer.
 *
 * @throws FormatError when the files are not a tokenizer.
 */
export async function openTokenizer(model: ModelDirectory): Promise<TokenizerClient | undefined> {
  const texts = await model.tokenizerTexts();
  return texts && Tokenizer.open(texts);
}

/** Responses to draw. */
export interface GenerationRequest extends SamplingSettings {
  /** Token ids of each prompt, at least one. */
  readonly prompts: readonly (readonly number[])[];
  readonly maxNewTokens: number;
  /** Responses per prompt. Default 1. */
  readonly samples?: number;
  /** Seed of the draws. Default 0. */
  readonly seed?: number;
  /** Tokens that end a response. Default: the model's end tokens. */
  readonly stopIds?: readonly number[];
  /** Bytes of GPU memory for weights and cache together. Default 4 GiB. */
  readonly memory?: number;
}

/** A language model whose weights are on a device. */
export class LanguageModel {
  readonly config: ModelConfig;
  /**
   * Sentences: one for each kernel that computed wrong on this device and was replaced, and one
   * each time that too little memory made the model decode fewer responses together.
   */
  readonly warnings: readonly string[];
  readonly #warnings: string[];
  readonly #gpu: Gpu;
  readonly #model: LoadedModel;
  readonly #adapters: PeftAdapter['plan'] | undefined;
  readonly #storage: FrozenStorage;

  private constructor(
    gpu: Gpu,
    model: LoadedModel,
    adapters: PeftAdapter['plan'] | undefined,
    storage: FrozenStorage,
    warnings: string[],
  ) {
    this.config = model.weights.config;
    this.warnings = warnings;
    this.#warnings = warnings;
    this.#gpu = gpu;
    this.#model = model;
    this.#adapters = adapters;
    this.#storage = storage;
  }

  /**
   * Loads a model's weights onto a device, in pieces of 16 MiB, after a check of the kernels that the
   * model needs.
   *
   * @param options.storage Storage of the matrices that layers multiply by. Default f32.
   * @param options.signal Ends the loading with its reason, and frees what was loaded.
   * @param options.onProgress Told after each piece how many numbers are loaded, and of how many.
   * @param options.adapter An adapter of `openAdapter` for this model, to compute with. It is not
   *   merged: its numbers stay f32.
   * @throws SafetensorsError unless the files hold the parameters that the config requires;
   *   AdapterError when the device cannot bind a parameter.
   */
  static async load(
    device: Device,
    model: ModelDirectory,
    options: LoadOptions & {
      readonly storage?: FrozenStorage;
      readonly adapter?: PeftAdapter;
    } = {},
  ): Promise<LanguageModel> {
    const gpu = gpuOf(device);
    const { storage = 'f32', adapter } = options;
    const { headDim } = model.config;
    const warnings = await replaceWrongVariants(gpu, { headDim, training: false, storage });
    const loaded = await loadModel(gpu, model, { ...options, storage, adapter });
    return new LanguageModel(gpu, loaded, adapter?.plan, storage, warnings);
  }

  /**
   * Draws responses, prompt by prompt. The draws of a prompt depend on the seed, the prompt's index
   * and the sample's index, and not on how many prompts are decoded together.
   *
   * @throws RangeError on an empty prompt, a token id out of the vocabulary, a setting out of its
   *   range, or more tokens than the model has positions; MemoryError when not even one response fits
   *   into `memory`; AllocationError when the device has no room for one.
   */
  async *generate(request: GenerationRequest): AsyncGenerator<Response> {
    const { prompts, samples = 1, maxNewTokens, seed = 0, ...sampling } = request;
    const { stopIds = this.config.eosTokenIds, memory = 4 * 2 ** 30 } = request;
    expectWhole('samples', samples);
    expectWhole('maxNewTokens', maxNewTokens);
    for (const [i, { length }] of prompts.entries()) {
      expectLength(
        `prompt ${i} with its new tokens`,
        length + maxNewTokens,
        this.config.maxPositions,
      );
    }
    if (prompts.length === 0) return;
    const job = { prompts, samples, newTokens: maxNewTokens, stopIds };
    const plan = planResponder(this.config, job, {
      memory,
      limits: this.#gpu.limits,
      weights: this.#storage,
      adapters: this.#adapters,
      cache: 'f32',
    });
    const responder = await Responder.open(this.#gpu, this.#model.weights, job, plan, (text) => {
      this.#warnings.push(text);
    });
    try {
      yield* responder.respond({ ...sampling, seed });
    } finally {
      responder.destroy();
    }
  }

  /**
   * The logits f32 (tokens, vocabulary) of each sequence, in order.
   *
   * @param sequences Token ids, at least one a sequence.
   * @throws RangeError on an empty sequence, a token id out of the vocabulary, or more tokens than the
   *   model has positions.
   */
  async *logits(sequences: readonly (readonly number[])[]): AsyncGenerator<Float32Array> {
    const lengths = sequences.map(({ length }) => length);
    for (const [i, length] of lengths.entries()) {
      expectLength(`sequence ${i}`, length, this.config.maxPositions);
    }
    const longest = lengths.reduce((most, length) => Math.max(most, length), 0);
    const total = lengths.reduce((sum, length) => sum + length, 0);
    if (lengths.length === 0) return;
    const logits = new AllLogits(this.#gpu, this.#model.weights, { longest, total });
    try {
      yield* logits.of(sequences);
    } finally {
      logits.destroy();
    }
  }

  /** Frees the weights. The device stays open. */
  close(): void {
    this.#model.destroy();
  }
}

/** Settings of a fine-tuning. */
export interface FineTuningOptions {
  /** Most sequences of one update. */
  readonly batch: number;
  /** Most tokens of one sequence, prompt and response together. */
  readonly longest: number;
  /** Peak of the learning rate, after the warmup. Default 1e-5. */
  readonly learningRate?: number;
  /** Updates of linear warmup. Default 0. */
  readonly warmup?: number;
  /** Decoupled weight decay. Default 0. */
  readonly weightDecay?: number;
  /** Largest norm of the gradients; a larger norm is scaled down. Default 1. */
  readonly maxGradNorm?: number;
  /**
   * Storage of the matrices that layers multiply by while training; int8 and int4 of a base under
   * adapters alone. Default f32.
   */
  readonly storage?: FrozenStorage;
  /**
   * Keeps only each layer's input and computes the rest again: less memory, the same bits. Default
   * false.
   */
  readonly gradientCheckpointing?: boolean;
  /**
   * Low-rank adapters to train over the frozen model: fresh ones of these numbers, or those of
   * `openAdapter` to go on from. Left out: all parameters are trained.
   */
  readonly adapter?: AdapterSpec | PeftAdapter;
  /** Seed of fresh adapters. Default 0. */
  readonly seed?: number;
}

/** A text to learn from, as token ids. */
export interface FineTuningRow {
  /** Never empty; does not count in the loss. */
  readonly prompt: readonly number[];
  /** Never empty. */
  readonly response: readonly number[];
}

/** Supervised fine-tuning of a model, or of adapters over it, by AdamW. */
export class FineTuning {
  /** One sentence for each kernel that computed wrong on this device and was replaced. */
  readonly warnings: readonly string[];
  readonly #model: ModelDirectory;
  readonly #trainer: SupervisedTrainer;
  readonly #adapters: AdapterStart | undefined;
  readonly #most: Pick<FineTuningOptions, 'batch' | 'longest'>;

  private constructor(
    model: ModelDirectory,
    trainer: SupervisedTrainer,
    adapters: AdapterStart | undefined,
    most: Pick<FineTuningOptions, 'batch' | 'longest'>,
    warnings: readonly string[],
  ) {
    this.#model = model;
    this.#trainer = trainer;
    this.#adapters = adapters;
    this.#most = most;
    this.warnings = warnings;
  }

  /**
   * Loads a model and an optimizer onto a device.
   *
   * @throws RangeError on a size that is none, or more tokens than the model has positions;
   *   SafetensorsError unless the files hold the parameters that the config calls for.
   */
  static async open(
    device: Device,
    model: ModelDirectory,
    options: FineTuningOptions,
  ): Promise<FineTuning> {
    const gpu = gpuOf(device);
    const { batch, longest, storage = 'f32' } = options;
    expectWhole('batch', batch);
    expectWhole('longest', longest);
    expectLength('longest', longest, model.config.maxPositions);
    await expectParameters(model, 'lm');
    const adapters = options.adapter && startOf(options.adapter, model.config, options.seed ?? 0);
    const { headDim } = model.config;
    const warnings = await replaceWrongVariants(gpu, { headDim, training: true, storage });
    const optimizer = {
      learningRate: options.learningRate ?? 1e-5,
      warmupUpdates: options.warmup ?? 0,
      schedule: 'constant',
      horizonUpdates: 1,
      minimumShare: 0,
      beta1: 0.9,
      beta2: 0.95,
      epsilon: 1e-8,
      weightDecay: options.weightDecay ?? 0,
      maxGradNorm: options.maxGradNorm ?? 1,
    } as const;
    const trainer = new SupervisedTrainer(gpu, model.config, optimizer, {
      capacity: { rows: batch * longest, actions: batch * longest, sequences: batch },
      positions: longest,
      checkpointing: options.gradientCheckpointing ?? false,
      weightStorage: storage,
      adapter: adapters?.plan,
    });
    await trainer.base?.loadFrom(model);
    if (adapters) trainer.model.reset(adapters.tensors);
    else await trainer.model.resetFrom(model);
    return new FineTuning(model, trainer, adapters, { batch, longest }, warnings);
  }

  /**
   * Makes one update from a batch.
   *
   * @returns The mean loss over the response tokens, before the update.
   * @throws RangeError on a batch or a row past its size, an empty prompt or response, or a token id
   *   out of the vocabulary, before anything is computed; NonFiniteError when a loss or gradient is not
   *   finite, naming the first tensor at fault.
   */
  async step(rows: readonly FineTuningRow[]): Promise<number> {
    expectLength('a batch', rows.length, this.#most.batch, 'rows');
    for (const [i, { prompt, response }] of rows.entries()) {
      expectLength(`prompt ${i}`, prompt.length, this.#most.longest);
      expectLength(`response ${i}`, response.length, this.#most.longest);
      expectLength(`row ${i}`, prompt.length + response.length, this.#most.longest);
    }
    await this.#trainer.step(
      rows.map(({ prompt, response }) => ({ prompt: [...prompt], responses: [[...response]] })),
    );
    return this.#trainer.loss();
  }

  /**
   * The files of what is trained, in its present state and in the order to write them: a model in the
   * Hugging Face layout, or adapters in PEFT's.
   *
   * @param options.dtype Type of a model's weights in the file. Default F32, which adapters always
   *   have.
   * @param options.tokenizerFrom Opens the folder whose tokenizer files are copied unchanged beside a
   *   model.
   */
  async files(
    options: { readonly dtype?: WeightDType; readonly tokenizerFrom?: OpenModelFile } = {},
  ): Promise<Map<string, Uint8Array>> {
    const { config } = this.#model;
    const trained = await this.#trainer.model.weights.read();
    if (this.#adapters) {
      const { plan, numbers } = this.#adapters;
      return adapterFiles(config, plan, trained, { baseName: null, numbers });
    }
    const weights = parameterNames(parameterLayout(config, 'lm')).map(({ name, shape }) => {
      const data = trained.get(name);
      if (!data) throw new Error(`fine-tuning: the device holds no '${name}'`);
      return { name, shape, data };
    });
    return modelDirectoryFiles(config, weights, options);
  }

  /** Frees weights, gradients and moments. The device stays open. */
  close(): void {
    this.#trainer.destroy();
  }
}

/** Adapters to train. */
type AdapterStart = Pick<PeftAdapter, 'plan' | 'numbers' | 'tensors'>;

/** @throws RangeError on numbers that no adapter has. */
function startOf(
  adapter: AdapterSpec | PeftAdapter,
  config: ModelConfig,
  seed: number,
): AdapterStart {
  if ('plan' in adapter) return adapter;
  expectWhole('adapter.rank', adapter.rank);
  if (!(Number.isFinite(adapter.alpha) && adapter.alpha > 0)) {
    throw new RangeError(`adapter.alpha must be a number above 0, is ${adapter.alpha}`);
  }
  if (adapter.targets.length === 0) throw new RangeError('adapter.targets must name a matrix');
  const plan = planOf(adapter, config);
  return { plan, numbers: adapter, tensors: freshAdapters(config, plan, seed, 'model') };
}

/** @throws RangeError unless a value is a positive whole number. */
function expectWhole(name: string, value: number): void {
  if (!(Number.isSafeInteger(value) && value > 0)) {
    throw new RangeError(`${name} must be a whole number from 1, is ${value}`);
  }
}

/** @throws RangeError on nothing, or on more than there is room for. */
function expectLength(name: string, length: number, most: number, unit = 'tokens'): void {
  if (length < 1 || length > most) {
    throw new RangeError(`${name} must have 1 to ${most} ${unit}, has ${length}`);
  }
}

export { Device, type DeviceOptions } from './device.ts';
export { type ByteSource, bytesSource } from '../formats/byte-source.ts';
export { FormatError } from '../formats/format-error.ts';
export { SafetensorsError } from '../formats/safetensors.ts';
export type {
  ChatMessage,
  ChatOptions,
  DecodeOptions,
  EncodeOptions,
  LearnedChat,
} from '../formats/tokenizer.ts';
export type {
  NamedText,
  TokenizerClient,
  TokenizerFacts,
  TokenizerTexts,
} from '../formats/tokenizer-client.ts';
export { AdapterError, type AdapterChoice, DeviceLostError } from '../gpu/device.ts';
export { ConfigError } from '../config-error.ts';
export type { AdapterNumbers, PeftAdapter } from '../model/hugging-face/peft.ts';
export type { AdapterSpec, AdapterTarget } from '../vocabulary/adapters.ts';
export type { AdapterPlan, PartAdapter } from '../model/adapters.ts';
export type { Architecture, ModelConfig, RopeScaling } from '../model/config.ts';
export type { ModelDirectory, OpenModelFile, WeightDType } from '../model/model-directory.ts';
export type { FrozenStorage } from '../model/frozen-store.ts';
export type { LoadOptions } from '../model/parameter-source.ts';
export { AllocationError } from '../gpu/memory.ts';
export { MemoryError } from '../rollout/batches.ts';
export type { SamplingSettings } from '../rollout/decoder.ts';
export type { Response } from '../rollout/responder.ts';
export { NonFiniteError } from '../supervised/trainer.ts';
export { WorkerError } from '../threads/connect.ts';
export { ShaderError, ShapeError } from '../../kernels/lib/errors.ts';
export { type BaseStorage, baseStorages, type Storage, storages } from '../vocabulary/storages.ts';
