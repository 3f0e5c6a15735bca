import {
  byteLength,
  type DType,
  elementCount,
  type HostArrays,
  type Tensor,
} from '../../kernels/lib/tensor.ts';
import type { Gpu } from './device.ts';
import { bufferUsage } from './memory.ts';

/** Tensors to read, or ranges of them, by what the caller calls them. */
export type ReadParts = Readonly<Record<string, Tensor>>;

/** What was read, under the same keys, typed after the dtypes; halves as their bits. */
export type ReadArrays<Parts extends ReadParts> = {
  // A part that may be left out may be missing here too.
  readonly [Key in keyof Parts]: HostArrays[NonNullable<Parts[Key]>['dtype']];
};

/** Bytes that a reading of these takes. */
export const readBytes = (parts: ReadParts): number =>
  Object.values(parts).reduce((sum, tensor) => sum + byteLength(tensor), 0);

/** Views of read bytes; a tensor's last word may hold half an element too many. */
const hostArray: {
  readonly [Type in DType]: (bytes: ArrayBuffer, start: number, length: number) => HostArrays[Type];
} = {
  f32: (bytes, start, length) => new Float32Array(bytes, start, length),
  u32: (bytes, start, length) => new Uint32Array(bytes, start, length),
  i32: (bytes, start, length) => new Int32Array(bytes, start, length),
  f16: (bytes, start, length) => new Uint16Array(bytes, start, length),
};

/** Reads tensors back in one copy, through a staging buffer made beforehand. */
export class Readback {
  readonly #gpu: Gpu;
  readonly #staging: GPUBuffer;

  /** @param bytes Of the largest reading: `readBytes`. */
  constructor(gpu: Gpu, label: string, bytes: number) {
    this.#gpu = gpu;
    this.#staging = gpu.createBuffer({
      label,
      size: bytes,
      usage: bufferUsage.mapRead | bufferUsage.copyDst,
    });
    gpu.memory.add(this.#staging, 'readback');
  }

  /**
   * Waits for the work submitted so far. One call at a time.
   *
   * @param parts May begin at any word of their buffers.
   * @returns Copies, all in one buffer.
   * @throws DeviceLostError where the device went away, or the first error it met.
   */
  async read<Parts extends ReadParts>(parts: Parts): Promise<ReadArrays<Parts>> {
    const gpu = this.#gpu;
    gpu.check();
    const encoder = gpu.device.createCommandEncoder({ label: this.#staging.label });
    let size = 0;
    const places = Object.entries(parts).map(([key, tensor]) => {
      const start = size;
      size += byteLength(tensor);
      const { buffer, offset } = tensor;
      encoder.copyBufferToBuffer(buffer, offset, this.#staging, start, size - start);
      return { key, tensor, start };
    });
    gpu.device.queue.submit([encoder.finish()]);
    const bytes = (await gpu.mapped(this.#staging, size)).slice(0);
    this.#staging.unmap();
    gpu.check();
    return Object.fromEntries(
      places.map(({ key, tensor: { dtype, shape }, start }) => [
        key,
        hostArray[dtype](bytes, start, elementCount(shape)),
      ]),
    ) as ReadArrays<Parts>;
  }

  destroy(): void {
    this.#gpu.memory.remove(this.#staging);
    this.#staging.destroy();
  }
}
