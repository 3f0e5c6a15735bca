import {
  byteLength,
  type DType,
  elementCount,
  isBlockType,
  type Tensor,
} from '../../kernels/lib/tensor.ts';
import { ConfigError } from '../config-error.ts';
import { BlockError, blocksOf, rowWords } from '../../kernels/lib/blocks.ts';
import { AdapterError, type Gpu } from '../gpu/device.ts';
import { bindingText, largestBinding, type MemoryPurpose } from '../gpu/memory.ts';
import type { BaseStorage } from '../vocabulary/storages.ts';
import type { ModelConfig } from './config.ts';
import { type Embedding, embeddingOf } from './embedding.ts';
import { Linear } from './linear.ts';
import { loadRows, type LoadOptions, type ParameterSource } from './parameter-source.ts';
import {
  checkedHalves,
  cut,
  type Head,
  isVocabulary,
  listParameters,
  type ParameterDraft,
  type ParameterPart,
  rowSize,
} from './parameters.ts';
import type { Weights } from './weights.ts';

/** Storage of the matrices of weights that are not trained. */
export type FrozenStorage = BaseStorage;

/** How a store of frozen weights keeps them. */
export interface FrozenOptions {
  /** Of matrices. Norms and biases are f32. Default f32. */
  readonly storage?: FrozenStorage | undefined;
  /**
   * Keeps an embedding table in f32 for lookups beside its f16 copy for products, as a store does
   * that is trained.
   */
  readonly floatTable?: boolean;
  readonly purpose?: MemoryPurpose | undefined;
  /** Most bytes of a binding, for tests of pieces; what the device can bind when left out. */
  readonly bindingBytes?: number;
}

/** Tensors begin at multiples of this many bytes, where they can be bound. */
const alignment = 256;

/** A stored tensor, in one type or in two. */
type Held = ParameterDraft & { readonly tensors: readonly Tensor[] };

/**
 * Weights that are not trained, each kept once, in the type that passes read: a base under adapters, a
 * reference, a model that generates. They are loaded piece by piece, rounded on the way.
 */
export class FrozenStore implements Weights {
  readonly config: ModelConfig;
  readonly head: Head;
  readonly adapterColumns = 0;
  readonly #gpu: Gpu;
  readonly #held: readonly Held[];
  readonly #byName: ReadonlyMap<string, Held>;
  /** The memory of all tensors, as words. */
  readonly pages: readonly Tensor<'u32'>[];

  /** @throws AdapterError when one binding of the device cannot hold a tensor of the model. */
  constructor(
    gpu: Gpu,
    config: ModelConfig,
    head: Head,
    label: string,
    options: FrozenOptions = {},
  ) {
    const { purpose = 'weights', bindingBytes = largestBinding(gpu.limits) } = options;
    this.#gpu = gpu;
    this.config = config;
    this.head = head;
    const drafts = listParameters(config, head).flatMap((draft) => {
      const types = typesOf(draft, { config, head, ...options });
      const mostRows = Math.min(...types.map((dtype) => bindingBytes / rowBytesOf(draft, dtype)));
      const pieces = isVocabulary(draft) ? cut(draft, mostRows) : [draft];
      return pieces.map((piece) => ({ ...piece, types }));
    });
    const pages = new Pages(bindingBytes);
    const places = drafts.map((draft) => ({
      draft,
      places: draft.types.map((dtype) => ({ dtype, ...pages.place(draft, dtype) })),
    }));
    this.pages = pages.sizes.map((size, i) =>
      gpu.tensor(`${label} page ${i}`, [size / 4], 'u32', purpose),
    );
    this.#held = places.map(({ draft, places: own }) => ({
      ...draft,
      tensors: own.flatMap(({ dtype, page, offset }) => {
        const memory = this.pages[page];
        const { name, shape } = draft;
        return memory ? [{ name, shape, dtype, buffer: memory.buffer, offset }] : [];
      }),
    }));
    this.#byName = new Map(this.#held.map((held) => [held.name, held]));
  }

  has(name: string): boolean {
    return this.#byName.has(name);
  }

  tensor(name: string): Tensor {
    const found = this.#named(name).tensors.find(({ dtype }) => dtype === 'f32');
    if (!found) throw new RangeError(`'${name}' is not kept in f32`);
    return found;
  }

  linear(name: string, bias?: string): Linear {
    const weight = factorOf(this.#named(name));
    return new Linear(name, weight, bias === undefined ? undefined : this.tensor(bias));
  }

  get embedding(): Embedding {
    return embeddingOf(this.#held, {
      // Lookups read f32 where it is kept.
      table: ({ tensors: [first], name }) => first ?? this.tensor(name),
      projection: ({ name }) => this.linear(name),
    });
  }

  #named(name: string): Held {
    const held = this.#byName.get(name);
    if (!held) throw new RangeError(`no parameter '${name}' in this model`);
    return held;
  }

  /**
   * Writes parameters by their names in files, some rows after another. The caller refuses unknown
   * names.
   *
   * @throws RangeError when a parameter is missing or has the wrong number of elements; ConfigError
   *   when its type cannot hold a number.
   */
  loadFrom(source: ParameterSource, options: LoadOptions = {}): Promise<void> {
    return loadRows(this.#gpu, this.#held, source, options, ({ tensors }, part, row, numbers) => {
      for (const tensor of tensors) this.#write(tensor, part, row, numbers);
    });
  }

  #write(tensor: Tensor, part: ParameterPart, row: number, numbers: Float32Array): void {
    const { dtype } = tensor;
    const width = rowSize(part);
    const first = part.firstRow + row;
    if (dtype === 'f16') {
      this.#gpu.upload(tensor, checkedHalves(part.file, numbers), first * width);
    } else if (isBlockType(dtype)) {
      try {
        const words = blocksOf(dtype, numbers, width);
        this.#gpu.upload(tensor, words, first * rowWords(dtype, width));
      } catch (error) {
        if (!(error instanceof BlockError)) throw error;
        throw new ConfigError(`${part.file} ${error.message}`, { cause: error });
      }
    } else this.#gpu.upload(tensor, numbers, first * width);
  }

  /** Frees its pages. */
  destroy(): void {
    this.#gpu.destroy(...this.pages);
  }
}

/** The tensor that layers multiply by: the last of two. */
function factorOf({ name, tensors }: Held): Tensor {
  const found = tensors.at(-1);
  if (!found) throw new RangeError(`'${name}' is not kept`);
  return found;
}

/** The types in which a tensor is kept: what lookups read first, what products read last. */
function typesOf(
  draft: ParameterDraft,
  {
    config,
    head,
    storage = 'f32',
    floatTable = false,
  }: FrozenOptions & { readonly config: ModelConfig; readonly head: Head },
): readonly DType[] {
  if (draft.kind !== 'matrix' || storage === 'f32') return ['f32'];
  const multiplies = draft.whole !== 'embed' || (config.tieEmbeddings && head === 'lm');
  if (storage === 'f16') {
    if (!multiplies) return ['f32'];
    return draft.whole === 'embed' && floatTable ? ['f32', 'f16'] : ['f16'];
  }
  // A critic's head has few numbers, and all values hang on them.
  if (draft.whole === 'score') return ['f32'];
  return [isVocabulary(draft) ? 'int8' : storage];
}

const rowBytesOf = ({ shape }: ParameterDraft, dtype: DType): number =>
  byteLength({ dtype, shape: [1, elementCount(shape.slice(1))] });

/** Places tensors in buffers, one after another. */
class Pages {
  /** Bytes of each page. */
  readonly sizes: number[] = [];
  readonly #limit: number;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** @throws AdapterError when a page cannot hold the tensor. */
  place(
    { name, shape }: ParameterDraft,
    dtype: DType,
  ): { readonly page: number; readonly offset: number } {
    const bytes = Math.ceil(byteLength({ dtype, shape }) / alignment) * alignment;
    if (bytes > this.#limit) {
      const help = 'an adapter with larger bindings helps, or a model with a smaller width';
      const sizes = { bytes, limit: this.#limit };
      throw new AdapterError(bindingText(name, sizes, 'this device', help));
    }
    const last = this.sizes.length - 1;
    const used = this.sizes[last] ?? Infinity;
    if (used + bytes > this.#limit) return { page: this.sizes.push(bytes) - 1, offset: 0 };
    this.sizes[last] = used + bytes;
    return { page: last, offset: used };
  }
}
