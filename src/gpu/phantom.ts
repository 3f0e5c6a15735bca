import { Gpu } from './device.ts';
import type { MemoryLimits } from './memory.ts';

/**
 * A device that allocates, compiles and runs nothing: what is built on it fills the memory ledger and
 * costs no memory. Tensors past the limits are refused as on a real device.
 */
export function phantomGpu(limits: MemoryLimits): Gpu {
  const nothing = (): void => undefined;
  const device = {
    // Absent features choose among kernels, never among buffers.
    features: new Set(),
    limits,
    lost: new Promise(nothing),
    queue: {
      writeBuffer: nothing,
      submit: nothing,
      onSubmittedWorkDone: () => Promise.resolve(),
    },
    createBuffer: ({ label, size }: GPUBufferDescriptor) => ({ label, size, destroy: nothing }),
    createBindGroup: () => ({}),
    createBindGroupLayout: () => ({}),
    createPipelineLayout: () => ({}),
    createShaderModule: () => ({ getCompilationInfo: () => Promise.resolve({ messages: [] }) }),
    createComputePipelineAsync: () => Promise.resolve({}),
    pushErrorScope: nothing,
    popErrorScope: () => Promise.resolve(null),
    destroy: nothing,
  };
  const info = { vendor: '', architecture: '', device: '', description: 'this device' };
  return new Gpu(device as unknown as GPUDevice, info as GPUAdapterInfo);
}
