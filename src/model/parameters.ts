import { elementCount, type Tensor } from '../../kernels/lib/tensor.ts';
import { ConfigError } from '../config-error.ts';
import { halvesOf, largestHalf } from '../formats/half.ts';
import type { Gpu } from '../gpu/device.ts';
import { bindingText, type MemoryPurpose } from '../gpu/memory.ts';
import { RandomStream } from '../random.ts';
import { type BaseStorage, isStorage, type Storage } from '../vocabulary/storages.ts';
import { blockOf, type BlockParameter } from './block.ts';
import type { ModelConfig } from './config.ts';
import { type Embedding, embeddingOf } from './embedding.ts';
import { hfName } from './hugging-face/names.ts';
import { Linear } from './linear.ts';
import {
  heldRange,
  loadRows,
  type LoadOptions,
  type ParameterSource,
  rangeOf,
} from './parameter-source.ts';
import type { Weights } from './weights.ts';

/** The head on the trunk: the language-model head, or the critic's bias-free scalar head. */
export type Head = 'lm' | 'value';

/**
 * Storage of the matrices that kernels multiply by: f32, or an f16 copy beside the f32 numbers that
 * training updates and files hold. Embedding lookups, norms and biases read f32.
 */
export type WeightStorage = Storage;

/**
 * One parameter inside a stored tensor: `rows` rows, from `firstRow` on. Where the stored rows are
 * longer than the parameter's, zeros follow in each.
 */
export interface ParameterPart {
  /** Such as `layers.0.q`. */
  readonly name: string;
  /** The parameter's name in files, in checkpoints and in messages (`hugging-face/names.ts`). */
  readonly file: string;
  /** As in files. */
  readonly shape: readonly number[];
  readonly firstRow: number;
  readonly rows: number;
  /** The first of the parameter's rows that lies here: more than 0 in later pieces of a vocabulary. */
  readonly fileRow: number;
}

/**
 * A tensor as the kernels bind it. Query, key and value (and gate and up) are stored as one. A
 * vocabulary that one binding cannot hold is stored in pieces of its rows.
 */
export interface StoredParameter {
  readonly name: string;
  /** The tensor of which this is a piece; its own name where it is whole. */
  readonly whole: string;
  readonly shape: readonly number[];
  readonly parts: readonly ParameterPart[];
  /** Whether weight decay applies: matrices yes, norms and biases no, as OpenRLHF groups them. */
  readonly decay: boolean;
  readonly kind: 'matrix' | 'norm' | 'bias';
  /** Page of the flat store, and first element in it. */
  readonly page: number;
  readonly first: number;
}

export interface Page {
  /** Elements, a multiple of 64 so that every tensor starts at a bindable 256 bytes. */
  readonly size: number;
  /** Elements [0, decayEnd) take weight decay; the rest do not. */
  readonly decayEnd: number;
  /** Elements [halvesStart, halvesEnd) have a copy in f16; none where the two are equal. */
  readonly halvesStart: number;
  readonly halvesEnd: number;
  /**
   * Elements [0, embeddingEnd) are the embedding table: training looks them up in f32, even where
   * an f16 copy exists.
   */
  readonly embeddingEnd: number;
}

/** Where every parameter of a model lies: pure arithmetic, no device. */
export interface ParameterLayout {
  readonly config: ModelConfig;
  readonly head: Head;
  readonly stored: readonly StoredParameter[];
  readonly pages: readonly Page[];
  /** Trainable numbers, padding not counted. */
  readonly count: number;
}

/**
 * Tensors start at multiples of this many elements: 256 bytes in the smallest storage that they
 * have.
 */
const alignment = { f32: 64, f16: 128 } as const satisfies Record<WeightStorage, number>;

/** A stored tensor without its place. */
export type ParameterDraft = Omit<StoredParameter, 'page' | 'first'>;

/**
 * Lays a model's parameters out in flat pages, decaying tensors before the others in each. A
 * vocabulary larger than a page is cut.
 *
 * @param pageLimit Most elements of a page: what one binding of the device can hold.
 * @throws RangeError when another tensor, or 64 rows of the vocabulary, are larger than a page may be.
 */
export function parameterLayout(
  config: ModelConfig,
  head: Head,
  pageLimit = Infinity,
  storage: WeightStorage = 'f32',
): ParameterLayout {
  const drafts = listParameters(config, head).flatMap((draft) =>
    isVocabulary(draft) ? cut(draft, pageLimit / rowSize(draft)) : [draft],
  );
  return placed(drafts, { config, head, pageLimit, storage });
}

/** Whether a tensor has a row for each token. */
export const isVocabulary = ({ whole }: Pick<StoredParameter, 'whole'>): boolean =>
  whole === 'embed' || whole === 'lm_head';

/** Rows of a vocabulary's pieces are multiples of this: logits of a piece then begin at whole cells. */
const pieceUnit = 64;

/**
 * Pieces of a tensor of one part, each of at most `mostRows` rows; the tensor itself where it has no
 * more. The first piece keeps its name.
 */
export function cut(draft: ParameterDraft, mostRows: number): ParameterDraft[] {
  const [rows = 0, ...rest] = draft.shape;
  const [part] = draft.parts;
  const step = Math.max(pieceUnit, Math.floor(mostRows / pieceUnit) * pieceUnit);
  if (rows <= mostRows || !part) return [draft];
  return Array.from({ length: Math.ceil(rows / step) }, (_, i) => {
    const own = Math.min(step, rows - i * step);
    return {
      ...draft,
      name: i === 0 ? draft.name : `${draft.name}.${i}`,
      shape: [own, ...rest],
      parts: [{ ...part, rows: own, fileRow: i * step }],
    };
  });
}

/**
 * Places tensors in flat pages, decaying tensors before the others in each.
 *
 * @param options.pageLimit Most elements of a page.
 * @throws RangeError when a single tensor is larger than a page may be.
 */
export function placed(
  drafts: readonly ParameterDraft[],
  options: Pick<ParameterLayout, 'config' | 'head'> & {
    readonly pageLimit: number;
    readonly storage: WeightStorage;
  },
): ParameterLayout {
  const { config, head, pageLimit, storage } = options;
  const stored: StoredParameter[] = [];
  const pages: { -readonly [Key in keyof Page]: Page[Key] }[] = [];
  let page = -1;
  for (const decay of [true, false]) {
    for (const draft of drafts.filter((entry) => entry.decay === decay)) {
      const size = Math.ceil(elementCount(draft.shape) / alignment[storage]) * alignment[storage];
      if (size > pageLimit) {
        const help = 'an adapter with larger bindings helps, or a model with a smaller width';
        const sizes = { bytes: size * 4, limit: pageLimit * 4 };
        throw new RangeError(bindingText(draft.name, sizes, 'this device', help));
      }
      let current = pages[page];
      if (!current || current.size + size > pageLimit) {
        current = { size: 0, decayEnd: 0, halvesStart: 0, halvesEnd: 0, embeddingEnd: 0 };
        page = pages.push(current) - 1;
      }
      stored.push({ ...draft, page, first: current.size });
      current.size += size;
      if (decay) current.decayEnd = current.size;
      if (storage === 'f16' && decay) current.halvesEnd = current.size;
      if (draft.whole !== 'embed') continue;
      // The embedding comes before all others. No layer multiplies by it unless it is also the
      // projection.
      current.embeddingEnd = current.size;
      if (!(config.tieEmbeddings && head === 'lm')) current.halvesStart = current.halvesEnd;
    }
  }
  const order = new Map(drafts.map((draft, i) => [draft.name, i]));
  stored.sort((a, b) => (order.get(a.name) ?? 0) - (order.get(b.name) ?? 0));
  const count = drafts
    .flatMap(({ parts }) => parts)
    .filter(({ fileRow }) => fileRow === 0)
    .reduce((sum, { shape }) => sum + elementCount(shape), 0);
  return { config, head, stored, pages, count };
}

/** The tensors of a model, each whole, in the order of files. */
export function listParameters(config: ModelConfig, head: Head): ParameterDraft[] {
  const { hiddenSize: width } = config;
  const layer = blockOf(config).parameters;
  const draft = (at: string, parameter: BlockParameter): ParameterDraft =>
    draftOf(at, parameter, (part) => hfName(config.architecture, part));
  const single = (name: string, kind: BlockParameter['kind'], ...shape: number[]): ParameterDraft =>
    draft('', { name, kind, parts: { [name]: shape } });
  const drafts = [single('embed', 'matrix', config.vocabSize, width)];
  for (let i = 0; i < config.layers; i++) {
    drafts.push(...layer.map((parameter) => draft(`layers.${i}.`, parameter)));
  }
  drafts.push(single('norm', 'norm', width));
  if (head === 'value') drafts.push(single('score', 'matrix', 1, width));
  else if (!config.tieEmbeddings) {
    drafts.push(single('lm_head', 'matrix', config.vocabSize, width));
  }
  return drafts;
}

/**
 * A stored tensor of whole parameters.
 *
 * @param at Prefix of its name and of its parts' names.
 * @param fileName The name that a part has in files.
 */
export function draftOf(
  at: string,
  { name, kind, parts }: BlockParameter,
  fileName: (part: string) => string,
): ParameterDraft {
  let rows = 0;
  let width: readonly number[] = [];
  const listed = Object.entries(parts).map(([part, shape]): ParameterPart => {
    const [own = 1, ...rest] = shape;
    width = rest;
    rows += own;
    const full = at + part;
    return { name: full, file: fileName(full), shape, firstRow: rows - own, rows: own, fileRow: 0 };
  });
  const shape = [rows, ...width];
  const stored = at + name;
  return { name: stored, whole: stored, shape, parts: listed, decay: kind === 'matrix', kind };
}

/** Every parameter of a layout under its name in files, in their order, with its shape. */
export const parameterNames = ({
  stored,
}: ParameterLayout): { readonly name: string; readonly shape: readonly number[] }[] =>
  stored.flatMap(({ parts }) =>
    parts.filter(({ fileRow }) => fileRow === 0).map(({ file, shape }) => ({ name: file, shape })),
  );

/**
 * Flat GPU storage with a layout: weights, or their gradients, or an optimizer moment. The critic's
 * trunk and the actor's have the same layout up to the head.
 */
export class ParameterStore implements Weights {
  readonly layout: ParameterLayout;
  readonly adapterColumns = 0;
  /** One f32 vector per page. */
  readonly pages: readonly Tensor[];
  /**
   * The elements that the layout stores in f16, per page; undefined where there are none, and in a
   * store that does not hold weights.
   */
  readonly halves: readonly (Tensor | undefined)[];
  readonly #gpu: Gpu;
  readonly #owned: readonly Tensor[];
  readonly #byName: ReadonlyMap<string, StoredParameter>;

  /** @param over Pages from `sharedPages` in which the store lies. It does not own them. */
  constructor(
    gpu: Gpu,
    layout: ParameterLayout,
    label: string,
    purpose: MemoryPurpose,
    over: readonly Tensor[] = [],
  ) {
    this.#gpu = gpu;
    this.layout = layout;
    const owned: Tensor[] = [];
    const make = (name: string, size: number, dtype: 'f32' | 'f16'): Tensor => {
      const made = gpu.tensor(`${label} ${name}`, [size], dtype, purpose);
      owned.push(made);
      return made;
    };
    this.pages = layout.pages.map(({ size }, i) => {
      const shared = over[i];
      return shared ? { ...shared, shape: [size] } : make(`page ${i}`, size, 'f32');
    });
    this.halves = layout.pages.map(({ halvesStart, halvesEnd }, i) =>
      purpose === 'weights' && halvesEnd > halvesStart
        ? make(`halves ${i}`, halvesEnd - halvesStart, 'f16')
        : undefined,
    );
    this.#owned = owned;
    this.#byName = new Map(layout.stored.map((stored) => [stored.name, stored]));
  }

  get config(): ModelConfig {
    return this.layout.config;
  }

  has(name: string): boolean {
    return this.#byName.has(name);
  }

  /**
   * A stored tensor in f32 by its internal name, such as `layers.0.qkv`.
   *
   * @throws RangeError if the name is unknown.
   */
  tensor(name: string): Tensor {
    return this.#float(this.#stored(name));
  }

  /**
   * A matrix that layers multiply by: its f16 copy, or its f32 numbers where there is no copy.
   *
   * @param bias Name of the vector that is added; none when left out.
   * @throws RangeError if the name is unknown.
   */
  linear(name: string, bias?: string): Linear {
    const weight = this.#half(this.#stored(name)) ?? this.tensor(name);
    return new Linear(name, weight, bias === undefined ? undefined : this.tensor(bias));
  }

  get embedding(): Embedding {
    const { stored } = this.layout;
    return embeddingOf(stored, {
      table: (piece) => this.#float(piece),
      projection: ({ name }) => this.linear(name),
    });
  }

  /** Names in files of the parameters that have an f16 copy. */
  get halved(): string[] {
    const copied = this.layout.stored.filter((stored) => this.#half(stored));
    return [...new Set(copied.flatMap(({ parts }) => parts.map(({ file }) => file)))];
  }

  #stored(name: string): StoredParameter {
    const stored = this.#byName.get(name);
    if (!stored) throw new RangeError(`no parameter '${name}' in this layout`);
    return stored;
  }

  #float({ name, shape, page, first }: StoredParameter): Tensor {
    const memory = this.pages[page];
    if (!memory) throw new RangeError(`no page ${page}`);
    return { name, shape, dtype: 'f32', buffer: memory.buffer, offset: first * 4 };
  }

  #half({ name, shape, page, first }: StoredParameter): Tensor | undefined {
    const memory = this.halves[page];
    const { halvesStart = 0, halvesEnd = 0 } = this.layout.pages[page] ?? {};
    if (!memory || first < halvesStart || first >= halvesEnd) return undefined;
    const offset = (first - halvesStart) * 2;
    return { name, shape, dtype: 'f16', buffer: memory.buffer, offset };
  }

  /**
   * Writes parameters by their names in files. The caller refuses unknown names.
   *
   * @throws RangeError when a parameter is missing or has the wrong number of elements; ConfigError
   *   when f16 cannot hold a number that is stored in f16.
   */
  load(parameters: ReadonlyMap<string, Float32Array>): void {
    for (const stored of this.layout.stored) {
      for (const part of stored.parts) {
        const range = rangeOf(part, 0, part.rows);
        this.#write(stored, part, 0, heldRange(parameters, part.file, range));
      }
    }
  }

  /**
   * Does the same as `load` from a source, some rows after another: the host never holds a whole
   * model.
   */
  loadFrom(source: ParameterSource, options: LoadOptions = {}): Promise<void> {
    return loadRows(this.#gpu, this.layout.stored, source, options, (...rows) =>
      this.#write(...rows),
    );
  }

  /** Writes rows of a parameter, and their f16 copy. @param row The first, of the part's. */
  #write(stored: StoredParameter, part: ParameterPart, row: number, data: Float32Array): void {
    const width = rowSize(stored);
    const first = (part.firstRow + row) * width;
    const rows = withRowSize(data, rowSize(part), width);
    this.#gpu.upload(this.#float(stored), rows, first);
    const half = this.#half(stored);
    if (half) this.#gpu.upload(half, checkedHalves(part.file, rows), first);
  }

  /** Parameters under their names in files, page after page: the host holds one page. */
  async *parameters(): AsyncGenerator<[name: string, data: Float32Array]> {
    // A vocabulary whose pieces lie in several pages.
    const partial = new Map<string, Float32Array>();
    for (const [i, page] of this.pages.entries()) {
      const numbers = await this.#gpu.read(page, 'f32');
      for (const stored of this.layout.stored) {
        if (stored.page !== i) continue;
        const width = rowSize(stored);
        for (const part of stored.parts) {
          const first = stored.first + part.firstRow * width;
          const rows = numbers.slice(first, first + part.rows * width);
          const data = withRowSize(rows, width, rowSize(part));
          const [all = 0] = part.shape;
          if (part.rows === all) {
            yield [part.file, data];
            continue;
          }
          const whole = partial.get(part.file) ?? new Float32Array(elementCount(part.shape));
          partial.set(part.file, whole);
          whole.set(data, part.fileRow * rowSize(part));
          if (part.fileRow + part.rows === all) yield [part.file, whole];
        }
      }
    }
  }

  /** All of `parameters`, in the order of files. */
  async read(): Promise<Map<string, Float32Array>> {
    // A map keeps its keys in the order in which they were first set.
    const found = new Map<string, Float32Array>();
    for (const { name } of parameterNames(this.layout)) found.set(name, new Float32Array(0));
    for await (const [name, data] of this.parameters()) found.set(name, data);
    return found;
  }

  /** Frees the store's own pages, not shared ones. */
  destroy(): void {
    this.#gpu.destroy(...this.#owned);
  }
}

/** Elements of a row. */
export const rowSize = ({ shape }: { readonly shape: readonly number[] }): number =>
  elementCount(shape.slice(1));

/** Rows of another size: cut short, or with zeros behind. */
function withRowSize(data: Float32Array, from: number, to: number): Float32Array {
  if (from === to) return data;
  const rows = data.length / from;
  const found = new Float32Array(rows * to);
  for (let row = 0; row < rows; row++) {
    found.set(data.subarray(row * from, row * from + Math.min(from, to)), row * to);
  }
  return found;
}

/**
 * The storage of matrices that are trained.
 *
 * @throws ConfigError for blocks, which only frozen weights have.
 */
export function trainedStorage(storage: BaseStorage = 'f32'): WeightStorage {
  if (isStorage(storage)) return storage;
  throw new ConfigError(`weights in ${storage} are not trained: adapters over them are`);
}

/** Whether a number rounds to a finite half; true for NaN too. */
export const fitsHalf = (value: number): boolean => !(Math.abs(value) >= 65_520);

/**
 * The halves of a parameter's numbers, an even number of them, as an upload needs.
 *
 * @throws ConfigError when a number is too large, naming the parameter.
 */
export function checkedHalves(name: string, numbers: Float32Array): Uint16Array {
  const past = numbers.find((value) => !fitsHalf(value));
  if (past !== undefined) {
    throw new ConfigError(`${name} holds ${past}, and f16 at most ${largestHalf}`);
  }
  const halves = halvesOf(numbers);
  if (halves.length % 2 === 0) return halves;
  const even = new Uint16Array(halves.length + 1);
  even.set(halves);
  return even;
}

/** Pages that can hold a store of any one of these layouts at a time. The caller owns them. */
export function sharedPages(
  gpu: Gpu,
  layouts: readonly ParameterLayout[],
  label: string,
  purpose: MemoryPurpose,
): Tensor[] {
  const count = Math.max(...layouts.map(({ pages }) => pages.length));
  return Array.from({ length: count }, (_, i) => {
    const size = Math.max(...layouts.map(({ pages }) => pages[i]?.size ?? 0));
    return gpu.tensor(`${label} page ${i}`, [size], 'f32', purpose);
  });
}

/**
 * Fresh weights: norms 1, biases 0, matrices N(0, 0.02) with the two projections into the residual
 * stream scaled by 1/sqrt(2 layers) (Radford et al. 2019, section 2.3).
 */
export function initialParameters(
  config: ModelConfig,
  seed: number,
  standardDeviation = 0.02,
): Map<string, Float32Array> {
  const layout = parameterLayout(config, 'lm');
  const found = new Map<string, Float32Array>();
  for (const [i, stored] of layout.stored.entries()) {
    for (const [j, part] of stored.parts.entries()) {
      const data = new Float32Array(elementCount(part.shape));
      if (stored.kind === 'norm') data.fill(1);
      if (stored.kind === 'matrix') {
        const stream = new RandomStream(seed, 'initialWeights', i, j);
        const intoResidual = /\.(o|down)$/.test(stored.name);
        const scale = standardDeviation / (intoResidual ? Math.sqrt(2 * config.layers) : 1);
        for (let k = 0; k < data.length; k++) data[k] = stream.normal() * scale;
      }
      found.set(hfName(config.architecture, part.name), data);
    }
  }
  return found;
}
