import type { Gpu } from '../../src/gpu/device.ts';

/** Bytes of the buffers that a device makes from now on. */
export function watchBuffers({ device }: Gpu): () => number {
  let bytes = 0;
  const create = device.createBuffer.bind(device);
  device.createBuffer = (descriptor) => {
    bytes += descriptor.size;
    return create(descriptor);
  };
  return () => bytes;
}

/** The most bytes of buffers alive at once from now on, those of single readbacks aside. */
export function watchPeak({ device }: Gpu): () => { live: number; peak: number } {
  const seen = { live: 0, peak: 0 };
  const create = device.createBuffer.bind(device);
  device.createBuffer = (descriptor) => {
    const buffer = create(descriptor);
    if (descriptor.label?.startsWith('read ')) return buffer;
    let size = buffer.size;
    seen.live += size;
    seen.peak = Math.max(seen.peak, seen.live);
    const destroy = buffer.destroy.bind(buffer);
    buffer.destroy = (): undefined => {
      seen.live -= size;
      size = 0;
      destroy();
    };
    return buffer;
  };
  return () => seen;
}
