import type { BooleanArgDef, EnumArgDef } from 'citty';
import { AdapterError, type Gpu } from '../gpu/device.ts';
import { bytesText } from '../gpu/memory.ts';
import { counted } from '../look/wording.ts';
import type { PeftAdapter } from '../model/hugging-face/peft.ts';
import { expectLayers, loadModel } from '../model/load-parameters.ts';
import type { ModelConfig } from '../model/config.ts';
import type { FrozenStorage } from '../model/frozen-store.ts';
import {
  MemoryError,
  planResponder,
  type ResponderJob,
  type ResponderPlan,
} from '../rollout/batches.ts';
import { Responder } from '../rollout/responder.ts';
import { checkKernels, openCommandGpu } from './adapter.ts';
import { UsageError } from './arguments.ts';
import { budgetOf, memoryArg } from './memory-budget.ts';
import type { DiskModel } from './model-files.ts';
import { system } from './system.ts';

/** Options of commands that generate responses. */
export const responseArgs = {
  memory: memoryArg,
  cache: {
    type: 'enum',
    options: ['auto', 'f32', 'f16'],
    default: 'auto',
    description: 'storage of keys and values; auto is f32 unless memory leaves room for few rows',
  } satisfies EnumArgDef & { options: ('auto' | 'f32' | 'f16')[] },
  estimate: {
    type: 'boolean',
    description: 'only tell the GPU memory it would take; needs no weights, computes nothing',
  } satisfies BooleanArgDef,
};

/** The options as they were given. */
export interface ResponseOptions {
  readonly memory?: string | undefined;
  readonly cache?: 'auto' | 'f32' | 'f16' | undefined;
  readonly weights?: FrozenStorage | undefined;
  /** The adapter of `--adapter-dir`, read; `adapter` means the GPU. */
  readonly lora?: PeftAdapter | undefined;
  readonly adapter?: string;
  readonly json?: boolean | undefined;
}

/** @throws UsageError when `--memory` is too little for even one response. */
function planOf(
  config: ModelConfig,
  job: ResponderJob,
  options: ResponseOptions,
  limits: Gpu['limits'] | undefined,
): { readonly plan: ResponderPlan; readonly memory: number } {
  const memory = budgetOf(options);
  const none = Number.MAX_SAFE_INTEGER;
  const budget = {
    memory,
    limits: limits ?? { maxBufferSize: none, maxStorageBufferBindingSize: none },
    weights: options.weights,
    adapters: options.lora?.plan,
    cache: options.cache === 'auto' ? undefined : options.cache,
  };
  try {
    return { plan: planResponder(config, job, budget), memory };
  } catch (error) {
    if (error instanceof MemoryError) throw new UsageError(`--memory: ${error.message}`);
    throw error;
  }
}

const together = ({ capacity, batches }: ResponderPlan): string =>
  `${counted(capacity.rows, 'response')} together, ${batches} ${batches === 1 ? 'batch' : 'batches'}, cache in ${capacity.cacheStorage}`;

/**
 * Reports the memory that responses will need, on this machine's adapter or on one without limits.
 */
export async function estimateResponses(
  config: ModelConfig,
  job: ResponderJob,
  options: ResponseOptions,
): Promise<void> {
  const host = await system();
  const gpu = await openCommandGpu(options).catch(async (error: unknown) => {
    if (!(error instanceof AdapterError)) throw error;
    await host.stderr(`${error.message}: as on one without limits\n`);
    return undefined;
  });
  try {
    let found: ReturnType<typeof planOf>;
    try {
      found = planOf(config, job, options, gpu?.limits);
    } catch (error) {
      if (!(error instanceof AdapterError)) throw error;
      // The user may ask about another card than this machine's.
      await host.stderr(`${error.message}; as on one without limits:\n`);
      found = planOf(config, job, options, undefined);
    }
    const { plan, memory } = found;
    const lines = Object.entries(plan.byPurpose)
      .sort(([, a], [, b]) => b - a)
      .map(([purpose, bytes]) => `  ${purpose.padEnd(14)}${bytesText(bytes).padStart(14)}\n`);
    await host.stderr(
      `GPU memory: ${bytesText(plan.total)} of ${bytesText(memory)}; ${together(plan)}\n${lines.join('')}`,
    );
    const { rows, prompts, promptRows, newTokens, cacheStorage: cache } = plan.capacity;
    const { batches, total } = plan;
    const bytes = { ...plan.byPurpose, total };
    const told = { rows, prompts, promptRows, newTokens, batches, cache, memory, bytes };
    if (options.json) await host.stdout(`${JSON.stringify(told)}\n`);
  } finally {
    await gpu?.close();
  }
}

/**
 * Opens a responder for a job, with the device and the weights that it needs. All three are freed
 * when `use` has ended.
 */
export async function withResponder<Result>(
  model: DiskModel,
  job: ResponderJob,
  options: ResponseOptions,
  use: (responder: Responder, gpu: Gpu) => Promise<Result>,
): Promise<Result> {
  const { config } = model;
  expectLayers(model);
  const host = await system();
  const gpu = await openCommandGpu(options);
  try {
    const { plan, memory } = planOf(config, job, options, gpu.limits);
    const cache = plan.capacity.cacheStorage;
    await checkKernels(gpu, {
      headDim: config.headDim,
      training: false,
      storage: options.weights,
      cache,
    });
    await host.stderr(
      `GPU memory: ${bytesText(plan.total)} of ${bytesText(memory)}; ${together(plan)}\n`,
    );
    const { weights: storage, lora: adapter } = options;
    const loaded = await loadModel(gpu, model, { storage, adapter });
    await host.doing?.(`letting the model respond, ${together(plan)}`);
    const tell = (text: string): void => void host.stderr(`warning: ${text}\n`);
    const responder = await Responder.open(gpu, loaded.weights, job, plan, tell);
    const result = await use(responder, gpu);
    responder.destroy();
    loaded.destroy();
    return result;
  } finally {
    await gpu.close();
  }
}
