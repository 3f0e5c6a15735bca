import { type AdapterChoice, type Gpu, openGpu } from '../gpu/device.ts';

let unwrap: (device: Device) => Gpu;

/** What the functions of this package find in a device. */
export const gpuOf = (device: Device): Gpu => unwrap(device);

export interface DeviceOptions {
  /** `software` asks for the fallback adapter, `gpu` refuses one. Default `auto`. */
  readonly adapter?: AdapterChoice;
}

/** An open WebGPU device, to hand to the functions of this package. Closed by whoever opened it. */
export class Device {
  static {
    unwrap = (device) => device.#gpu;
  }

  readonly #gpu: Gpu;

  private constructor(gpu: Gpu) {
    this.#gpu = gpu;
  }

  /**
   * Opens a device of this host: a browser, Node, Deno or Bun. Buffers may be as large as the adapter
   * allows.
   *
   * @throws AdapterError when there is no WebGPU, or no adapter of the kind asked for.
   */
  static async open(options: DeviceOptions = {}): Promise<Device> {
    return new Device(await openGpu({ limits: 'max', ...options }));
  }

  /** The adapter, as its driver names it. */
  get adapter(): string {
    return this.#gpu.name;
  }

  /** `cpu` for a software adapter. */
  get kind(): 'cpu' | 'gpu' {
    return this.#gpu.kind;
  }

  /** Lets the device go, once its work is done. */
  close(): Promise<void> {
    return this.#gpu.close();
  }
}
