import { AdapterError } from '../gpu/device.ts';
import { bytesText, type MemoryLimits, type MemoryPurpose } from '../gpu/memory.ts';
import { phantomGpu } from '../gpu/phantom.ts';
import type { AdapterPlan } from '../model/adapters.ts';
import { type FrozenStorage, FrozenStore } from '../model/frozen-store.ts';
import { adaptedOn } from '../model/load-parameters.ts';
import type { ModelConfig } from '../model/config.ts';
import { Decoder, type DecoderCapacity } from './decoder.ts';

/** Responses to be drawn by a model whose weights do not change. */
export interface ResponderJob {
  readonly prompts: readonly (readonly number[])[];
  /** Responses to each prompt. */
  readonly samples: number;
  readonly newTokens: number;
  readonly stopIds: readonly number[];
}

/** The resources that the responses may take. */
export interface ResponderBudget {
  /** Bytes of GPU memory, weights included. */
  readonly memory: number;
  readonly limits: MemoryLimits;
  readonly weights?: FrozenStorage | undefined;
  /** The adapters on the model; undefined for none. */
  readonly adapters?: AdapterPlan | undefined;
  /** Storage of keys and values; the memory decides when left out. */
  readonly cache?: 'f32' | 'f16' | undefined;
}

/** How a job is cut into batches. */
export interface ResponderPlan {
  readonly capacity: DecoderCapacity & { readonly cacheStorage: 'f32' | 'f16' };
  /** Samples of each prompt in one batch. */
  readonly samples: number;
  readonly batches: number;
  /** Bytes of GPU buffers, weights included. */
  readonly byPurpose: Readonly<Partial<Record<MemoryPurpose, number>>>;
  readonly total: number;
}

/** More rows together are not faster. */
const mostRows = 256;
/** With fewer rows, a cache of half the size is worth the error of its rounded numbers. */
const fewRows = 16;
/** Most token rows of a prefill that kernels are chosen for. */
const usualPromptRows = 4096;

/** The memory does not suffice for a job, however the job is cut. */
export class MemoryError extends Error {
  override readonly name = 'MemoryError';
}

/**
 * Cuts a job into the largest batches that fit the memory. Responses do not depend on the cut, to
 * the last bit. They do depend on the storage of the cache, which is f16 where memory is short.
 *
 * @throws MemoryError, in bytes, when not even one response fits; AdapterError when the device
 *   cannot bind a buffer that the model needs.
 */
export function planResponder(
  config: ModelConfig,
  job: ResponderJob,
  budget: ResponderBudget,
): ResponderPlan {
  const rows = Math.min(mostRows, job.prompts.length * job.samples);
  const largest = (cache: 'f32' | 'f16'): ResponderPlan | undefined => {
    let [low, high] = [0, rows + 1];
    let best: ResponderPlan | undefined;
    while (high - low > 1) {
      // All rows first: most jobs are small.
      const middle = low === 0 && high === rows + 1 ? rows : Math.floor((low + high) / 2);
      const plan = planned(config, job, budget, middle, cache);
      if (plan && plan.total <= budget.memory) [best, low] = [plan, middle];
      else high = middle;
    }
    return best;
  };
  const { cache } = budget;
  const wide = cache === 'f16' ? undefined : largest('f32');
  const isMany = wide && wide.capacity.rows >= Math.min(fewRows, rows);
  const narrow = cache === 'f32' || isMany ? undefined : largest('f16');
  const best =
    wide && narrow ? (narrow.capacity.rows > wide.capacity.rows ? narrow : wide) : (wide ?? narrow);
  if (best) return best;
  const least = planOf(config, job, budget, 1, cache ?? 'f16');
  const { weights = 0, 'kv-cache': keys = 0 } = least.byPurpose;
  throw new MemoryError(
    `one response at a time needs ${bytesText(least.total)}, of which weights are ${bytesText(weights)} ` +
      `and the cache ${bytesText(keys)}; there are ${bytesText(budget.memory)}: ` +
      'fewer new tokens, shorter prompts or weights in f16 help',
  );
}

/** The plan for `rows` rows; undefined when a device cannot bind so many. */
function planned(
  config: ModelConfig,
  job: ResponderJob,
  budget: ResponderBudget,
  rows: number,
  cache: 'f32' | 'f16',
): ResponderPlan | undefined {
  try {
    return planOf(config, job, budget, rows, cache);
  } catch (error) {
    if (rows > 1 && error instanceof AdapterError) return undefined;
    throw error;
  }
}

/** The plan with at most `rows` rows together, and its memory, counted on a phantom device. */
function planOf(
  config: ModelConfig,
  job: ResponderJob,
  { limits, weights, adapters }: ResponderBudget,
  rows: number,
  cache: 'f32' | 'f16',
): ResponderPlan {
  const { prompts, newTokens } = job;
  const lengths = prompts.map(({ length }) => length);
  const total = lengths.reduce((sum, length) => sum + length, 0);
  // As even as possible: the same number of batches, with fewer rows each.
  const rounds = Math.ceil(job.samples / Math.min(job.samples, rows));
  const samples = Math.ceil(job.samples / rounds);
  const most = Math.max(1, Math.floor(rows / samples));
  const turns = Math.ceil(prompts.length / most);
  const together = Math.ceil(prompts.length / turns);
  let promptRows = 1;
  for (let first = 0; first < prompts.length; first += together) {
    const own = lengths.slice(first, first + together).reduce((sum, length) => sum + length, 0);
    promptRows = Math.max(promptRows, own);
  }
  const capacity = {
    rows: together * samples,
    prompts: together,
    promptRows,
    promptLength: lengths.reduce((most, length) => Math.max(most, length), 1),
    newTokens,
    cacheStorage: cache,
    usual: {
      rows: Math.min(mostRows, prompts.length * job.samples),
      prompts: Math.min(mostRows, prompts.length),
      promptRows: Math.min(usualPromptRows, total),
    },
  };
  const gpu = phantomGpu(limits);
  const store = new FrozenStore(gpu, config, 'lm', 'weights', { storage: weights });
  const model = adapters ? adaptedOn(gpu, store, adapters).weights : store;
  new Decoder(gpu, config, model, capacity);
  const byPurpose = gpu.memory.byPurpose();
  return { capacity, samples, batches: rounds * turns, byPurpose, total: gpu.memory.total() };
}
