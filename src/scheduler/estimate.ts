import { ConfigError } from '../config-error.ts';
import { type ExperimentConfig, startsDrawn } from '../config.ts';
import { AdapterError, type Gpu } from '../gpu/device.ts';
import type { MemoryLedger, MemoryLimits, MemoryPurpose } from '../gpu/memory.ts';
import type { ModelConfig } from '../model/config.ts';
import { phantomGpu } from '../gpu/phantom.ts';
import { taskShapeOf } from '../tasks/registry.ts';
import type { TaskShape } from '../tasks/task.ts';
import { baseTrainer, modelConfigOf } from './base.ts';
import {
  allocateExperimentBuffers,
  type BuffersShape,
  countBuffers,
  type MemoryChoices,
} from './experiment-buffers.ts';

/** Bytes of GPU buffers. */
export interface MemoryUse {
  readonly byPurpose: Readonly<Partial<Record<MemoryPurpose, number>>>;
  readonly total: number;
}

/** The memory that an experiment will allocate. */
export interface MemoryEstimate {
  /** Memory from the first rollout to the end of the run. */
  readonly run: MemoryUse;
  /** Memory before that, during the pre-training of the base; none if there is a base already. */
  readonly pretraining: MemoryUse;
  /** The most memory at any time, without the buffers of single readbacks. */
  readonly peak: number;
}

const unlimited: MemoryLimits = {
  maxBufferSize: Number.MAX_SAFE_INTEGER,
  maxStorageBufferBindingSize: Number.MAX_SAFE_INTEGER,
};

/** What is known of an experiment beside its config. */
export interface EstimateInputs {
  /** The opened task. May be left out if the task's config tells its sizes. */
  readonly task?: TaskShape | undefined;
  /** The config of the model that the config names. */
  readonly model?: ModelConfig | undefined;
  /**
   * Whether a drawn model's base was pre-trained before. Default false: the experiment pre-trains
   * it.
   */
  readonly hasBase?: boolean | undefined;
  /** How the run is laid out; as a whole when left out. */
  readonly choices?: MemoryChoices | undefined;
}

/**
 * Estimates the GPU memory of an experiment before anything is allocated: builds everything as for
 * a run, on a device that only counts.
 *
 * @param limits Limits of the device. Left out, nothing is refused.
 * @throws ConfigError if task or model are left out of `known` but needed.
 * @throws AdapterError naming the buffer, its bytes and the limit, if a buffer does not fit.
 */
export function estimate(
  config: ExperimentConfig,
  limits: MemoryLimits = unlimited,
  known: EstimateInputs = {},
): MemoryEstimate {
  const task = known.task ?? taskShapeOf(config.task);
  if (!task) throw new ConfigError(`task: ${config.task.name} has no size before it is opened`);
  const model = modelConfigOf(config, task, known.model);
  const { choices } = known;
  const run = measure(limits, (gpu) =>
    allocateExperimentBuffers(gpu, config, task, { ...choices, model }),
  );
  const pretraining =
    startsDrawn(config) && !(known.hasBase ?? false)
      ? measure(limits, (gpu) => baseTrainer(gpu, config, task))
      : { byPurpose: {}, total: 0 };
  return { run, pretraining, peak: Math.max(run.total, pretraining.total) };
}

/**
 * Estimates the GPU memory of PPO alone, for models and lengths of any shape. @throws AdapterError
 * as `estimate`.
 */
export const estimateBuffers = (shape: BuffersShape, limits: MemoryLimits = unlimited): MemoryUse =>
  asUse(() => countBuffers(limits, shape));

const measure = (limits: MemoryLimits, build: (gpu: Gpu) => unknown): MemoryUse =>
  asUse(() => {
    const gpu = phantomGpu(limits);
    build(gpu);
    return gpu.memory;
  });

function asUse(count: () => MemoryLedger): MemoryUse {
  try {
    const memory = count();
    return { byPurpose: memory.byPurpose(), total: memory.total() };
  } catch (error) {
    // A parameter is too large for any page. The layout knows no device, so it throws a RangeError.
    if (error instanceof RangeError) throw new AdapterError(error.message, { cause: error });
    throw error;
  }
}
