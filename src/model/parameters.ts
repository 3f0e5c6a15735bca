import { elementCount, type Tensor } from '../../kernels/lib/tensor.ts';
import { ConfigError } from '../config-error.ts';
import { float32OfHalves, halvesOf, largestHalf } from '../formats/half.ts';
import type { Gpu } from '../gpu/device.ts';
import { bindingText, type MemoryPurpose } from '../gpu/memory.ts';
import { RandomStream } from '../random.ts';
import type { Storage } from '../vocabulary/storages.ts';
import { blockOf, type BlockParameter } from './block.ts';
import type { ModelConfig } from './config.ts';
import { Embedding } from './embedding.ts';
import { hfName } from './hugging-face/names.ts';
import { Linear } from './linear.ts';
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
}

/** A tensor as the kernels bind it. Query, key and value (and gate and up) are stored as one. */
export interface StoredParameter {
  readonly name: string;
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
 * Lays a model's parameters out in flat pages, decaying tensors before the others in each.
 *
 * @param pageLimit Most elements of a page: what one binding of the device can hold.
 * @throws RangeError when a single tensor is larger than a page may be.
 */
export function parameterLayout(
  config: ModelConfig,
  head: Head,
  pageLimit = Infinity,
  storage: WeightStorage = 'f32',
): ParameterLayout {
  return placed(listParameters(config, head), { config, head, pageLimit, storage });
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
        const isVocabulary = draft.name === 'embed' || draft.name === 'lm_head';
        const what = isVocabulary ? 'vocabulary' : 'width';
        const help = `an adapter with larger bindings helps, or a model with a smaller ${what}`;
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
      if (draft.name !== 'embed') continue;
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
    .reduce((sum, { shape }) => sum + elementCount(shape), 0);
  return { config, head, stored, pages, count };
}

function listParameters(config: ModelConfig, head: Head): ParameterDraft[] {
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
    return { name: full, file: fileName(full), shape, firstRow: rows - own, rows: own };
  });
  const shape = [rows, ...width];
  return { name: at + name, shape, parts: listed, decay: kind === 'matrix', kind };
}

/** Every parameter of a layout under its name in files, in their order, with its shape. */
export const parameterNames = ({
  stored,
}: ParameterLayout): { readonly name: string; readonly shape: readonly number[] }[] =>
  stored.flatMap(({ parts }) => parts.map(({ file, shape }) => ({ name: file, shape })));

/** Parameters by their names in files, read one at a time. */
export interface ParameterSource {
  /** @throws RangeError when there is no such parameter. */
  read(name: string): Promise<Float32Array>;
}

/** Parameters that the host holds. */
export const heldParameters = (held: ReadonlyMap<string, Float32Array>): ParameterSource => ({
  read(name) {
    const found = held.get(name);
    if (found) return Promise.resolve(found);
    return Promise.reject(new RangeError(`parameter ${name} is missing`));
  },
});

/**
 * Flat GPU storage with a layout: weights, or their gradients, or an optimizer moment. The critic's
 * trunk and the actor's have the same layout up to the head.
 */
export class ParameterStore implements Weights {
  readonly layout: ParameterLayout;
  readonly adapterColumns = 0;
  /** One f32 vector per page. In a frozen store it lacks the elements that are kept only in f16. */
  readonly pages: readonly Tensor[];
  /**
   * The elements that the layout stores in f16, per page; undefined where there are none, and in a
   * store that does not hold weights.
   */
  readonly halves: readonly (Tensor | undefined)[];
  readonly #gpu: Gpu;
  readonly #owned: readonly Tensor[];
  readonly #byName: ReadonlyMap<string, StoredParameter>;
  /** Elements [start, end) of each page that are not held in f32. */
  readonly #gaps: readonly { readonly start: number; readonly end: number }[];
  readonly #halfTable: boolean;

  /**
   * @param options.over Pages from `sharedPages` in which the store lies. It does not own them.
   * @param options.frozen Keeps no f32 numbers of elements stored in f16, the embedding table
   *   apart: for weights that are not trained.
   * @param options.halfTable Looks up the embedding table's f16 copy, where there is one, and a
   *   frozen store keeps no f32 numbers of it. Left out: lookups read f32, as in training.
   */
  constructor(
    gpu: Gpu,
    layout: ParameterLayout,
    label: string,
    purpose: MemoryPurpose,
    options: {
      readonly over?: readonly Tensor[] | undefined;
      readonly frozen?: boolean;
      readonly halfTable?: boolean;
    } = {},
  ) {
    const { over = [], frozen = false, halfTable = false } = options;
    this.#halfTable = halfTable;
    this.#gpu = gpu;
    this.layout = layout;
    const owned: Tensor[] = [];
    const make = (name: string, size: number, dtype: 'f32' | 'f16'): Tensor => {
      const made = gpu.tensor(`${label} ${name}`, [size], dtype, purpose);
      owned.push(made);
      return made;
    };
    this.#gaps = layout.pages.map(({ halvesStart, halvesEnd, embeddingEnd }) => {
      const start = halfTable ? halvesStart : Math.max(halvesStart, embeddingEnd);
      // Where only an embedding has an f16 copy, or nothing has, all elements are held in f32.
      return frozen && halvesEnd > start ? { start, end: halvesEnd } : { start: 0, end: 0 };
    });
    this.pages = layout.pages.map(({ size }, i) => {
      const shared = over[i];
      const { start, end } = this.#gap(i);
      return shared ? { ...shared, shape: [size] } : make(`page ${i}`, size - (end - start), 'f32');
    });
    this.halves = layout.pages.map(({ halvesStart, halvesEnd }, i) =>
      purpose === 'weights' && halvesEnd > halvesStart
        ? make(`halves ${i}`, halvesEnd - halvesStart, 'f16')
        : undefined,
    );
    this.#owned = owned;
    this.#byName = new Map(layout.stored.map((stored) => [stored.name, stored]));
  }

  has(name: string): boolean {
    return this.#byName.has(name);
  }

  /**
   * A stored tensor in f32 by its internal name, such as `layers.0.qkv`.
   *
   * @throws RangeError if the name is unknown, or the tensor is kept only in f16.
   */
  tensor(name: string): Tensor {
    const found = this.#float(this.#stored(name));
    if (!found) throw new RangeError(`'${name}' is kept in f16 alone`);
    return found;
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

  /**
   * The vocabulary: the embedding table and the head's projection, which is the table where the
   * model ties the two.
   */
  get embedding(): Embedding {
    const projection = this.linear(this.has('lm_head') ? 'lm_head' : 'embed');
    const half = this.#halfTable ? this.#half(this.#stored('embed')) : undefined;
    const { hiddenSize, scaledEmbedding = false } = this.layout.config;
    const scale = scaledEmbedding ? Math.sqrt(hiddenSize) : 1;
    return new Embedding(half ?? this.tensor('embed'), projection, scale);
  }

  /** Names in files of the parameters that have an f16 copy. */
  get halved(): string[] {
    const copied = this.layout.stored.filter((stored) => this.#half(stored));
    return copied.flatMap(({ parts }) => parts.map(({ file }) => file));
  }

  #stored(name: string): StoredParameter {
    const stored = this.#byName.get(name);
    if (!stored) throw new RangeError(`no parameter '${name}' in this layout`);
    return stored;
  }

  #gap(page: number): { readonly start: number; readonly end: number } {
    return this.#gaps[page] ?? { start: 0, end: 0 };
  }

  #float({ name, shape, page, first }: StoredParameter): Tensor | undefined {
    const memory = this.pages[page];
    const { start, end } = this.#gap(page);
    if (!memory || (first >= start && first < end)) return undefined;
    const offset = (first < end ? first : first - (end - start)) * 4;
    return { name, shape, dtype: 'f32', buffer: memory.buffer, offset };
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
        this.#write(stored, part, parameters.get(part.file));
      }
    }
  }

  /**
   * Does the same as `load` from a source, one parameter after another: the host never holds them
   * all.
   */
  async loadFrom(source: ParameterSource): Promise<void> {
    for (const stored of this.layout.stored) {
      for (const part of stored.parts) {
        this.#write(stored, part, await source.read(part.file));
      }
    }
  }

  /** Writes one parameter and its f16 copy. */
  #write(stored: StoredParameter, part: ParameterPart, data: Float32Array | undefined): void {
    const { file: name } = part;
    if (!data) throw new RangeError(`parameter ${name} is missing`);
    if (data.length !== elementCount(part.shape)) {
      throw new RangeError(
        `parameter ${name} must be (${part.shape.join(', ')}), has ${data.length} elements`,
      );
    }
    const width = rowSize(stored);
    const first = part.firstRow * width;
    const rows = withRowSize(data, rowSize(part), width);
    const [float, half] = [this.#float(stored), this.#half(stored)];
    if (float) this.#gpu.upload(float, rows, first);
    if (!half) return;
    const past = data.find((value) => !fitsHalf(value));
    if (past !== undefined) {
      throw new ConfigError(`${name} holds ${past}, and f16 at most ${largestHalf}`);
    }
    this.#gpu.upload(half, halvesOf(rows), first);
  }

  /**
   * Parameters under their names in files, page after page: the host holds one page. Numbers kept
   * only in f16 come rounded.
   */
  async *parameters(): AsyncGenerator<[name: string, data: Float32Array]> {
    for (const [i, page] of this.pages.entries()) {
      const numbers = await this.#readPage(page, i);
      for (const stored of this.layout.stored) {
        if (stored.page !== i) continue;
        const width = rowSize(stored);
        for (const part of stored.parts) {
          const first = stored.first + part.firstRow * width;
          const rows = numbers.slice(first, first + part.rows * width);
          yield [part.file, withRowSize(rows, width, rowSize(part))];
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

  async #readPage(page: Tensor, index: number): Promise<Float32Array> {
    const floats = await this.#gpu.read(page, 'f32');
    const half = this.halves[index];
    const { start, end } = this.#gap(index);
    if (!half || start === end) return floats;
    const halves = await this.#gpu.read(half, 'f16');
    const whole = new Float32Array(floats.length + end - start);
    whole.set(floats.subarray(0, start));
    whole.set(float32OfHalves(halves.subarray(halves.length - (end - start))), start);
    whole.set(floats.subarray(start), end);
    return whole;
  }

  /** Frees the store's own pages, not shared ones. */
  destroy(): void {
    this.#gpu.destroy(...this.#owned);
  }
}

/** Elements of a row. */
const rowSize = ({ shape }: { readonly shape: readonly number[] }): number =>
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

/** Whether a number rounds to a finite half; true for NaN too. */
export const fitsHalf = (value: number): boolean => !(Math.abs(value) >= 65_520);

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
 * Fresh weights: norms multiply by 1, biases 0, matrices N(0, 0.02) with the two projections into the residual
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
      if (stored.kind === 'norm' && config.unitOffset !== true) data.fill(1);
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

/**
 * A critic that starts from an actor: the actor's trunk and a random head.
 *
 * @param headScale As for `valueHead`.
 */
export function criticFromActor(
  actor: ParameterSource,
  config: ModelConfig,
  seed: number,
  headScale?: number,
): ParameterSource {
  const score = hfName(config.architecture, 'score');
  return {
    read: (name) =>
      name === score ? Promise.resolve(valueHead(config, seed, headScale)) : actor.read(name),
  };
}

/**
 * The weights of a critic's head before training, f32 (C), normal.
 *
 * @param scale Standard deviation. OpenRLHF uses 1/(hidden + 1); with 0 every value starts at 0.
 */
export function valueHead(
  { hiddenSize }: Pick<ModelConfig, 'hiddenSize'>,
  seed: number,
  scale = 1 / (hiddenSize + 1),
): Float32Array {
  const stream = new RandomStream(seed, 'valueHead');
  const score = new Float32Array(hiddenSize);
  for (let i = 0; i < score.length; i++) score[i] = stream.normal() * scale;
  return score;
}
