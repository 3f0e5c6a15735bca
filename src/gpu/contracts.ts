import type { Dispatch } from '../../kernels/lib/kernel.ts';
import type { HostArrays, Tensor } from '../../kernels/lib/tensor.ts';
import type { ChoosingDevice } from '../../kernels/lib/variants.ts';

/** A device, and the way of asking it for what it tells later. */
export interface Asking {
  readonly device: GPUDevice;
  /**
   * Asks the device for what it tells later: that work is done, a buffer mapped. Every such call goes
   * through here, or Node's implementation takes a core while it is waited for.
   */
  readonly ask: <T>(call: () => Promise<T>) => Promise<T>;
}

/** A pipeline being compiled, shared by all dispatches that need the same one. */
export interface PipelineEntry {
  readonly label: string;
  readonly layout: GPUBindGroupLayout;
  readonly ready: Promise<void>;
  pipeline: GPUComputePipeline | undefined;
  /** False until its first dispatch is done: software drivers compile then, for seconds. */
  warm: boolean;
}

/** What compiles kernels, as far as a plan asks it. */
export interface Compiles {
  readonly entry: (dispatch: Dispatch) => PipelineEntry;
  readonly queueFirst: (entries: ReadonlySet<PipelineEntry>) => void;
}

/** What compiles kernels, as far as a queue asks it. */
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
  /** @throws AllocationError where the implementation throws for want of memory. */
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
  readonly check: () => void;
}

/** What reads tensors back. */
export interface Reads {
  readonly device: GPUDevice;
  readonly read: (tensor: Tensor<'u32'>) => Promise<HostArrays['u32']>;
}
