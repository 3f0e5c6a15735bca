import { Gpu } from './device.ts';
import type { MemoryLimits } from './memory.ts';

/** The adapter that is assumed when the caller names none. */
const unknownAdapter = {
  // Absent features choose among kernels, never among buffers.
  features: new Set<string>(),
  info: { vendor: '', architecture: '', device: '', description: 'this device' } as GPUAdapterInfo,
};

/** Records nothing. */
const encoder = {
  copyBufferToBuffer: () => undefined,
  clearBuffer: () => undefined,
  finish: () => ({}),
};

/**
 * A device that allocates, compiles and runs nothing: objects built on it fill the memory ledger
 * and cost no memory; what is read back is zeros. Tensors past the limits are refused as on a real
 * device.
 *
 * @param adapter The adapter whose kernel variants plans take.
 */
export function phantomGpu(
  limits: MemoryLimits,
  adapter: {
    readonly features: GPUSupportedFeatures;
    readonly info: GPUAdapterInfo;
  } = unknownAdapter,
): Gpu {
  const nothing = (): void => undefined;
  const device = {
    features: adapter.features,
    limits,
    lost: new Promise(nothing),
    queue: {
      writeBuffer: nothing,
      submit: nothing,
      onSubmittedWorkDone: () => Promise.resolve(),
    },
    createBuffer: ({ label, size }: GPUBufferDescriptor) => ({
      label,
      size,
      mapAsync: () => Promise.resolve(),
      getMappedRange: (_offset?: number, bytes = size) => new ArrayBuffer(bytes),
      unmap: nothing,
      destroy: nothing,
    }),
    createCommandEncoder: () => encoder,
    createBindGroup: () => ({}),
    createBindGroupLayout: () => ({}),
    createPipelineLayout: () => ({}),
    createShaderModule: () => ({ getCompilationInfo: () => Promise.resolve({ messages: [] }) }),
    createComputePipelineAsync: () => Promise.resolve({}),
    pushErrorScope: nothing,
    popErrorScope: () => Promise.resolve(null),
    destroy: nothing,
  };
  return new Gpu(device as unknown as GPUDevice, adapter.info);
}
