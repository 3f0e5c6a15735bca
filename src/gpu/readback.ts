import { byteLength, type Tensor } from '../../kernels/lib/tensor.ts';
import type { Gpu } from './device.ts';
import { bufferUsage } from './memory.ts';

/** Reads a fixed list of tensors back in one copy, through a staging buffer made beforehand. */
export class Readback {
  readonly #gpu: Gpu;
  readonly #tensors: readonly Tensor[];
  readonly #staging: GPUBuffer;

  constructor(gpu: Gpu, label: string, tensors: readonly Tensor[]) {
    this.#gpu = gpu;
    this.#tensors = tensors;
    this.#staging = gpu.createBuffer({
      label,
      size: tensors.reduce((sum, tensor) => sum + byteLength(tensor), 0),
      usage: bufferUsage.mapRead | bufferUsage.copyDst,
    });
    gpu.memory.add(this.#staging, 'readback');
  }

  /**
   * Waits for the work submitted so far. One call at a time.
   *
   * @returns A copy of each tensor as f32, in the order given.
   */
  async read(): Promise<Float32Array[]> {
    const gpu = this.#gpu;
    gpu.check();
    const encoder = gpu.device.createCommandEncoder({ label: this.#staging.label });
    let at = 0;
    for (const tensor of this.#tensors) {
      const bytes = byteLength(tensor);
      encoder.copyBufferToBuffer(tensor.buffer, tensor.offset, this.#staging, at, bytes);
      at += bytes;
    }
    gpu.device.queue.submit([encoder.finish()]);
    const bytes = (await gpu.mapped(this.#staging)).slice(0);
    this.#staging.unmap();
    gpu.check();
    at = 0;
    return this.#tensors.map((tensor) => {
      const start = at;
      at += byteLength(tensor);
      return new Float32Array(bytes, start, byteLength(tensor) / 4);
    });
  }

  destroy(): void {
    this.#gpu.memory.remove(this.#staging);
    this.#staging.destroy();
  }
}
