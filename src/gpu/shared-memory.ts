import { byteLength, type DType, type Tensor } from '../../kernels/lib/tensor.ts';
import type { Gpu } from './device.ts';
import { largestBinding, type MemoryPurpose } from './memory.ts';

/** Tensors in one buffer start at multiples of this, so that they can be bound. */
const ALIGNMENT = 256;

/** A buffer as one f32 vector, and the purpose that it was made for. */
export interface MemoryBlock {
  readonly tensor: Tensor;
  readonly purpose: MemoryPurpose;
}

/**
 * Memory for work done in turns, such as rollouts and updates. Each turn lays its tensors over the
 * tensors of other turns, whose numbers are then lost. No tensor begins as zeros.
 */
export class SharedMemory {
  readonly #gpu: Gpu;
  readonly #blocks: MemoryBlock[] = [];
  readonly #alone: boolean;

  /**
   * @param options.begin Buffers to begin with.
   * @param options.alone Whether each tensor that does not fit gets a buffer of its own.
   */
  constructor(
    gpu: Gpu,
    options: { readonly begin?: readonly MemoryBlock[]; readonly alone?: boolean } = {},
  ) {
    this.#gpu = gpu;
    this.#alone = options.alone ?? false;
    for (const { tensor, purpose } of options.begin ?? []) {
      this.grow(tensor.name, byteLength(tensor), 1, purpose);
    }
  }

  /** All buffers, of every turn. */
  get blocks(): readonly MemoryBlock[] {
    return this.#blocks;
  }

  /** Begins a turn that holds no tensor yet. */
  nextTurn(): MemoryTurn {
    return new MemoryTurn(this);
  }

  /** Adds a buffer for `count` tensors of one size, or for as many as one buffer may hold. */
  grow(name: string, bytes: number, count: number, purpose: MemoryPurpose): MemoryBlock {
    const most = this.#alone ? 1 : Math.floor(largestBinding(this.#gpu.limits) / bytes);
    const elements = (bytes / 4) * Math.max(1, Math.min(count, most));
    const block = { tensor: this.#gpu.tensor(name, [elements], 'f32', purpose), purpose };
    this.#blocks.push(block);
    return block;
  }

  /** Frees all buffers, of every turn. */
  destroy(): void {
    this.#gpu.destroy(...this.#blocks.map(({ tensor }) => tensor));
  }
}

/** The tensors of one turn, which do not overlap. */
class MemoryTurn {
  readonly memory: SharedMemory;
  /** For each buffer in use: its role, and the bytes taken. */
  readonly #taken = new Map<MemoryBlock, { readonly role: string; bytes: number }>();

  /** @param from The turn whose tensors this turn holds from its beginning. */
  constructor(memory: SharedMemory, from?: MemoryTurn) {
    this.memory = memory;
    if (!from) return;
    for (const [block, taken] of from.#taken) this.#taken.set(block, { ...taken });
  }

  /**
   * Begins a part of this turn: it holds this turn's tensors, and lays its own over those of other
   * parts. This turn must make no tensor after that.
   */
  fork(): MemoryTurn {
    return new MemoryTurn(this.memory, this);
  }

  /**
   * Makes `count` tensors of one role. No dispatch may bind two tensors of one role: WebGPU refuses
   * a dispatch that reads a buffer and also writes it, even at other offsets. So a buffer holds
   * tensors of one role only.
   *
   * @param purpose The purpose of any buffer that this call has to add.
   * @throws AdapterError when one tensor is larger than a binding of the device.
   */
  tensors(
    role: string,
    shape: readonly number[],
    count: number,
    purpose: MemoryPurpose = 'activations',
    dtype: DType = 'f32',
  ): Tensor[] {
    const size = Math.max(1, byteLength({ shape, dtype }));
    const bytes = Math.ceil(size / ALIGNMENT) * ALIGNMENT;
    return Array.from({ length: count }, (_, made) => {
      // A buffer for one tensor needs no padding.
      const grown = (): MemoryBlock =>
        this.memory.grow(role, count === 1 ? size : bytes, count - made, purpose);
      const block = this.#roomFor(role, size) ?? grown();
      const taken = this.#taken.get(block) ?? { role, bytes: 0 };
      const offset = taken.bytes;
      taken.bytes += bytes;
      this.#taken.set(block, taken);
      return { ...block.tensor, name: role, shape, dtype, offset };
    });
  }

  /** Makes the only tensor of a role. */
  tensor(role: string, shape: readonly number[], purpose?: MemoryPurpose): Tensor {
    const [tensor] = this.tensors(role, shape, 1, purpose);
    if (!tensor) throw new RangeError(`no memory for ${role}`);
    return tensor;
  }

  /**
   * A buffer of this role with room left, or else the smallest unused buffer that is large enough.
   */
  #roomFor(role: string, size: number): MemoryBlock | undefined {
    let found: MemoryBlock | undefined;
    for (const block of this.memory.blocks) {
      const taken = this.#taken.get(block);
      if (taken && taken.role !== role) continue;
      const bytes = byteLength(block.tensor);
      if (bytes - (taken?.bytes ?? 0) < size) continue;
      if (taken) return block;
      if (!found || bytes < byteLength(found.tensor)) found = block;
    }
    return found;
  }
}

export type { MemoryTurn };
