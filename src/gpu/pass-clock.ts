import type { Reads } from './contracts.ts';
import { bufferUsage } from './memory.ts';

/**
 * Most compute passes between two readings: WebGPU's largest query set holds two timestamps of
 * each.
 */
const MOST_PASSES = 2048;

/**
 * Adds up the time that the device spends inside compute passes, for benchmarks. Needs
 * `timestamp-query`. Some browsers round timestamps to 0.1 ms.
 */
export class PassClock {
  readonly #gpu: Reads;
  readonly #querySet: GPUQuerySet;
  readonly #marks: GPUBuffer;
  #passes = 0;

  constructor(gpu: Reads) {
    const size = 2 * MOST_PASSES * 8;
    this.#gpu = gpu;
    this.#querySet = gpu.device.createQuerySet({ type: 'timestamp', count: 2 * MOST_PASSES });
    const usage = bufferUsage.queryResolve | bufferUsage.copySrc;
    this.#marks = gpu.device.createBuffer({ size, usage });
  }

  /**
   * Timestamp writes for the next pass's descriptor; undefined for passes past the 2,048 that fit.
   */
  next(): GPUComputePassTimestampWrites | undefined {
    const first = 2 * this.#passes++;
    if (this.#passes > MOST_PASSES) return undefined;
    return {
      querySet: this.#querySet,
      beginningOfPassWriteIndex: first,
      endOfPassWriteIndex: first + 1,
    };
  }

  /**
   * Milliseconds inside the passes since the last reading. Waits until the passes are done.
   * Undefined when there were more passes than fit.
   */
  async read(): Promise<number | undefined> {
    const passes = this.#passes;
    this.#passes = 0;
    if (passes > MOST_PASSES) return undefined;
    if (passes === 0) return 0;
    const { device } = this.#gpu;
    const encoder = device.createCommandEncoder({ label: 'pass clock' });
    encoder.resolveQuerySet(this.#querySet, 0, 2 * passes, this.#marks, 0);
    device.queue.submit([encoder.finish()]);
    const { buffer } = await this.#gpu.read({
      name: 'pass clock',
      shape: [4 * passes],
      dtype: 'u32',
      buffer: this.#marks,
      offset: 0,
    });
    const marks = new BigUint64Array(buffer);
    let nanoseconds = 0n;
    for (let pass = 0; pass < passes; pass++) {
      nanoseconds += (marks[2 * pass + 1] ?? 0n) - (marks[2 * pass] ?? 0n);
    }
    return Number(nanoseconds) / 1e6;
  }

  destroy(): void {
    this.#querySet.destroy();
    this.#marks.destroy();
  }
}
