import { ConfigError } from '../config-error.ts';
import type { ExperimentConfig } from '../config.ts';
import { AdapterError } from '../gpu/device.ts';
import type { MemoryLimits, MemoryPurpose } from '../gpu/memory.ts';
import { phantomGpu } from '../gpu/phantom.ts';
import { taskShapeOf } from '../tasks/registry.ts';
import type { TaskShape } from '../tasks/task.ts';
import { baseTrainer } from './base.ts';
import {
  allocateBuffers,
  allocateExperimentBuffers,
  type BuffersShape,
} from './experiment-buffers.ts';

/** Bytes of GPU buffers. */
export interface MemoryUse {
  readonly byPurpose: Readonly<Partial<Record<MemoryPurpose, number>>>;
  readonly total: number;
}

/** What an experiment will allocate. */
export interface MemoryEstimate {
  /** Kept from the first rollout to the end of the run. */
  readonly run: MemoryUse;
  /** Held before that, while the base is pre-trained; none where a base is given. */
  readonly pretraining: MemoryUse;
  /** The most that is held at once, buffers of single readbacks aside. */
  readonly peak: number;
}

const unlimited: MemoryLimits = {
  maxBufferSize: Number.MAX_SAFE_INTEGER,
  maxStorageBufferBindingSize: Number.MAX_SAFE_INTEGER,
};

/**
 * GPU memory of an experiment, before anything is allocated: everything is built as for a run, over
 * a device that only counts.
 *
 * @param limits Of the device it is meant for; none to refuse nothing.
 * @param task The opened task; may be left out where its config tells its sizes.
 * @throws ConfigError where it was left out and is needed.
 * @throws AdapterError naming the buffer, its bytes and the limit, when one does not fit.
 */
export function estimate(
  config: ExperimentConfig,
  limits: MemoryLimits = unlimited,
  task: TaskShape | undefined = taskShapeOf(config.task),
): MemoryEstimate {
  if (!task) throw new ConfigError(`task: ${config.task.name} has no size before it is opened`);
  const run = measure(limits, (gpu) => allocateExperimentBuffers(gpu, config, task));
  const pretraining = measure(limits, (gpu) => baseTrainer(gpu, config, task));
  return { run, pretraining, peak: Math.max(run.total, pretraining.total) };
}

/** GPU memory of PPO alone, for models and lengths of any shape. @throws AdapterError as `estimate`. */
export const estimateBuffers = (shape: BuffersShape, limits: MemoryLimits = unlimited): MemoryUse =>
  measure(limits, (gpu) => allocateBuffers(gpu, shape));

function measure(
  limits: MemoryLimits,
  build: (gpu: ReturnType<typeof phantomGpu>) => unknown,
): MemoryUse {
  const gpu = phantomGpu(limits);
  try {
    build(gpu);
  } catch (error) {
    // A parameter that no page can hold: the layout knows no device.
    if (error instanceof RangeError) throw new AdapterError(error.message, { cause: error });
    throw error;
  }
  return { byPurpose: gpu.memory.byPurpose(), total: gpu.memory.total() };
}
