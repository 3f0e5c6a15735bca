// Wraps WebGPU for the process under test: keeps a device for the next run, loses a device, or lets
// an allocation fail.
import { createRequire } from 'node:module';
import { count, counters, current, fire, slot } from './control.ts';

/** The classes of WebGPU by name. */
type Classes = Record<string, { readonly prototype: object }>;

interface Dawn {
  readonly create: unknown;
  readonly globals: Classes;
}

type Method = (this: unknown, ...args: never[]) => unknown;

interface Lent {
  readonly device: GPUDevice;
  readonly buffers: Set<GPUBuffer>;
  lent: boolean;
  lost: boolean;
}

/** The device that is kept. */
let kept: Lent | undefined;
/** The run's own device, by its queue and buffers. Devices that only compile are left out. */
const mains = new WeakMap<object, GPUDevice>();
/** Sizes in bytes of the buffers that were made and not destroyed. */
const live = new WeakMap<object, number>();
/**
 * Open error scopes by device, innermost last. `failed` is true if the scope shall report a failed
 * allocation.
 */
const scopes = new WeakMap<object, { filter: string; failed: boolean }[]>();

function replace(owner: object, name: string, make: (original: Method) => Method): void {
  const table = owner as Record<string, Method>;
  const original = table[name];
  if (typeof original !== 'function') throw new Error(`no method ${name}`);
  Object.defineProperty(owner, name, {
    value: make(original),
    configurable: true,
    writable: true,
  });
}

/** Caches a device's objects by their descriptors, so that the next run compiles nothing. */
function remember(device: GPUDevice): void {
  const ids = new Map<object, number>();
  const idOf = (made: object): number => {
    const id = ids.get(made) ?? ids.size;
    ids.set(made, id);
    return id;
  };
  const cached = (name: string, keyOf: (descriptor: never) => string): void => {
    const made = new Map<string, unknown>();
    replace(device, name, (original) => (descriptor: never) => {
      const key = keyOf(descriptor);
      const found = made.get(key) ?? original.call(device, descriptor);
      made.set(key, found);
      return found;
    });
  };
  cached('createBindGroupLayout', (descriptor) => JSON.stringify(descriptor));
  cached('createShaderModule', ({ code }: GPUShaderModuleDescriptor) => code);
  cached('createPipelineLayout', ({ bindGroupLayouts }: GPUPipelineLayoutDescriptor) =>
    Array.from(bindGroupLayouts, (layout) => (layout ? idOf(layout) : -1)).join(),
  );
  cached('createComputePipelineAsync', ({ layout, compute }: GPUComputePipelineDescriptor) =>
    JSON.stringify([idOf(layout as object), idOf(compute.module), compute.constants]),
  );
}

function keep(device: GPUDevice): void {
  const own: Lent = { device, buffers: new Set(), lent: true, lost: false };
  kept = own;
  remember(device);
  replace(device, 'createBuffer', (original) => (descriptor: never) => {
    const buffer = original.call(device, descriptor) as GPUBuffer;
    own.buffers.add(buffer);
    return buffer;
  });
  replace(device, 'destroy', (original) => () => {
    if (own.lost) return original.call(device);
    for (const buffer of own.buffers) buffer.destroy();
    own.buffers.clear();
    own.lent = false;
    return undefined;
  });
  void device.lost.then(() => {
    own.lost = true;
    if (kept === own) kept = undefined;
  });
}

/** Puts an implementation of WebGPU under orders. */
export function patch(classes: Classes): void {
  const prototype = (name: string): object => classes[name].prototype;
  replace(
    prototype('GPUAdapter'),
    'requestDevice',
    (original) =>
      async function (this: unknown, ...args: never[]) {
        const { warm = false, device: order } = current();
        if (warm && kept && !kept.lent) {
          kept.lent = true;
          return kept.device;
        }
        const first = !kept;
        const device = (await original.call(this, ...args)) as GPUDevice;
        if (order || first) mains.set(device.queue, device);
        if (warm && first) keep(device);
        return device;
      },
  );
  const lose = (device: GPUDevice): void => {
    if (kept?.device === device) {
      kept.lost = true;
      kept = undefined;
    }
    device.destroy();
  };
  replace(
    prototype('GPUQueue'),
    'submit',
    (original) =>
      function (this: unknown, ...args: never[]) {
        const order = current().device;
        const device = mains.get(this as object);
        if (order && device) {
          const number = count(slot.submits);
          if (order.mode === 'lose' && number === order.at) {
            fire();
            lose(device);
          }
        }
        return original.call(this, ...args);
      },
  );
  replace(
    prototype('GPUDevice'),
    'createBuffer',
    (original) =>
      function (this: unknown, ...args: never[]) {
        const order = current().device;
        const device = this as GPUDevice;
        if (order?.mode === 'watch') {
          const buffer = original.call(this, ...args) as GPUBuffer;
          live.set(buffer, buffer.size);
          count(slot.buffers);
          Atomics.add(counters, slot.kibibytes, Math.ceil(buffer.size / 1024));
          return buffer;
        }
        if (!order || !mains.has(device.queue)) return original.call(this, ...args);
        const number = count(slot.allocations);
        if (number !== order.at) return original.call(this, ...args);
        if (order.mode === 'throw') {
          fire();
          throw new RangeError('createBuffer failed, size is too large for the implementation');
        }
        if (order.mode !== 'memory') return original.call(this, ...args);
        fire();
        return failedBuffer(device, args as unknown as [GPUBufferDescriptor], (descriptor) =>
          original.call(this, descriptor as never),
        );
      },
  );
  replace(
    prototype('GPUBuffer'),
    'destroy',
    (original) =>
      function (this: unknown, ...args: never[]) {
        forget(this as object);
        return original.call(this, ...args);
      },
  );
  replace(
    prototype('GPUDevice'),
    'pushErrorScope',
    (original) =>
      function (this: unknown, ...args: never[]) {
        const open = scopes.get(this as object) ?? [];
        open.push({ filter: String(args[0]), failed: false });
        scopes.set(this as object, open);
        return original.call(this, ...args);
      },
  );
  replace(
    prototype('GPUDevice'),
    'popErrorScope',
    (original) =>
      async function (this: unknown, ...args: never[]) {
        const scope = scopes.get(this as object)?.pop();
        const popped = original.call(this, ...args) as Promise<GPUError | null>;
        const found: GPUError | null = await popped;
        if (scope?.failed === true) return outOfMemory();
        return found;
      },
  );
  replace(
    prototype('GPUBuffer'),
    'mapAsync',
    (original) =>
      async function (this: unknown, ...args: never[]) {
        const order = current().device;
        if (order && count(slot.mappings) === order.at && order.mode === 'map') {
          fire();
          throw new DOMException('mapping failed', 'OperationError');
        }
        return original.call(this, ...args);
      },
  );
}

function forget(buffer: object): void {
  const size = live.get(buffer);
  if (size === undefined) return;
  live.delete(buffer);
  Atomics.sub(counters, slot.buffers, 1);
  Atomics.sub(counters, slot.kibibytes, Math.ceil(size / 1024));
}

function outOfMemory(): GPUError {
  const scope = globalThis as unknown as { GPUOutOfMemoryError: new (text: string) => GPUError };
  return new scope.GPUOutOfMemoryError('out of memory (injected)');
}

/**
 * Imitates an implementation without memory: returns an invalid buffer and reports an error to its
 * scope.
 */
function failedBuffer(
  device: GPUDevice,
  [descriptor]: readonly [GPUBufferDescriptor],
  make: (descriptor: GPUBufferDescriptor) => unknown,
): unknown {
  const open = scopes.get(device) ?? [];
  const scope = open.findLast(({ filter }) => filter === 'out-of-memory');
  device.pushErrorScope('validation');
  // This size exceeds every device, so the buffer is invalid and nothing is allocated.
  const buffer = make({ ...descriptor, size: Number.MAX_SAFE_INTEGER - 3 });
  void device.popErrorScope();
  if (scope) scope.failed = true;
  else {
    const { GPUUncapturedErrorEvent: Uncaptured } = globalThis;
    // As in Dawn, this error precedes errors about objects made from the buffer.
    device.dispatchEvent(new Uncaptured('uncapturederror', { error: outOfMemory() }));
  }
  return buffer;
}

/** Patches Dawn as soon as it is loaded. */
export function standBetweenDevices(): void {
  const { _extensions: loaders } = createRequire(import.meta.url)('node:module') as {
    _extensions: Record<string, (module: { exports: unknown }, path: string) => void>;
  };
  const load = loaders['.node'];
  loaders['.node'] = (module, path) => {
    load(module, path);
    const made = module.exports as Partial<Dawn>;
    if (made.create && made.globals?.['GPUAdapter']) patch((made as Dawn).globals);
  };
}
