import type { ByteSource } from './byte-source.ts';
import {
  parseSafetensorsHeader,
  SafetensorsError,
  type SafetensorsEntry,
  safetensorsHeaderBytes,
  safetensorsPrefixBytes,
  type SafetensorsSlot,
} from './safetensors.ts';

/** A safetensors file whose tensors are read one at a time. */
export interface SafetensorsSource {
  readonly name: string;
  readonly slots: ReadonlyMap<string, SafetensorsSlot>;
  readonly metadata: ReadonlyMap<string, string>;
  /** @throws SafetensorsError when no tensor has that name, or the file has become shorter. */
  read(name: string): Promise<SafetensorsEntry>;
}

/**
 * Reads the header of a safetensors file.
 *
 * @throws SafetensorsError naming the file and, if a tensor is at fault, the tensor.
 */
export async function openSafetensors(source: ByteSource): Promise<SafetensorsSource> {
  const prefix = await source.slice(0, safetensorsPrefixBytes);
  const length = safetensorsHeaderBytes(prefix, source.size, source.name);
  const text = await source.slice(safetensorsPrefixBytes, safetensorsPrefixBytes + length);
  const { dataStart, slots, metadata } = parseSafetensorsHeader(text, source.size, source.name);
  return {
    name: source.name,
    slots,
    metadata,
    async read(name) {
      const slot = slots.get(name);
      if (!slot) throw new SafetensorsError(`${source.name}: no tensor '${name}'`);
      const { dtype, shape, begin, end } = slot;
      const bytes = await source.slice(dataStart + begin, dataStart + end);
      if (bytes.length !== end - begin) {
        throw new SafetensorsError(`${source.name}: tensor '${name}' is cut short`);
      }
      return { name, dtype, shape, bytes };
    },
  };
}
