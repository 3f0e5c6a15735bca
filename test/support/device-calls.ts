import type { Gpu } from '../../src/gpu/device.ts';

type Method = (...args: unknown[]) => unknown;

/** Reports calls of an object's methods, and their arguments, until the returned function is called. */
export function watch(
  object: object,
  names: readonly string[],
  seen: (name: string, self: unknown, args: readonly unknown[]) => void,
): () => void {
  const target = object as Record<string, Method>;
  const before = names.map((name) => Object.getOwnPropertyDescriptor(target, name));
  for (const name of names) {
    const original = target[name];
    Object.defineProperty(target, name, {
      configurable: true,
      writable: true,
      value(this: unknown, ...args: unknown[]) {
        seen(name, this, args);
        return original.apply(this, args);
      },
    });
  }
  return () => {
    for (const [i, name] of names.entries()) {
      Reflect.deleteProperty(target, name);
      if (before[i]) Object.defineProperty(target, name, before[i]);
    }
  };
}

/** Records the creation calls on a device while `body` runs, and the labels of mapped buffers. */
export async function deviceCalls(
  { device }: Gpu,
  body: () => Promise<void>,
): Promise<{ created: string[]; mapped: string[] }> {
  const created: string[] = [];
  const mapped: string[] = [];
  const probe = device.createBuffer({ size: 16, usage: 8 });
  const buffers = Object.getPrototypeOf(probe) as object;
  const restore = [
    watch(
      device,
      [
        'createBuffer',
        'createBindGroup',
        'createBindGroupLayout',
        'createPipelineLayout',
        'createShaderModule',
        'createComputePipeline',
        'createComputePipelineAsync',
        'createTexture',
        'createQuerySet',
      ],
      (name) => created.push(name),
    ),
    watch(buffers, ['mapAsync'], (_, self) => mapped.push((self as GPUBuffer).label)),
  ];
  try {
    // Check that the watch works: an empty record would pass any test.
    device.createBuffer({ size: 16, usage: 8 }).destroy();
    if (created.splice(0).join() !== 'createBuffer') throw new Error('the device is not watched');
    await body();
  } finally {
    for (const undo of restore) undo();
    probe.destroy();
  }
  return { created, mapped };
}

/** What a device was given to do. How many submits a run makes depends on how long they take. */
export interface Traffic {
  /** Labels of the command buffers with one, of all submits. */
  readonly labels: string[];
  /** Bytes copied from buffer to buffer. */
  copied: number;
  /** Textures that were read back. */
  readBack: number;
}

/** Counts submits and copies of a device, until the returned function is called. */
export function countTraffic({ device }: Gpu): () => Traffic {
  const traffic: Traffic = { labels: [], copied: 0, readBack: 0 };
  const probe = device.createCommandEncoder();
  const encoders = Object.getPrototypeOf(probe) as object;
  probe.finish();
  const restore = [
    watch(device.queue, ['submit'], (_, __, [buffers]) => {
      for (const { label } of buffers as GPUCommandBuffer[]) if (label) traffic.labels.push(label);
    }),
    watch(encoders, ['copyBufferToBuffer'], (_, __, args) => {
      // The size is the last argument of both forms: (from, to, size) and (from, at, to, at, size).
      traffic.copied += Number(args.at(-1));
    }),
    watch(encoders, ['copyTextureToBuffer'], () => traffic.readBack++),
  ];
  return () => {
    for (const undo of restore) undo();
    return traffic;
  };
}
