import { AdapterError } from '../gpu/device.ts';
import { bytesText, type MemoryLimits, type MemoryPurpose } from '../gpu/memory.ts';
import { phantomGpu } from '../gpu/phantom.ts';
import { deviceLayout } from '../model/load-parameters.ts';
import type { ModelConfig } from '../model/config.ts';
import { ParameterStore, type WeightStorage } from '../model/parameters.ts';
import { Decoder, type DecoderCapacity } from './decoder.ts';

/** Responses to be drawn by a model whose weights do not change. */
export interface ResponderJob {
  readonly prompts: readonly (readonly number[])[];
  /** Responses to each prompt. */
  readonly samples: number;
  readonly newTokens: number;
  readonly stopIds: readonly number[];
}

/** What the responses may take. */
export interface ResponderBudget {
  /** Bytes of GPU memory, weights and all. */
  readonly memory: number;
  readonly limits: MemoryLimits;
  readonly weights?: WeightStorage | undefined;
  /** How keys and values are kept; chosen by the memory when left out. */
  readonly cache?: 'f32' | 'f16' | undefined;
}

/** How a job is cut into batches. */
export interface ResponderPlan {
  readonly capacity: DecoderCapacity & { readonly cacheStorage: 'f32' | 'f16' };
  /** Of each prompt in one batch. */
  readonly samples: number;
  readonly batches: number;
  /** Bytes of GPU buffers, weights included. */
  readonly byPurpose: Readonly<Partial<Record<MemoryPurpose, number>>>;
  readonly total: number;
}

/** Rows past which more together are not faster. */
const mostRows = 256;
/** Rows below which half as large a cache, with rounded numbers, is worth its error. */
const fewRows = 16;
/** Token rows of a prefill that kernels are chosen for at most. */
const usualPromptRows = 4096;

/** A job's memory does not suffice, whatever way it is cut. */
export class MemoryError extends Error {
  override readonly name = 'MemoryError';
}

/**
 * Cuts a job into the largest batches that a memory holds. What is drawn does not depend on the cut,
 * to the last bit; where the cache is in f16 for want of memory, it differs from one in f32.
 *
 * @throws MemoryError, in bytes, when not even one response fits; AdapterError when the device cannot
 *   bind what the model needs at all.
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
      // All of them first: most jobs are small.
      const middle = low === 0 && high === rows + 1 ? rows : Math.floor((low + high) / 2);
      const plan = planned(config, job, budget, middle, cache);
      if (plan && plan.total <= budget.memory) [best, low] = [plan, middle];
      else high = middle;
    }
    return best;
  };
  const { cache } = budget;
  const wide = cache === 'f16' ? undefined : largest('f32');
  const isMany = wide && rowsOf(wide) >= Math.min(fewRows, rows);
  const narrow = cache === 'f32' || isMany ? undefined : largest('f16');
  const best = wide && narrow ? (rowsOf(narrow) > rowsOf(wide) ? narrow : wide) : (wide ?? narrow);
  if (best) return best;
  const least = planOf(config, job, budget, 1, cache ?? 'f16');
  const { weights = 0, 'kv-cache': keys = 0 } = least.byPurpose;
  throw new MemoryError(
    `one response at a time needs ${bytesText(least.total)}, of which weights are ${bytesText(weights)} ` +
      `and the cache ${bytesText(keys)}; there are ${bytesText(budget.memory)}: ` +
      'fewer new tokens, shorter prompts or weights in f16 help',
  );
}

const rowsOf = ({ capacity }: ResponderPlan): number => capacity.rows;

/** The plan of a number of rows; undefined where a device cannot bind so many. */
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

/** The plan with at most so many rows together, and what it takes, on a device that only counts. */
function planOf(
  config: ModelConfig,
  job: ResponderJob,
  { limits, weights }: ResponderBudget,
  rows: number,
  cache: 'f32' | 'f16',
): ResponderPlan {
  const { prompts, newTokens } = job;
  const lengths = prompts.map(({ length }) => length);
  const total = lengths.reduce((sum, length) => sum + length, 0);
  // As even as can be: the same number of batches, of fewer rows each.
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
  const layout = deviceLayout(gpu, config, 'lm', weights);
  const store = new ParameterStore(gpu, layout, 'weights', 'weights', { frozen: true });
  new Decoder(gpu, config, store, capacity);
  const byPurpose = gpu.memory.byPurpose();
  return { capacity, samples, batches: rounds * turns, byPurpose, total: gpu.memory.total() };
}
