import { byteLength, type DType, type HostArrays, type Tensor } from '../../kernels/lib/tensor.ts';
import type { VariantChoices } from '../../kernels/lib/variants.ts';
import type { Asking } from './contracts.ts';
import {
  AllocationError,
  bindingText,
  bufferUsage,
  bytesText,
  largestBinding,
  mapMode,
  MemoryLedger,
  type MemoryPurpose,
} from './memory.ts';
import type { PassClock } from './pass-clock.ts';
import { PipelineCache } from './pipelines.ts';
import { Plan, type Step } from './plan.ts';
import { SubmitQueue } from './queue.ts';
import { Readback } from './readback.ts';
import { withTimedPolls } from './timed-polls.ts';

/** There is no adapter, or the adapter lacks something that was asked for; the message names it. */
export class AdapterError extends Error {
  override readonly name = 'AdapterError';
}

/** The device went away: driver reset, GPU process crash, or memory. */
export class DeviceLostError extends Error {
  override readonly name = 'DeviceLostError';
}

export type AdapterChoice = 'auto' | 'gpu' | 'software';

export interface GpuOptions {
  /** `software` asks for the fallback adapter, `gpu` refuses one. Default `auto`. */
  readonly adapter?: AdapterChoice;
  /** `max` raises buffer and binding sizes to what the adapter offers; `default` keeps WebGPU's. */
  readonly limits?: 'default' | 'max';
  /** Optional features to enable where the adapter has them, beside `subgroups`. */
  readonly features?: readonly GPUFeatureName[];
}

type HostNavigator = { readonly gpu?: GPU } | undefined;

let nodeGpu: GPU | undefined;

/**
 * The host's WebGPU entry point: the browser's or Deno's own, else Node's `webgpu` package (Dawn).
 * The object is kept for the life of the process: releasing it while devices exist crashes Dawn.
 */
async function hostGpu(): Promise<GPU> {
  const own = (globalThis.navigator as unknown as HostNavigator)?.gpu;
  if (own) return own;
  if (nodeGpu) return nodeGpu;
  if (typeof process === 'undefined') {
    throw new AdapterError('this browser has no WebGPU (navigator.gpu is missing)');
  }
  const name = 'webgpu';
  let dawn: { create(flags: string[]): GPU; globals: object };
  try {
    dawn = (await import(/* @vite-ignore */ name)) as typeof dawn;
  } catch (cause) {
    throw new AdapterError(`the package 'webgpu' cannot be loaded: ${String(cause)}`, { cause });
  }
  Object.assign(globalThis, dawn.globals);
  nodeGpu = dawn.create([]);
  return nodeGpu;
}

/** A device, its pipelines, its submit queue and its memory ledger. */
export class Gpu {
  readonly device: GPUDevice;
  /** `cpu` for a software adapter: kernels choose other variants there. */
  readonly kind: 'cpu' | 'gpu';
  /**
   * Most multiply-adds of one dispatch: they take well below 250 ms on a slow adapter of this kind.
   */
  readonly mostWork: number;
  /** Adapter text as the driver gives it. */
  readonly name: string;
  readonly info: GPUAdapterInfo;
  readonly memory = new MemoryLedger();
  readonly pipelines: PipelineCache;
  readonly queue: SubmitQueue;
  /**
   * The kernel variants that plans take. Measured choices replace them before a plan is built. A
   * family without a choice takes its default on this adapter.
   */
  choices: VariantChoices = {};
  readonly ask: Asking['ask'];
  /** Times the compute passes of all plans while a benchmark sets it. */
  passClock: PassClock | undefined;
  #lost: GPUDeviceLostInfo | undefined;
  #fault: Error | undefined;

  /**
   * @param how.polls Whether the implementation polls while a promise is pending, as Node's does.
   * @param how.openSide Opens another device of the same adapter, to compile on.
   */
  constructor(
    device: GPUDevice,
    info: GPUAdapterInfo,
    how: { readonly polls?: boolean; readonly openSide?: () => Promise<GPUDevice> } = {},
  ) {
    this.device = device;
    this.ask = how.polls ? withTimedPolls : (call) => call();
    this.info = info;
    this.name = adapterName(info);
    this.kind = isSoftware(info) ? 'cpu' : 'gpu';
    this.mostWork = this.kind === 'cpu' ? 2 ** 27 : 2 ** 33;
    this.pipelines = new PipelineCache(this, how.openSide);
    this.queue = new SubmitQueue(this);
    void device.lost.then((lost) => {
      this.#lost = lost;
    });
    device.onuncapturederror = (event: GPUUncapturedErrorEvent) => {
      // `throwIfFailed` reports the error, not the console.
      event.preventDefault();
      // A failed buffer makes every object built on it invalid: its error replaces theirs.
      if (isOutOfMemory(event.error)) this.#fault = this.#noMemory('a buffer', event.error);
      else this.#fault ??= new Error(`WebGPU: ${event.error.message}`);
    };
  }

  get features(): GPUSupportedFeatures {
    return this.device.features;
  }

  get limits(): GPUSupportedLimits {
    return this.device.limits;
  }

  /** @throws DeviceLostError or the first uncaptured WebGPU error, if one has happened. */
  throwIfFailed(): void {
    if (this.#lost) {
      throw new DeviceLostError(`${this.name}: ${this.#lost.message || this.#lost.reason}`);
    }
    if (this.#fault) throw this.#fault;
  }

  /**
   * A zeroed tensor in a buffer of its own.
   *
   * @param purpose The memory ledger counts the bytes under this name; with `uniforms`, shaders may
   *   bind the tensor as a uniform.
   * @throws AdapterError when the tensor is larger than one binding of this device.
   */
  tensor<Type extends DType>(
    name: string,
    shape: readonly number[],
    dtype: Type,
    purpose: MemoryPurpose,
  ): Tensor<Type> {
    // Rounded up to whole vec4s: shaders may bind the tensor as vec4s.
    const size = Math.ceil(Math.max(1, byteLength({ shape, dtype })) / 16) * 16;
    const limit = largestBinding(this.limits);
    if (size > limit) {
      const help = 'fewer or shorter rows together help, or an adapter with larger bindings';
      throw new AdapterError(bindingText(name, { bytes: size, limit }, this.name, help));
    }
    const { storage, copySrc, copyDst, uniform } = bufferUsage;
    const buffer = this.createBuffer({
      label: name,
      size,
      usage: storage | copySrc | copyDst | (purpose === 'uniforms' ? uniform : 0),
    });
    this.memory.add(buffer, purpose);
    return { name, shape, dtype, buffer, offset: 0 };
  }

  /**
   * A buffer of any usage. The caller adds it to the memory ledger where it should count.
   *
   * @throws AllocationError when the implementation throws because memory is short. Most
   *   implementations report that later: `throwIfFailed` throws it then.
   */
  createBuffer(descriptor: GPUBufferDescriptor): GPUBuffer {
    try {
      return this.device.createBuffer(descriptor);
    } catch (cause) {
      this.throwIfFailed();
      if (!(cause instanceof RangeError) && !isOutOfMemory(cause)) throw cause;
      const { label = 'a buffer', size } = descriptor;
      throw this.#noMemory(`${label} of ${bytesText(size)}`, cause);
    }
  }

  /**
   * Builds something out of buffers, then waits until the device reports whether memory sufficed.
   *
   * @throws AllocationError when memory is short. Buffers that `build` added to the ledger are
   *   freed after any failure.
   */
  async allocating<Built>(build: () => Built): Promise<Built> {
    const { device, memory } = this;
    const before = new Set(memory.buffers);
    let built: { readonly value: Built } | undefined;
    let failure: unknown;
    // Objects built on a failed buffer are invalid too: this scope catches their errors.
    device.pushErrorScope('validation');
    device.pushErrorScope('out-of-memory');
    try {
      built = { value: build() };
    } catch (error) {
      failure = error;
    }
    const told = [device.popErrorScope(), device.popErrorScope()];
    const [missing, invalid] = await this.ask(() => Promise.all(told));
    if (built && !missing && !invalid) return built.value;
    if (missing) failure = this.#noMemory('a buffer', missing);
    else if (built && invalid) failure = new Error(`WebGPU: ${invalid.message}`);
    for (const buffer of memory.buffers) {
      if (before.has(buffer)) continue;
      memory.remove(buffer);
      buffer.destroy();
    }
    throw failure;
  }

  #noMemory(what: string, cause: unknown): AllocationError {
    const all = bytesText(this.memory.total());
    const why = cause instanceof Error ? cause.message : (cause as GPUError).message;
    return new AllocationError(`no memory for ${what} (${all} in use): ${why}`, { cause });
  }

  /** Writes host data to a tensor before any work submitted later. Halves are written in pairs. */
  upload(
    tensor: Tensor,
    data: Float32Array | Uint32Array | Int32Array | Uint16Array,
    elementOffset = 0,
  ): void {
    const start = tensor.offset + elementOffset * data.BYTES_PER_ELEMENT;
    this.device.queue.writeBuffer(tensor.buffer, start, data as Float32Array<ArrayBuffer>);
  }

  /** Sets tensors to zero bits, before any work submitted later. */
  clear(...tensors: readonly Tensor[]): void {
    const encoder = this.device.createCommandEncoder({ label: 'clear' });
    for (const tensor of tensors) {
      encoder.clearBuffer(tensor.buffer, tensor.offset, byteLength(tensor));
    }
    this.device.queue.submit([encoder.finish()]);
  }

  /** Prepares a list of steps to be run many times: its uniforms, bind groups and pipelines. */
  plan(name: string, steps: readonly Step[]): Plan {
    return new Plan(this, name, steps);
  }

  /** Encodes and submits a plan; resolves once submitted, with bounded work left in flight. */
  run(plan: Plan): Promise<void> {
    return this.queue.run(plan);
  }

  /** Resolves when all submitted work is done. */
  async idle(): Promise<void> {
    await this.queue.idle();
    this.throwIfFailed();
  }

  /**
   * Reads a tensor back, waiting for the work before it. Not for use inside a step.
   *
   * @param dtype The tensor's dtype, needed where the static type does not give it.
   * @returns A copy, typed after the tensor's dtype; halves as their bits.
   * @throws TypeError when the tensor is of another dtype.
   */
  read<Type extends DType>(tensor: Tensor<Type>): Promise<HostArrays[Type]>;
  read<Type extends DType>(tensor: Tensor, dtype: Type): Promise<HostArrays[Type]>;
  async read(tensor: Tensor, dtype = tensor.dtype): Promise<HostArrays[DType]> {
    if (tensor.dtype !== dtype) {
      throw new TypeError(`read: ${tensor.name} holds ${tensor.dtype}, not ${dtype}`);
    }
    this.throwIfFailed();
    const staging = new Readback(this, `read ${tensor.name}`, byteLength(tensor));
    try {
      return (await staging.read({ tensor })).tensor;
    } finally {
      staging.destroy();
      this.throwIfFailed();
    }
  }

  /**
   * Maps a buffer once the work submitted before is done. Its bytes are valid until it is unmapped
   * or destroyed.
   *
   * @throws DeviceLostError or the device's first error, when that made mapping fail;
   *   AllocationError when the implementation cannot map the buffer.
   */
  async mapped(buffer: GPUBuffer, size = buffer.size): Promise<ArrayBuffer> {
    try {
      await this.ask(() => buffer.mapAsync(mapMode.read, 0, size));
    } catch (error) {
      // Wait for an answer of the device: the error that made the mapping invalid arrives before
      // it.
      this.device.pushErrorScope('validation');
      await this.ask(() => this.device.popErrorScope()).catch(() => undefined);
      this.throwIfFailed();
      if ((error as Partial<Error>).name !== 'OperationError') throw error;
      throw this.#noMemory(`mapping ${buffer.label} of ${bytesText(size)}`, error);
    }
    return buffer.getMappedRange(0, size);
  }

  /** Frees the buffers of tensors. Each tensor must own its buffer. */
  destroy(...tensors: readonly Tensor[]): void {
    for (const { buffer } of tensors) {
      this.memory.remove(buffer);
      buffer.destroy();
    }
  }

  /** Waits for the queue, then destroys the device. */
  async close(): Promise<void> {
    // Dawn aborts the process when a Node thread ends while one of Dawn's promises is pending.
    await this.pipelines.close();
    if (!this.#lost) await this.queue.idle();
    this.device.destroy();
  }
}

const isOutOfMemory = (error: unknown): boolean =>
  'GPUOutOfMemoryError' in globalThis && error instanceof GPUOutOfMemoryError;

const adapterName = (info: GPUAdapterInfo): string =>
  [info.vendor, info.architecture, info.device, info.description].filter(Boolean).join(' ') ||
  'unnamed adapter';

/** Whether an adapter runs on the CPU. Implementations differ in which field admits it. */
export function isSoftware(info: GPUAdapterInfo): boolean {
  if ((info as { isFallbackAdapter?: boolean }).isFallbackAdapter === true) return true;
  return /swiftshader|llvmpipe|lavapipe|basic render|software/i.test(adapterName(info));
}

/** The adapter of the kind asked for. @throws AdapterError when there is none. */
async function findAdapter(entry: GPU, choice: AdapterChoice): Promise<GPUAdapter> {
  let adapter = await entry.requestAdapter(
    choice === 'software'
      ? { forceFallbackAdapter: true }
      : { powerPreference: 'high-performance' },
  );
  if (!adapter && choice === 'software') {
    // wgpu does not flag lavapipe as a fallback: take any adapter and check it below.
    adapter = await entry.requestAdapter();
  }
  if (!adapter) {
    // A browser has no terminal in which to run the command.
    const advice = 'process' in globalThis || 'Deno' in globalThis ? ' (see `limr doctor`)' : '';
    throw new AdapterError(`WebGPU is here but offers no adapter${advice}`);
  }
  const software = isSoftware(adapter.info);
  if (choice === 'gpu' && software) {
    throw new AdapterError(`only a software adapter was found: ${adapterName(adapter.info)}`);
  }
  if (choice === 'software' && !software) {
    throw new AdapterError(`no software adapter was found, only ${adapterName(adapter.info)}`);
  }
  return adapter;
}

/** What an adapter offers, known without opening a device. */
export interface AdapterDescription {
  readonly name: string;
  readonly kind: 'cpu' | 'gpu';
  readonly limits: GPUSupportedLimits;
  readonly features: GPUSupportedFeatures;
}

/**
 * Describes the adapter that `openGpu` would take. Opens no device: one worker owns the device.
 *
 * @throws AdapterError when there is no WebGPU or no adapter.
 */
export async function describeAdapter(): Promise<AdapterDescription> {
  const { info, limits, features } = await findAdapter(await hostGpu(), 'auto');
  return { name: adapterName(info), kind: isSoftware(info) ? 'cpu' : 'gpu', limits, features };
}

/**
 * Opens a device on this host: browser, Node or Deno.
 *
 * @throws AdapterError when there is no WebGPU or no adapter of the kind asked for.
 */
export async function openGpu(options: GpuOptions = {}): Promise<Gpu> {
  const entry = await hostGpu();
  const choice = options.adapter ?? 'auto';
  const adapter = await findAdapter(entry, choice);
  const requiredLimits: Record<string, number> =
    options.limits === 'max'
      ? {
          maxBufferSize: adapter.limits.maxBufferSize,
          maxStorageBufferBindingSize: adapter.limits.maxStorageBufferBindingSize,
        }
      : {};
  const wanted = new Set<GPUFeatureName>(['subgroups', ...(options.features ?? [])]);
  const requiredFeatures = [...wanted].filter((name) => adapter.features.has(name));
  const wish = { requiredLimits, requiredFeatures };
  const device = await adapter.requestDevice(wish);
  // An adapter gives only one device, so each side device needs an adapter of its own.
  const openSide = async () => (await findAdapter(entry, choice)).requestDevice(wish);
  return new Gpu(device, adapter.info, { polls: entry === nodeGpu, openSide });
}
