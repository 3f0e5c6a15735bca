import type { ByteSource } from './byte-source.ts';
import {
  dtypeBytes,
  entryLength,
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
  /**
   * A tensor, or some of its numbers in one row.
   *
   * @param range Numbers [first, first + count) of a tensor that must have `of`; all when left out.
   * @throws SafetensorsError when no tensor has that name, it has not so many numbers, or the file has
   *   become shorter.
   */
  read(
    name: string,
    range?: { readonly first: number; readonly count: number; readonly of: number },
  ): Promise<SafetensorsEntry>;
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
    async read(name, range) {
      const slot = slots.get(name);
      if (!slot) throw new SafetensorsError(`${source.name}: no tensor '${name}'`);
      const { dtype, shape, begin } = slot;
      const numbers = entryLength(slot);
      const { first, count, of } = range ?? { first: 0, count: numbers, of: numbers };
      if (of !== numbers || first + count > of) {
        const wanted = `${of} numbers were expected`;
        throw new SafetensorsError(`${source.name}: tensor '${name}' has ${numbers}, ${wanted}`);
      }
      const start = dataStart + begin + first * dtypeBytes[dtype];
      const stop = start + count * dtypeBytes[dtype];
      const bytes = await source.slice(start, stop);
      if (bytes.length !== stop - start) {
        throw new SafetensorsError(`${source.name}: tensor '${name}' is cut short`);
      }
      return { name, dtype, shape: range ? [count] : shape, bytes };
    },
  };
}
