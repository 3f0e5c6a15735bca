import type { Tensor } from '../../kernels/lib/tensor.ts';
import type { LowRankParts } from '../../kernels/lib/low-rank.ts';
import { RandomStream } from '../random.ts';
import { type AdapterSpec, adapterTargets } from '../vocabulary/adapters.ts';
import { AdaptedLinear } from './adapted-linear.ts';
import { type BlockParameter, blockOf } from './block.ts';
import type { ModelConfig } from './config.ts';
import type { Embedding } from './embedding.ts';
import { peftName } from './hugging-face/names.ts';
import type { Gradients, Linear } from './linear.ts';
import {
  draftOf,
  type Head,
  type ParameterDraft,
  type ParameterLayout,
  type ParameterPart,
  type ParameterStore,
  placed,
} from './parameters.ts';
import type { Weights } from './weights.ts';

/** An adapter of one matrix, or of one part of a fused matrix: `scale * B A`. */
export interface PartAdapter {
  /** Rows of A and columns of B. */
  readonly rank: number;
  readonly scale: number;
}

/** Adapters by the layout's names of the parts that they change, such as `layers.0.q`. */
export type AdapterPlan = ReadonlyMap<string, PartAdapter>;

/** The adapters that a config asks for: the same rank and scale in each target of each layer. */
export function planOf(spec: AdapterSpec, config: Pick<ModelConfig, 'layers'>): AdapterPlan {
  const { rank, alpha, rslora = false, targets } = spec;
  const scale = alpha / (rslora ? Math.sqrt(rank) : rank);
  const plan = new Map<string, PartAdapter>();
  for (let layer = 0; layer < config.layers; layer++) {
    for (const target of targets) plan.set(`layers.${layer}.${target}`, { rank, scale });
  }
  return plan;
}

/** A matrix of one layer, and the adapters of its parts. */
interface AdaptedMatrix {
  /** The layout's name of the matrix, such as `layers.0.qkv`. */
  readonly name: string;
  readonly inputs: number;
  readonly parts: readonly {
    readonly name: string;
    readonly outputs: number;
    /** Undefined where the plan leaves the part as it is. */
    readonly adapter: PartAdapter | undefined;
  }[];
  /**
   * Rank in memory: the largest of the parts', rounded up to a multiple of 4. The rest of a part's
   * factors is zeros, which have gradients of zero and stay zeros.
   */
  readonly rank: number;
}

/** Rows of first factors are multiplied by four at a time. */
const rankUnit = 4;

function* adaptedMatrices(config: ModelConfig, plan: AdapterPlan): Generator<AdaptedMatrix> {
  const matrices = blockOf(config).parameters.filter(({ kind }) => kind === 'matrix');
  for (let layer = 0; layer < config.layers; layer++) {
    for (const matrix of matrices) {
      const found = adaptedMatrix(`layers.${layer}.`, matrix, plan);
      if (found) yield found;
    }
  }
}

function adaptedMatrix(
  at: string,
  { name, parts }: BlockParameter,
  plan: AdapterPlan,
): AdaptedMatrix | undefined {
  const listed = Object.entries(parts).map(([part, [outputs = 0]]) => ({
    name: at + part,
    outputs,
    adapter: plan.get(at + part),
  }));
  const most = Math.max(...listed.map(({ adapter }) => adapter?.rank ?? 0));
  if (most === 0) return undefined;
  const inputs = Object.values(parts)[0]?.[1] ?? 0;
  const rank = Math.ceil(most / rankUnit) * rankUnit;
  return { name: at + name, inputs, parts: listed, rank };
}

/**
 * Where the numbers of adapters lie: of each adapted matrix the first factors (P R, K) and the
 * second (N, R), as `AdapterFactors`, then a critic's head. Names in files are PEFT's.
 *
 * @param options.head `value`: the adapters are a critic's, whose head lies beside them.
 * @param options.pageLimit Most elements of a page: what one binding of the device can hold.
 * @throws RangeError when the plan names a part that the model has not, or asks for a rank that is
 *   no positive integer; when a single tensor is larger than a page may be.
 */
export function adapterLayout(
  config: ModelConfig,
  plan: AdapterPlan,
  { head, pageLimit = Infinity }: { readonly head: Head; readonly pageLimit?: number },
): ParameterLayout {
  expectPlan(config, plan);
  const drafts = [...adaptedMatrices(config, plan)].flatMap((matrix) => [
    factorDraft(config, matrix, 'A'),
    factorDraft(config, matrix, 'B'),
  ]);
  if (head === 'value') {
    const score = {
      name: 'score',
      kind: 'matrix',
      parts: { score: [1, config.hiddenSize] },
    } as const;
    drafts.push(draftOf('', score, (part) => peftName(config.architecture, part)));
  }
  return placed(drafts, { config, head, pageLimit, storage: 'f32' });
}

/** The number of trained numbers of one network's adapters, without the padding of their layout. */
export function adapterParameters(config: ModelConfig, plan: AdapterPlan): number {
  expectPlan(config, plan);
  let count = 0;
  for (const { inputs, parts } of adaptedMatrices(config, plan)) {
    for (const { outputs, adapter } of parts) count += (adapter?.rank ?? 0) * (inputs + outputs);
  }
  return count;
}

function expectPlan(config: ModelConfig, plan: AdapterPlan): void {
  const known = new Set(
    blockOf(config)
      .parameters.filter(({ kind }) => kind === 'matrix')
      .flatMap(({ parts }) => Object.keys(parts)),
  );
  for (const [part, { rank }] of plan) {
    const [, layer = NaN, own = ''] = /^layers\.(\d+)\.(\w+)$/.exec(part) ?? [];
    if (!(Number(layer) < config.layers && known.has(own))) {
      throw new RangeError(`adapter: the model has no matrix '${part}'`);
    }
    if (!Number.isInteger(rank) || rank < 1) {
      throw new RangeError(`adapter: the rank of '${part}' must be a positive integer, is ${rank}`);
    }
  }
}

function factorDraft(
  { architecture }: ModelConfig,
  { name, inputs, parts, rank }: AdaptedMatrix,
  factor: 'A' | 'B',
): ParameterDraft {
  let outputs = 0;
  const listed = parts.flatMap((part, p): ParameterPart[] => {
    const firstRow = factor === 'A' ? p * rank : outputs;
    outputs += part.outputs;
    if (!part.adapter) return [];
    const shape = factor === 'A' ? [part.adapter.rank, inputs] : [part.outputs, part.adapter.rank];
    return [
      {
        name: `${part.name}.${factor}`,
        file: peftName(architecture, part.name, factor),
        shape,
        firstRow,
        rows: shape[0] ?? 0,
        fileRow: 0,
      },
    ];
  });
  return {
    name: `${name}.${factor}`,
    whole: `${name}.${factor}`,
    shape: factor === 'A' ? [parts.length * rank, inputs] : [outputs, rank],
    parts: listed,
    decay: true,
    kind: 'matrix',
  };
}

/** The networks whose adapters are drawn. Two networks never share random numbers. */
const networks = ['actor', 'critic', 'model'] as const;

/**
 * Adapters that change nothing yet, by their names in files: A uniform in ±1/sqrt(inputs), which is
 * Kaiming's bound for a = sqrt 5, as PEFT draws it; B zero. A draw depends on seed, layer, part and
 * network alone.
 */
export function freshAdapters(
  config: ModelConfig,
  plan: AdapterPlan,
  seed: number,
  network: (typeof networks)[number],
): Map<string, Float32Array> {
  const found = new Map<string, Float32Array>();
  for (const { inputs, parts } of adaptedMatrices(config, plan)) {
    for (const { name, outputs, adapter } of parts) {
      if (!adapter) continue;
      const [, layer, target] = name.split('.');
      const place = adapterTargets.findIndex((one) => one === target);
      const index = networks.indexOf(network) * adapterTargets.length + place;
      const stream = new RandomStream(seed, 'adapters', Number(layer), index);
      const bound = 1 / Math.sqrt(inputs);
      const a = new Float32Array(adapter.rank * inputs);
      for (let i = 0; i < a.length; i++) a[i] = (2 * stream.float() - 1) * bound;
      found.set(peftName(config.architecture, name, 'A'), a);
      const b = new Float32Array(outputs * adapter.rank);
      found.set(peftName(config.architecture, name, 'B'), b);
    }
  }
  return found;
}

/** A base model seen through adapters. What the adapters' store holds takes the place of the base's. */
export class AdaptedWeights implements Weights {
  readonly config: ModelConfig;
  readonly adapterColumns: number;
  readonly #base: Weights;
  readonly #adapters: ParameterStore;
  readonly #parts: ReadonlyMap<string, LowRankParts>;

  /** @param adapters A store with a layout of `adapterLayout` for this plan. */
  constructor(base: Weights, adapters: ParameterStore, plan: AdapterPlan) {
    this.#base = base;
    this.#adapters = adapters;
    this.config = base.config;
    const matrices = [...adaptedMatrices(base.config, plan)];
    this.#parts = new Map(
      matrices.map(({ name, parts }) => [
        name,
        parts.map(({ outputs, adapter }) => ({ features: outputs, scale: adapter?.scale ?? 0 })),
      ]),
    );
    this.adapterColumns = Math.max(0, ...matrices.map(({ parts, rank }) => parts.length * rank));
  }

  has(name: string): boolean {
    return this.#adapters.has(name) || this.#base.has(name);
  }

  tensor(name: string): Tensor {
    return this.#adapters.has(name) ? this.#adapters.tensor(name) : this.#base.tensor(name);
  }

  linear(name: string, bias?: string): Linear {
    if (this.#adapters.has(name)) return this.#adapters.linear(name, bias);
    const base = this.#base.linear(name, bias);
    const parts = this.#parts.get(name);
    if (!parts) return base;
    const [a, b] = [this.#adapters.tensor(`${name}.A`), this.#adapters.tensor(`${name}.B`)];
    return new AdaptedLinear(base, { a, b, parts });
  }

  get embedding(): Embedding {
    return this.#base.embedding;
  }
}

/** Gradients of adapters alone: all other parameters are frozen. */
export const adapterGradients = (store: ParameterStore): Gradients => ({
  tensor: (name) => (store.has(name) ? store.tensor(name) : undefined),
});
