import type { Tensor } from '../../kernels/lib/tensor.ts';
import type { Gpu } from '../gpu/device.ts';
import { bufferUsage, mapMode } from '../gpu/memory.ts';
import type { KnownRow } from './stop-strings.ts';

/** The state of a decode that is copied. */
export interface TailState {
  /** u32 (R): a row's first place. */
  readonly origin: Tensor;
  /** u32 (R, 2): tokens drawn so far; 0 where the row is running. */
  readonly status: Tensor;
  /** u32 (R, T). */
  readonly tokens: Tensor;
}

/**
 * Gives the host the tokens of running rows without waiting for the GPU: they are copied into a
 * mappable buffer behind a step, and read when the copy arrives, some steps later. One copy is
 * under way at a time.
 */
export class TailCopy {
  readonly #gpu: Gpu;
  readonly #state: TailState;
  readonly #buffer: GPUBuffer;
  readonly #columns: number;
  #pending: Promise<void> | undefined;
  #error: unknown;

  constructor(gpu: Gpu, state: TailState) {
    this.#gpu = gpu;
    this.#state = state;
    const [rows = 0, columns = 0] = state.tokens.shape;
    this.#columns = columns;
    this.#buffer = gpu.createBuffer({
      label: 'tail copy',
      size: rows * (columns + 3) * 4,
      usage: bufferUsage.mapRead | bufferUsage.copyDst,
    });
    gpu.memory.add(this.#buffer, 'readback');
  }

  /**
   * Copies the first `rows` rows after all work submitted so far, unless a copy is under way.
   *
   * @param receive Given the rows by their first places. No other copy begins before it is done.
   */
  push(rows: number, receive: (known: readonly KnownRow[]) => Promise<void>): void {
    if (this.#pending) return;
    const { device } = this.#gpu;
    const { origin, status, tokens } = this.#state;
    const encoder = device.createCommandEncoder({ label: 'tail copy' });
    let at = 0;
    for (const [tensor, width] of [
      [origin, 1],
      [status, 2],
      [tokens, this.#columns],
    ] as const) {
      const bytes = rows * width * 4;
      encoder.copyBufferToBuffer(tensor.buffer, tensor.offset, this.#buffer, at, bytes);
      at += bytes;
    }
    device.queue.submit([encoder.finish()]);
    this.#pending = this.#receive(rows, at, receive).finally(() => (this.#pending = undefined));
  }

  /** @throws The error that a `receive` threw. */
  check(): void {
    const error = this.#error;
    this.#error = undefined;
    if (error !== undefined) throw error;
  }

  /** Waits for the copy under way and what receives it. */
  async settle(): Promise<void> {
    await this.#pending;
  }

  async #receive(
    rows: number,
    bytes: number,
    receive: (known: readonly KnownRow[]) => Promise<void>,
  ): Promise<void> {
    let words: Uint32Array;
    try {
      await this.#gpu.ask(() => this.#buffer.mapAsync(mapMode.read, 0, bytes));
      words = new Uint32Array(this.#buffer.getMappedRange(0, bytes)).slice();
      this.#buffer.unmap();
    } catch {
      // Mapping fails only when the device is lost or closed: the next run of a plan reports that.
      return;
    }
    try {
      await receive(
        Array.from({ length: rows }, (_, place) => {
          const length = words[rows + place * 2] ?? 0;
          const start = rows * 3 + place * this.#columns;
          return {
            row: words[place] ?? 0,
            tokens: words.subarray(start, start + length),
            ended: words[rows + place * 2 + 1] !== 0,
          };
        }),
      );
    } catch (error) {
      this.#error = error;
    }
  }

  destroy(): void {
    this.#gpu.memory.remove(this.#buffer);
    this.#buffer.destroy();
  }
}
