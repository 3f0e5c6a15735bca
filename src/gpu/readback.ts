import {
  byteLength,
  type DType,
  elementCount,
  type HostArrays,
  type Tensor,
} from '../../kernels/lib/tensor.ts';
import type { Gpu } from './device.ts';
import { bufferUsage } from './memory.ts';

/** Tensors or ranges of tensors to read, under names that the caller chooses. */
export type ReadParts = Readonly<Record<string, Tensor>>;

/** The arrays read, under the same names, typed after the dtypes; halves as their bits. */
export type ReadArrays<Parts extends ReadParts> = {
  // An optional part is optional here too.
  readonly [Key in keyof Parts]: HostArrays[NonNullable<Parts[Key]>['dtype']];
};

/** Bytes of one reading of the parts. */
export const readBytes = (parts: ReadParts): number =>
  Object.values(parts).reduce((sum, tensor) => sum + byteLength(tensor), 0);

/** Typed views of read bytes. The last word of an f16 tensor may hold one element too many. */
const hostArray: {
  readonly [Type in DType]: (
    bytes: ArrayBuffer,
    start: number,
    shape: readonly number[],
  ) => HostArrays[Type];
} = {
  f32: (bytes, start, shape) => new Float32Array(bytes, start, elementCount(shape)),
  u32: (bytes, start, shape) => new Uint32Array(bytes, start, elementCount(shape)),
  i32: (bytes, start, shape) => new Int32Array(bytes, start, elementCount(shape)),
  f16: (bytes, start, shape) => new Uint16Array(bytes, start, elementCount(shape)),
  int8: (bytes, start, shape) => wordsOf('int8', bytes, start, shape),
  int4: (bytes, start, shape) => wordsOf('int4', bytes, start, shape),
};

const wordsOf = (
  dtype: DType,
  bytes: ArrayBuffer,
  start: number,
  shape: readonly number[],
): Uint32Array<ArrayBuffer> => new Uint32Array(bytes, start, byteLength({ dtype, shape }) / 4);

/** Reads tensors back in one copy, through a staging buffer made beforehand. */
export class Readback {
  readonly #gpu: Gpu;
  readonly #staging: GPUBuffer;

  /** @param bytes Bytes of the largest reading, from `readBytes`. */
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
   * @param parts Each may begin at any word of its buffer.
   * @returns Copies, all in one buffer.
   * @throws DeviceLostError when the device went away, or the device's first error.
   */
  async read<Parts extends ReadParts>(parts: Parts): Promise<ReadArrays<Parts>> {
    const gpu = this.#gpu;
    gpu.throwIfFailed();
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
    gpu.throwIfFailed();
    return Object.fromEntries(
      places.map(({ key, tensor: { dtype, shape }, start }) => [
        key,
        hostArray[dtype](bytes, start, shape),
      ]),
    ) as ReadArrays<Parts>;
  }

  destroy(): void {
    this.#gpu.memory.remove(this.#staging);
    this.#staging.destroy();
  }
}
