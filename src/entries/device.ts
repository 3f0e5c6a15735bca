import { type AdapterChoice, type Gpu, openGpu } from '../gpu/device.ts';

let unwrap: (device: Device) => Gpu;

/** The internal device behind a `Device`, for the functions of this package. */
export const gpuOf = (device: Device): Gpu => unwrap(device);

export interface DeviceOptions {
  /** `software` asks for the fallback adapter, `gpu` refuses one. Default `auto`. */
  readonly adapter?: AdapterChoice;
}

/** An open WebGPU device for the functions of this package. Whoever opened the device closes it. */
export class Device {
  static {
    unwrap = (device) => device.#gpu;
  }

  readonly #gpu: Gpu;

  private constructor(gpu: Gpu) {
    this.#gpu = gpu;
  }

  /**
   * Opens a device of this host: a browser, Node, Deno or Bun. Buffers may be as large as the
   * adapter allows.
   *
   * @throws AdapterError when there is no WebGPU, or no adapter of the requested kind.
   */
  static async open(options: DeviceOptions = {}): Promise<Device> {
    return new Device(await openGpu({ limits: 'max', ...options }));
  }

  /** The adapter's name, from its driver. */
  get adapter(): string {
    return this.#gpu.name;
  }

  /** `cpu` for a software adapter. */
  get kind(): 'cpu' | 'gpu' {
    return this.#gpu.kind;
  }

  /** Closes the device. Wait for its work first. */
  close(): Promise<void> {
    return this.#gpu.close();
  }
}
