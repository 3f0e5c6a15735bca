import type { Tensor } from '../../kernels/lib/tensor.ts';
import type { Gpu } from '../gpu/device.ts';
import { bufferUsage, mapMode } from '../gpu/memory.ts';

interface Slot {
  readonly buffer: GPUBuffer;
  /** Set while the copy is being mapped. */
  pending: Promise<void> | undefined;
}

/**
 * Counts the finished rows of a decode without waiting for the GPU. Behind each step a counter is
 * copied into one of a few mappable buffers, and read when the copy arrives, some steps later.
 */
export class FinishedRing {
  readonly #gpu: Gpu;
  readonly #source: Tensor;
  readonly #slots: readonly Slot[];
  #finished = 0;

  /** @param source u32 (1): rows finished, as `sample-token` counts them. */
  constructor(gpu: Gpu, source: Tensor, slots = 4) {
    this.#gpu = gpu;
    this.#source = source;
    this.#slots = Array.from({ length: slots }, (_, i) => {
      const buffer = gpu.createBuffer({
        label: `finished ring ${i}`,
        size: 4,
        usage: bufferUsage.mapRead | bufferUsage.copyDst,
      });
      gpu.memory.add(buffer, 'readback');
      return { buffer, pending: undefined };
    });
  }

  /** Rows finished, by the latest copy that has arrived. */
  get finished(): number {
    return this.#finished;
  }

  /** Copies the counter after all work submitted so far, if a slot is free. */
  push(): void {
    const { device } = this.#gpu;
    const slot = this.#slots.find(({ pending }) => pending === undefined);
    if (!slot) return;
    const encoder = device.createCommandEncoder({ label: 'finished ring' });
    encoder.copyBufferToBuffer(this.#source.buffer, this.#source.offset, slot.buffer, 0, 4);
    device.queue.submit([encoder.finish()]);
    slot.pending = this.#receive(slot);
  }

  /**
   * Waits for the copies under way and forgets their counts. To be called when a decode has ended.
   */
  async reset(): Promise<void> {
    for (const { pending } of this.#slots) await pending;
    this.#finished = 0;
  }

  async #receive(slot: Slot): Promise<void> {
    try {
      await this.#gpu.ask(() => slot.buffer.mapAsync(mapMode.read));
      const [finished = 0] = new Uint32Array(slot.buffer.getMappedRange());
      slot.buffer.unmap();
      this.#finished = Math.max(this.#finished, finished);
    } catch {
      // Mapping fails only when the device is lost or closed: the next run of a plan reports that.
    } finally {
      slot.pending = undefined;
    }
  }

  destroy(): void {
    for (const { buffer } of this.#slots) {
      this.#gpu.memory.remove(buffer);
      buffer.destroy();
    }
  }
}
