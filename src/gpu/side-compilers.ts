import type { Dispatch } from '../../kernels/lib/kernel.ts';
import { hardwareThreads } from '../hardware-threads.ts';
import type { Asking } from './contracts.ts';
import { bufferUsage } from './memory.ts';
import { layoutOf, makePipeline } from './make-pipeline.ts';

/** A driver that has compiled a kernel before, in this process or another, takes less. */
const KNOWN_MS = 20;
/** Devices at most: a run has some forty kernels, the slowest of which takes a sixth of their time. */
const MOST = 6;
/** What one binding of a dispatch without work is bound to: at least what shaders declare. */
const BINDING_BYTES = 65_536;

/**
 * Compiles kernels where a driver does so at their first dispatch, in the one thread that serves a
 * device's queue: further devices have queues of their own, and what they compile, the driver keeps on
 * disk for all. A device is opened when there is something to compile, and closed when there is not.
 */
export class SideCompilers {
  readonly #open: () => Promise<GPUDevice>;
  readonly #ask: Asking['ask'];
  readonly #most = Math.min(MOST, hardwareThreads());
  /** Milliseconds that a dispatch took, of all that were begun. */
  readonly #begun = new Map<Dispatch, Promise<number>>();
  readonly #working = new Set<Promise<void>>();
  #closed = false;

  /** @param open Another device of the adapter. */
  constructor(open: () => Promise<GPUDevice>, ask: Asking['ask']) {
    this.#open = open;
    this.#ask = ask;
  }

  /**
   * Puts devices to work.
   *
   * @param count Kernels to compile.
   * @param next Gives one after another, each once. No more is asked for by a device that was given
   *   one that the driver knew.
   */
  start(count: number, next: () => Dispatch | undefined): void {
    while (!this.#closed && this.#working.size < Math.min(this.#most, count)) {
      // What cannot be compiled here is compiled, or refused with its reason, where it is used.
      const work = this.#work(next).catch(() => undefined);
      this.#working.add(work);
      void work.then(() => this.#working.delete(work));
    }
  }

  /**
   * Waits while a dispatch is being compiled.
   *
   * @returns Milliseconds that compiling took; undefined where no device began.
   */
  waitIfCompiling(dispatch: Dispatch): Promise<number | undefined> | undefined {
    return this.#begun.get(dispatch);
  }

  /** Resolves when what is being compiled is; nothing more is begun. */
  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all(this.#working);
  }

  async #work(next: () => Dispatch | undefined): Promise<void> {
    const side = new Side(await this.#open(), this.#ask);
    try {
      let took = Infinity;
      while (took >= KNOWN_MS && !this.#closed) {
        const dispatch = next();
        if (!dispatch) return;
        const compiled = side.compile(dispatch);
        this.#begun.set(
          dispatch,
          compiled.catch(() => Infinity),
        );
        took = await compiled;
      }
    } finally {
      side.device.destroy();
    }
  }
}

/** One device, and buffers that stand for those of any kernel. */
class Side implements Asking {
  readonly device: GPUDevice;
  readonly ask: Asking['ask'];
  readonly #buffers = new Map<number, GPUBuffer>();

  constructor(device: GPUDevice, ask: Asking['ask']) {
    this.device = device;
    this.ask = ask;
  }

  /** @returns Milliseconds of a dispatch without work, once the pipeline was made. */
  async compile(dispatch: Dispatch): Promise<number> {
    const { device, ask } = this;
    const { bindings } = dispatch.kernel;
    const layout = layoutOf(device, dispatch.kernel);
    const pipeline = await makePipeline(this, dispatch, layout);
    const { uniform, storage, indirect } = bufferUsage;
    const encoder = device.createCommandEncoder();
    const pass = encoder.beginComputePass();
    pass.setPipeline(pipeline);
    const bound = (usage: number, slot: number) => ({
      buffer: this.#buffer(usage, slot),
      size: BINDING_BYTES,
    });
    pass.setBindGroup(
      0,
      device.createBindGroup({
        layout,
        entries: [
          { binding: 0, resource: bound(uniform, 0) },
          ...bindings.map(({ kind }, i) => ({
            binding: i + 1,
            resource: bound(kind === 'uniform' ? uniform : storage, i + 1),
          })),
        ],
      }),
    );
    // Workgroups by number would have to be some: Dawn warns of none.
    pass.dispatchWorkgroupsIndirect(this.#buffer(indirect, 0), 0);
    pass.end();
    const started = performance.now();
    device.queue.submit([encoder.finish()]);
    await ask(() => device.queue.onSubmittedWorkDone());
    return performance.now() - started;
  }

  /** No dispatch may write what it binds twice, so each slot has its own. */
  #buffer(usage: number, slot: number): GPUBuffer {
    const key = slot * 65_536 + usage;
    let buffer = this.#buffers.get(key);
    if (!buffer) {
      buffer = this.device.createBuffer({ size: BINDING_BYTES, usage });
      this.#buffers.set(key, buffer);
    }
    return buffer;
  }
}
