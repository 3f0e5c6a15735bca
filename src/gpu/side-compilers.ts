import type { Dispatch } from '../../kernels/lib/kernel.ts';
import { hardwareThreads } from '../hardware-threads.ts';
import type { Asking } from './contracts.ts';
import { bufferUsage } from './memory.ts';
import { layoutOf, makePipeline } from './make-pipeline.ts';

/** Milliseconds. A driver that compiled a kernel before, in this process or another, takes less. */
const KNOWN_MS = 20;
/** Most devices. A run has some forty kernels, and the slowest takes a sixth of the total time. */
const MOST = 6;
/** Bytes bound to each binding of a dispatch without work: at least what shaders declare. */
const BINDING_BYTES = 65_536;

/**
 * Compiles kernels on further devices, for a driver that compiles at the first dispatch, in the one
 * thread that serves a device's queue. Each further device has a queue of its own, and the driver
 * keeps compiled kernels on disk for all devices. Devices are opened when there is a kernel to
 * compile, and closed when there is none.
 */
export class SideCompilers {
  readonly #open: () => Promise<GPUDevice>;
  readonly #ask: Asking['ask'];
  readonly #most = Math.min(MOST, hardwareThreads());
  /** Milliseconds that compiling took, for each dispatch begun. */
  readonly #begun = new Map<Dispatch, Promise<number>>();
  readonly #working = new Set<Promise<void>>();
  #closed = false;

  /** @param open Opens another device of the adapter. */
  constructor(open: () => Promise<GPUDevice>, ask: Asking['ask']) {
    this.#open = open;
    this.#ask = ask;
  }

  /**
   * Opens devices that compile.
   *
   * @param count Kernels to compile.
   * @param next Gives one dispatch after another, each once. A device stops asking after a kernel
   *   that the driver already knew.
   */
  start(count: number, next: () => Dispatch | undefined): void {
    while (!this.#closed && this.#working.size < Math.min(this.#most, count)) {
      // A failure is not reported here: the kernel is compiled, or refused with a reason, where it
      // is used.
      const work = this.#work(next).catch(() => undefined);
      this.#working.add(work);
      void work.then(() => this.#working.delete(work));
    }
  }

  /**
   * Waits while a dispatch is being compiled.
   *
   * @returns Milliseconds that compiling took, Infinity if it failed; undefined if no device began
   *   it.
   */
  waitIfCompiling(dispatch: Dispatch): Promise<number | undefined> | undefined {
    return this.#begun.get(dispatch);
  }

  /** Resolves when the kernels being compiled are done. No further kernel is begun. */
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

/** One device, and buffers that stand in for the tensors of any kernel. */
class Side implements Asking {
  readonly device: GPUDevice;
  readonly ask: Asking['ask'];
  readonly #buffers = new Map<number, GPUBuffer>();

  constructor(device: GPUDevice, ask: Asking['ask']) {
    this.device = device;
    this.ask = ask;
  }

  /** @returns Milliseconds that a dispatch without work took, after the pipeline was made. */
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
    // The indirect buffer says zero workgroups: Dawn would warn about a direct dispatch of zero.
    pass.dispatchWorkgroupsIndirect(this.#buffer(indirect, 0), 0);
    pass.end();
    const started = performance.now();
    device.queue.submit([encoder.finish()]);
    await ask(() => device.queue.onSubmittedWorkDone());
    return performance.now() - started;
  }

  /** No dispatch may write a buffer that it binds twice, so each slot has a buffer of its own. */
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
