import { type Tensor } from '../../kernels/lib/tensor.ts';
import type { Gpu } from '../gpu/device.ts';
import type { Purpose } from '../gpu/memory.ts';
import { RandomStream } from '../random.ts';
import type { ModelConfig } from './config.ts';

/** What sits on the trunk: the language-model head, or the critic's bias-free scalar head. */
export type Head = 'lm' | 'value';

/** One Hugging Face parameter inside a stored tensor: `rows` leading rows from `firstRow`. */
export interface ParameterPart {
  readonly name: string;
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
  /** Elements [0, decayEnd) take weight decay, the rest does not. */
  readonly decayEnd: number;
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

const PAGE_ALIGNMENT = 64;

type Draft = Omit<StoredParameter, 'page' | 'first'>;

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
): ParameterLayout {
  const drafts = listParameters(config, head);
  const placed: StoredParameter[] = [];
  const pages: { size: number; decayEnd: number }[] = [];
  let page = -1;
  for (const decay of [true, false]) {
    for (const draft of drafts.filter((entry) => entry.decay === decay)) {
      const size = align(elements(draft.shape));
      if (size > pageLimit) {
        throw new RangeError(
          `${draft.name} has ${size} elements, a binding of this device holds ${pageLimit}`,
        );
      }
      let current = pages[page];
      if (!current || current.size + size > pageLimit) {
        current = { size: 0, decayEnd: 0 };
        page = pages.push(current) - 1;
      }
      placed.push({ ...draft, page, first: current.size });
      current.size += size;
      if (decay) current.decayEnd = current.size;
    }
  }
  const order = new Map(drafts.map((draft, i) => [draft.name, i]));
  placed.sort((a, b) => (order.get(a.name) ?? 0) - (order.get(b.name) ?? 0));
  const count = drafts.reduce((sum, draft) => sum + elements(draft.shape), 0);
  return { config, head, stored: placed, pages, count };
}

const elements = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);
const align = (size: number): number => Math.ceil(size / PAGE_ALIGNMENT) * PAGE_ALIGNMENT;

function listParameters(config: ModelConfig, head: Head): Draft[] {
  const { hiddenSize: width, intermediateSize: inner, headDim, heads, kvHeads } = config;
  const drafts: Draft[] = [];
  const add = (name: string, kind: Draft['kind'], parts: readonly [string, number[]][]): void => {
    let firstRow = 0;
    const list = parts.map(([partName, shape]) => {
      const rows = shape[0] ?? 1;
      const part = { name: partName, shape, firstRow, rows };
      firstRow += rows;
      return part;
    });
    const shape = [firstRow, ...(parts[0]?.[1].slice(1) ?? [])];
    drafts.push({ name, shape, parts: list, decay: kind === 'matrix', kind });
  };
  const queries = heads * headDim;
  const keys = kvHeads * headDim;
  add('embed', 'matrix', [['model.embed_tokens.weight', [config.vocabSize, width]]]);
  for (let layer = 0; layer < config.layers; layer++) {
    const at = `model.layers.${layer}`;
    const own = `layers.${layer}`;
    add(`${own}.input_norm`, 'norm', [[`${at}.input_layernorm.weight`, [width]]]);
    add(`${own}.qkv`, 'matrix', [
      [`${at}.self_attn.q_proj.weight`, [queries, width]],
      [`${at}.self_attn.k_proj.weight`, [keys, width]],
      [`${at}.self_attn.v_proj.weight`, [keys, width]],
    ]);
    if (config.qkvBias) {
      add(`${own}.qkv_bias`, 'bias', [
        [`${at}.self_attn.q_proj.bias`, [queries]],
        [`${at}.self_attn.k_proj.bias`, [keys]],
        [`${at}.self_attn.v_proj.bias`, [keys]],
      ]);
    }
    if (config.qkNorm) {
      add(`${own}.q_norm`, 'norm', [[`${at}.self_attn.q_norm.weight`, [headDim]]]);
      add(`${own}.k_norm`, 'norm', [[`${at}.self_attn.k_norm.weight`, [headDim]]]);
    }
    add(`${own}.o`, 'matrix', [[`${at}.self_attn.o_proj.weight`, [width, queries]]]);
    add(`${own}.post_norm`, 'norm', [[`${at}.post_attention_layernorm.weight`, [width]]]);
    add(`${own}.gate_up`, 'matrix', [
      [`${at}.mlp.gate_proj.weight`, [inner, width]],
      [`${at}.mlp.up_proj.weight`, [inner, width]],
    ]);
    add(`${own}.down`, 'matrix', [[`${at}.mlp.down_proj.weight`, [width, inner]]]);
  }
  add('norm', 'norm', [['model.norm.weight', [width]]]);
  if (head === 'value') add('score', 'matrix', [['score.weight', [1, width]]]);
  else if (!config.tieEmbeddings) {
    add('lm_head', 'matrix', [['lm_head.weight', [config.vocabSize, width]]]);
  }
  return drafts;
}

/** Every Hugging Face parameter name of a layout, in file order, with its shape. */
export const parameterNames = (layout: ParameterLayout): ParameterPart[] =>
  layout.stored.flatMap((stored) => [...stored.parts]);

/**
 * Flat GPU storage with a layout: weights, or their gradients, or an optimizer moment. The critic's
 * trunk and the actor's have the same layout up to the head.
 */
export class ParameterStore {
  readonly layout: ParameterLayout;
  /** One f32 vector per page. */
  readonly pages: readonly Tensor[];
  readonly #gpu: Gpu;
  readonly #owned: readonly Tensor[];
  readonly #byName: ReadonlyMap<string, StoredParameter>;

  /** @param over Pages of `sharedPages` that it lies in, and does not own. */
  constructor(
    gpu: Gpu,
    layout: ParameterLayout,
    label: string,
    purpose: Purpose,
    over: readonly Tensor[] = [],
  ) {
    this.#gpu = gpu;
    this.layout = layout;
    const owned: Tensor[] = [];
    this.pages = layout.pages.map(({ size }, i) => {
      const shared = over[i];
      if (shared) return { ...shared, shape: [size] };
      const page = gpu.tensor(`${label} page ${i}`, [size], 'f32', purpose);
      owned.push(page);
      return page;
    });
    this.#owned = owned;
    this.#byName = new Map(layout.stored.map((stored) => [stored.name, stored]));
  }

  has(name: string): boolean {
    return this.#byName.has(name);
  }

  /** A stored tensor by its internal name, such as `layers.0.qkv`. @throws RangeError if unknown. */
  tensor(name: string): Tensor {
    const stored = this.#byName.get(name);
    const page = stored && this.pages[stored.page];
    if (!page) throw new RangeError(`no parameter '${name}' in this layout`);
    return {
      name,
      shape: stored.shape,
      dtype: 'f32',
      buffer: page.buffer,
      offset: stored.first * 4,
    };
  }

  /**
   * Writes parameters by their Hugging Face names. Names it does not know are for the caller to refuse.
   *
   * @throws RangeError when one is missing or has the wrong number of elements.
   */
  load(parameters: ReadonlyMap<string, Float32Array>): void {
    for (const stored of this.layout.stored) {
      for (const part of stored.parts) {
        const data = parameters.get(part.name);
        if (!data) throw new RangeError(`parameter ${part.name} is missing`);
        if (data.length !== elements(part.shape)) {
          throw new RangeError(
            `parameter ${part.name} must be (${part.shape.join(', ')}), has ${data.length} elements`,
          );
        }
        const rowSize = elements(stored.shape.slice(1));
        this.#gpu.upload(this.tensor(stored.name), data, part.firstRow * rowSize);
      }
    }
  }

  /** Reads all parameters back under their Hugging Face names. */
  async read(): Promise<Map<string, Float32Array>> {
    const pages = await Promise.all(this.pages.map((page) => this.#gpu.read(page)));
    const found = new Map<string, Float32Array>();
    for (const stored of this.layout.stored) {
      const rowSize = elements(stored.shape.slice(1));
      for (const part of stored.parts) {
        const first = stored.first + part.firstRow * rowSize;
        const page = pages[stored.page];
        if (page) found.set(part.name, page.slice(first, first + part.rows * rowSize));
      }
    }
    return found;
  }

  /** Frees its pages, but for shared ones. */
  destroy(): void {
    this.#gpu.destroy(...this.#owned);
  }
}

/** Pages that hold a store of any one of these layouts at a time. They belong to the caller. */
export function sharedPages(
  gpu: Gpu,
  layouts: readonly ParameterLayout[],
  label: string,
  purpose: Purpose,
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
      const data = new Float32Array(elements(part.shape));
      if (stored.kind === 'norm') data.fill(1);
      if (stored.kind === 'matrix') {
        const stream = new RandomStream(seed, 'initialWeights', i, j);
        const intoResidual = /\.(o|down)$/.test(stored.name);
        const scale = standardDeviation / (intoResidual ? Math.sqrt(2 * config.layers) : 1);
        for (let k = 0; k < data.length; k++) data[k] = stream.normal() * scale;
      }
      found.set(part.name, data);
    }
  }
  return found;
}

/**
 * The critic that starts from an actor: its trunk and a drawn head.
 *
 * @param headScale Standard deviation of the head. OpenRLHF draws it with 1/(hidden + 1); 0 starts
 *   every value at 0.
 */
export function criticFromActor(
  actor: ReadonlyMap<string, Float32Array>,
  config: ModelConfig,
  seed: number,
  headScale = 1 / (config.hiddenSize + 1),
): Map<string, Float32Array> {
  const found = new Map(actor);
  found.delete('lm_head.weight');
  const stream = new RandomStream(seed, 'valueHead');
  const score = new Float32Array(config.hiddenSize);
  for (let i = 0; i < score.length; i++) score[i] = stream.normal() * headScale;
  found.set('score.weight', score);
  return found;
}
