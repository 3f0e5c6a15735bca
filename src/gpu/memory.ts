/** WebGPU's usage bits, spelled out because Node has no `GPUBufferUsage` before Dawn is loaded. */
export const bufferUsage = {
  mapRead: 0x1,
  copySrc: 0x4,
  copyDst: 0x8,
  uniform: 0x40,
  storage: 0x80,
  indirect: 0x100,
  queryResolve: 0x200,
} as const;

/** WebGPU's modes of mapping a buffer, spelled out like the usage bits. */
export const mapMode = { read: 0x1 } as const;

/** WebGPU's bits for the stages that see a binding, spelled out like the usage bits. */
export const shaderStage = { vertex: 0x1, fragment: 0x2, compute: 0x4 } as const;

/** WebGPU's usage bits of a texture, spelled out like those of a buffer. */
export const textureUsage = { copySrc: 0x1, renderAttachment: 0x10 } as const;

/** What a buffer is for. `estimate` reports bytes by these names. */
export type MemoryPurpose =
  | 'weights'
  | 'gradients'
  | 'optimizer'
  | 'activations'
  | 'kv-cache'
  | 'rollout'
  | 'rewards'
  | 'uniforms'
  | 'readback';

/** Memory was short for a buffer that the device's limits allow. */
export class AllocationError extends Error {
  override readonly name = 'AllocationError';
}

/** The limits that decide what can be allocated. */
export type MemoryLimits = Pick<
  GPUSupportedLimits,
  'maxBufferSize' | 'maxStorageBufferBindingSize'
>;

/**
 * Bytes of the largest buffer that can be bound whole. No tensor and no page of parameters is
 * larger.
 */
export const largestBinding = ({
  maxBufferSize,
  maxStorageBufferBindingSize,
}: MemoryLimits): number => Math.min(maxBufferSize, maxStorageBufferBindingSize);

/** f32 elements of the largest buffer that can be bound whole. */
export const bindingElements = (limits: MemoryLimits): number =>
  Math.floor(largestBinding(limits) / 4);

/** Live bytes of GPU buffers by purpose. */
export class MemoryLedger {
  readonly #sizes = new Map<GPUBuffer, { bytes: number; purpose: MemoryPurpose }>();

  add(buffer: GPUBuffer, purpose: MemoryPurpose): void {
    this.#sizes.set(buffer, { bytes: buffer.size, purpose });
  }

  remove(buffer: GPUBuffer): void {
    this.#sizes.delete(buffer);
  }

  /** Live buffers. */
  get buffers(): GPUBuffer[] {
    return [...this.#sizes.keys()];
  }

  /** Live bytes per purpose. */
  byPurpose(): Partial<Record<MemoryPurpose, number>> {
    const totals: Partial<Record<MemoryPurpose, number>> = {};
    for (const { bytes, purpose } of this.#sizes.values()) {
      totals[purpose] = (totals[purpose] ?? 0) + bytes;
    }
    return totals;
  }

  /** Live bytes of all purposes. */
  total(): number {
    let total = 0;
    for (const { bytes } of this.#sizes.values()) total += bytes;
    return total;
  }
}

/** Bytes for a person, such as `3.5 GiB`. */
export function bytesText(bytes: number): string {
  if (bytes >= 2 ** 30) return `${(bytes / 2 ** 30).toFixed(2)} GiB`;
  if (bytes >= 2 ** 20) return `${(bytes / 2 ** 20).toFixed(1)} MiB`;
  return `${bytes} bytes`;
}

/** The message for a buffer that exceeds a limit: its size, the limit, and what helps. */
export const bindingText = (
  name: string,
  { bytes, limit }: { readonly bytes: number; readonly limit: number },
  whose: string,
  help: string,
): string =>
  `${name} needs ${bytes} bytes in one binding, ${whose} has ${limit} ` +
  `(${bytesText(bytes)} against ${bytesText(limit)}): ${help}`;
