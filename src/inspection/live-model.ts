import { bytesPerElement } from '../../kernels/lib/tensor.ts';
import type { ExperimentConfig } from '../config.ts';
import type { Gpu } from '../gpu/device.ts';
import { freshAdapters, planOf } from '../model/adapters.ts';
import type { ModelConfig } from '../model/config.ts';
import { adaptedOn } from '../model/load-parameters.ts';
import { heldParameters, type ParameterSource } from '../model/parameter-source.ts';
import { FrozenStore } from '../model/frozen-store.ts';
import type { Head, ParameterStore } from '../model/parameters.ts';
import type { Weights } from '../model/weights.ts';
import { atMost, BatchedDecoder } from '../rollout/batched-decoder.ts';
import {
  Decoder,
  type DecoderCapacity,
  type GenerateRequest,
  type Generation,
} from '../rollout/decoder.ts';
import { needsCritic } from '../vocabulary/estimators.ts';
import {
  type Distribution,
  type DistributionFilter,
  type Examination,
  type Examined,
  Examiner,
  MOST_RESPONSES,
} from './examiner.ts';

/** The sizes of a task that a live model is built for. */
export interface LiveLimits {
  readonly maxPromptTokens: number;
  readonly maxResponseTokens: number;
  readonly stopStrings?: readonly string[] | undefined;
}

/** What networks are loaded from. */
export interface LiveWeights {
  /** A whole model or its adapters; undefined for the base. */
  readonly actor: ParameterSource | undefined;
  /** Undefined where its values are not wanted or not there. */
  readonly critic: ParameterSource | undefined;
}

/** Most bytes of keys and values of responses that decode together. */
const CACHE_BYTES = 2 ** 26;

/**
 * A model of a run's shape that is asked, beside its base: in buffers of its own, so that whatever it is
 * asked, a training on the same device does not notice.
 */
export class LiveModel {
  readonly #config: ExperimentConfig;
  readonly #model: ModelConfig;
  readonly #stores: Stores;
  readonly #examiner: Examiner;
  readonly #decoder: BatchedDecoder;
  #hasCritic = false;

  private constructor(gpu: Gpu, model: ModelConfig, config: ExperimentConfig, limits: LiveLimits) {
    this.#config = config;
    this.#model = model;
    this.#stores = storesOf(gpu, model, config);
    const { networks } = this.#stores;
    this.#examiner = new Examiner(gpu, networks, config, limits);
    const capacity = capacityOf(config, limits);
    const together = atMost(capacity, rowsTogether(capacity, model));
    this.#decoder = new BatchedDecoder(
      new Decoder(gpu, model, networks.policy, together),
      capacity,
    );
  }

  /**
   * Allocates a live model and loads its base.
   *
   * @throws AllocationError when memory is short; AdapterError when the device cannot bind a buffer.
   */
  static async open(
    gpu: Gpu,
    model: ModelConfig,
    config: ExperimentConfig,
    limits: LiveLimits,
    base: ParameterSource,
  ): Promise<LiveModel> {
    const live = await gpu.allocating(() => new LiveModel(gpu, model, config, limits));
    await live.#stores.base.loadFrom(base);
    return live;
  }

  /** Takes other weights. @throws The errors of their source; RangeError unless they fit the model. */
  async load({ actor, critic }: LiveWeights, base: ParameterSource): Promise<void> {
    const { policy, critic: criticStore } = this.#stores;
    this.#hasCritic = false;
    const { adapter } = this.#config;
    if (actor) await policy.loadFrom(actor);
    else if (!adapter) await policy.loadFrom(base);
    else {
      // Fresh adapters change nothing.
      const fresh = freshAdapters(this.#model, planOf(adapter, this.#model), 0, 'actor');
      await policy.loadFrom(heldParameters(fresh));
    }
    if (!critic || !criticStore) return;
    await criticStore.loadFrom(critic);
    this.#hasCritic = true;
  }

  /** Draws responses, as a decoder of the run does. */
  generate(request: GenerateRequest): Promise<Generation> {
    return this.#decoder.generate(request);
  }

  /** See `Examiner.nextToken`. */
  nextToken(prompt: Uint32Array, filter: DistributionFilter): Promise<Distribution> {
    return this.#examiner.nextToken(prompt, filter);
  }

  /** See `Examiner.examine`. */
  examine(of: Omit<Examination, 'hasCritic'>): Promise<Examined> {
    return this.#examiner.examine({ ...of, hasCritic: this.#hasCritic });
  }

  /** See `Examiner.attend`. */
  attend(prompt: Uint32Array, response: Uint32Array, layer: number): Promise<Float32Array> {
    return this.#examiner.attend(prompt, response, layer);
  }

  /** Frees all of it. */
  destroy(): void {
    this.#decoder.destroy();
    this.#examiner.destroy();
    const { base, policy, critic } = this.#stores;
    for (const store of [base, policy, critic]) store?.destroy();
  }
}

interface Stores {
  readonly base: FrozenStore;
  /** The policy, or its adapters over the base. */
  readonly policy: FrozenStore | ParameterStore;
  readonly critic: FrozenStore | ParameterStore | undefined;
  readonly networks: {
    readonly policy: Weights;
    readonly reference: Weights;
    readonly critic: Weights | undefined;
  };
}

function storesOf(gpu: Gpu, model: ModelConfig, config: ExperimentConfig): Stores {
  const { adapter, weightStorage, ppo } = config;
  const plan = adapter && planOf(adapter, model);
  const whole = (label: string, head: Head): FrozenStore =>
    new FrozenStore(gpu, model, head, `asked ${label}`, {
      storage: weightStorage,
      floatTable: plan === undefined,
    });
  const base = whole('base', 'lm');
  const network = (label: string, head: Head) => {
    if (plan) return adaptedOn(gpu, base, plan, head);
    const store = whole(label, head);
    return { weights: store, adapters: store };
  };
  const policy = network('policy', 'lm');
  const critic = needsCritic(ppo.estimator) ? network('critic', 'value') : undefined;
  return {
    base,
    policy: policy.adapters,
    critic: critic?.adapters,
    networks: { policy: policy.weights, reference: base, critic: critic?.weights },
  };
}

function capacityOf(
  { cacheStorage }: ExperimentConfig,
  { maxPromptTokens, maxResponseTokens, stopStrings = [] }: LiveLimits,
): DecoderCapacity {
  return {
    rows: MOST_RESPONSES,
    prompts: 1,
    promptRows: maxPromptTokens,
    promptLength: maxPromptTokens,
    newTokens: maxResponseTokens,
    cacheStorage,
    ...(stopStrings.length > 0 ? { stopStrings: true } : {}),
  };
}

/** Responses that decode together. */
function rowsTogether(
  { newTokens, cacheStorage = 'f32' }: DecoderCapacity,
  { layers, kvHeads, headDim }: ModelConfig,
): number {
  const bytes = bytesPerElement[cacheStorage] * layers * 2 * kvHeads * headDim * newTokens;
  return Math.max(1, Math.min(MOST_RESPONSES, Math.floor(CACHE_BYTES / bytes)));
}
