import type { Dispatch } from '../../kernels/lib/kernel.ts';
import type { HostArrays, Tensor } from '../../kernels/lib/tensor.ts';
import type { ChoosingDevice } from '../../kernels/lib/variants.ts';

/** A device, and the way to ask it for results that arrive later. */
export interface Asking {
  readonly device: GPUDevice;
  /**
   * Asks the device for a result that arrives later: finished work, a mapped buffer. Every such
   * call goes through here; otherwise Node's implementation takes a core while the caller waits.
   */
  readonly ask: <T>(call: () => Promise<T>) => Promise<T>;
}

/** A pipeline being compiled, shared by all dispatches that need the same one. */
export interface PipelineEntry {
  readonly label: string;
  readonly layout: GPUBindGroupLayout;
  readonly ready: Promise<void>;
  pipeline: GPUComputePipeline | undefined;
  /**
   * False until the pipeline's first dispatch is done: software drivers compile only then, for
   * seconds.
   */
  warm: boolean;
}

/** The part of the pipeline cache that a plan uses. */
export interface Compiles {
  readonly entry: (dispatch: Dispatch) => PipelineEntry;
  readonly queueFirst: (entries: ReadonlySet<PipelineEntry>) => void;
}

/** The part of the pipeline cache that a queue uses. */
export interface RunsFirst {
  readonly runFirst: (entry: PipelineEntry, run: () => Promise<void>) => Promise<void>;
}

/** Counts the bytes of live buffers. */
export interface Ledger {
  readonly add: (buffer: GPUBuffer, purpose: 'uniforms' | 'readback') => void;
  readonly remove: (buffer: GPUBuffer) => void;
}

/** Marks the beginning and the end of compute passes. */
export interface Marks {
  readonly next: () => GPUComputePassTimestampWrites | undefined;
}

/** What a plan needs of a device. */
export interface PlanDevice extends ChoosingDevice {
  readonly device: GPUDevice;
  /** @throws AllocationError when the implementation throws because memory is short. */
  readonly createBuffer: (descriptor: GPUBufferDescriptor) => GPUBuffer;
  readonly memory: Ledger;
  readonly pipelines: Compiles;
  readonly passClock: Marks | undefined;
}

/** What a queue needs of a device. */
export interface QueueDevice extends Asking {
  readonly kind: 'cpu' | 'gpu';
  readonly pipelines: RunsFirst;
  /** @throws DeviceLostError or the first uncaptured WebGPU error, if one has happened. */
  readonly throwIfFailed: () => void;
}

/** A device whose tensors can be read back. */
export interface Reads {
  readonly device: GPUDevice;
  readonly read: (tensor: Tensor<'u32'>) => Promise<HostArrays['u32']>;
}
