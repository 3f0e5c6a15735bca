import { attentionBackwardKeyValue } from '../../kernels/attention-backward-key-value.ts';
import { attentionBackwardQuery } from '../../kernels/attention-backward-query.ts';
import { attentionForward } from '../../kernels/attention-forward.ts';
import { columnSum } from '../../kernels/column-sum.ts';
import { embeddingBackward } from '../../kernels/embedding-backward.ts';
import { embeddingForward } from '../../kernels/embedding-forward.ts';
import { matmulBackwardInput } from '../../kernels/matmul-backward-input.ts';
import { matmulBackwardWeight } from '../../kernels/matmul-backward-weight.ts';
import { matmulForward } from '../../kernels/matmul-forward.ts';
import { qkNormBackwardWeight } from '../../kernels/qk-norm-backward-weight.ts';
import { qkNormBackward } from '../../kernels/qk-norm-backward.ts';
import { qkNormForward } from '../../kernels/qk-norm-forward.ts';
import { rmsnormBackwardWeight } from '../../kernels/rmsnorm-backward-weight.ts';
import { rmsnormBackward } from '../../kernels/rmsnorm-backward.ts';
import { rmsnormForward } from '../../kernels/rmsnorm-forward.ts';
import { rope, ropeTable } from '../../kernels/rope.ts';
import { swigluBackward } from '../../kernels/swiglu-backward.ts';
import { swigluForward } from '../../kernels/swiglu-forward.ts';
import { parallelLanes, serialLanes, type Lanes } from '../../kernels/lib/lanes.ts';
import { rowsOf, type Tensor } from '../../kernels/lib/tensor.ts';
import { ConfigError } from '../config-error.ts';
import type { Gpu } from '../gpu/device.ts';
import { type MemoryTurn, SharedMemory } from '../gpu/shared-memory.ts';
import type { Step } from '../gpu/plan.ts';
import type { ModelConfig } from './config.ts';
import type { PackedBatch } from './packed-batch.ts';
import type { ParameterStore } from './parameters.ts';
import { expectRopeReaches, ropeOf } from './rope.ts';

/** What one layer's forward pass leaves for its backward pass. Shapes: rows N first. */
export interface LayerActivations {
  /** f32 (N, C): the residual stream entering attention, and its norm with 1/rms (N). */
  readonly attentionInput: Tensor;
  readonly attentionNormed: Tensor;
  readonly attentionRstd: Tensor;
  /** f32 (N, (H + 2G) D): projections before qk-norm (same as `qkv` without it), then rotated. */
  readonly qkvRaw: Tensor;
  readonly qkv: Tensor;
  /** f32 (N, H D), (N, H). */
  readonly attended: Tensor;
  readonly lse: Tensor;
  /** f32 (N, C): the residual stream entering the MLP, and its norm with 1/rms (N). */
  readonly mlpInput: Tensor;
  readonly mlpNormed: Tensor;
  readonly mlpRstd: Tensor;
  /** f32 (N, 2F), (N, F). */
  readonly gateUp: Tensor;
  readonly gated: Tensor;
}

/**
 * What a forward pass keeps: everything (training), each layer's input (training that computes the
 * rest of a layer once more on its way back: gradient checkpointing), each layer's queries, keys and
 * values (prefill), or nothing but the last hidden states (scoring).
 */
export type Keep = 'all' | 'inputs' | 'qkv' | 'none';

/** What training keeps. @param checkpointing Only the layers' inputs; off when left out. */
export const keepForTraining = (checkpointing = false): Keep => (checkpointing ? 'inputs' : 'all');

/**
 * Buffers for trunk passes over at most `rows` token rows of models with one shape. Actor, critic
 * and reference share them: their passes never overlap.
 */
export class Activations {
  readonly config: ModelConfig;
  readonly rows: number;
  readonly keep: Keep;
  readonly layers: readonly LayerActivations[];
  /** f32 (N, C): the residual stream after the last layer. */
  readonly output: Tensor;
  /** f32 (N, C): after the final norm; what heads read, and where they leave its gradient. */
  readonly hidden: Tensor;
  readonly hiddenRstd: Tensor;
  /** f32 (positions, D). */
  readonly ropeTable: Tensor;
  readonly lanes: Lanes;
  /** Multiply-adds of one dispatch at most. */
  readonly mostWork: number;
  /** Where all of it lies but the table: heads may lie there too. */
  readonly memory: MemoryTurn;
  readonly #gpu: Gpu;
  readonly #ownMemory: SharedMemory | undefined;
  #gradients: TrunkGradients | undefined;

  /**
   * @param options.positions Longest sequence, prompt and response together.
   * @param options.memory Where they lie; memory of their own when left out.
   * @throws ConfigError when the kernels' widths, multiples of 4, do not hold for this model, or its
   *   rotary embedding does not reach so far.
   */
  constructor(
    gpu: Gpu,
    config: ModelConfig,
    options: {
      readonly rows: number;
      readonly positions: number;
      readonly keep: Keep;
      readonly memory?: MemoryTurn | undefined;
    },
  ) {
    for (const field of ['hiddenSize', 'headDim'] as const) {
      if (config[field] % 4 !== 0) {
        throw new ConfigError(`${field} must be a multiple of 4, is ${config[field]}`);
      }
    }
    expectRopeReaches(config, options.positions);
    this.#gpu = gpu;
    this.config = config;
    this.rows = options.rows;
    this.keep = options.keep;
    this.lanes = gpu.kind === 'cpu' ? serialLanes : parallelLanes;
    this.mostWork = gpu.mostWork;
    const memory = options.memory ?? new SharedMemory(gpu).turn();
    this.#ownMemory = options.memory ? undefined : memory.memory;
    this.memory = memory;
    const { hiddenSize: width, intermediateSize: inner, headDim, heads, kvHeads } = config;
    const fused = (heads + 2 * kvHeads) * headDim;
    const attendedWidth = heads * headDim;
    const { keep, trains } = this;
    const make = (name: string, count: number, ...columns: number[]): Tensor[] =>
      memory.tensors(name, [options.rows, ...columns], count);
    const kept = keep === 'all' ? config.layers : 1;
    const inputs = make('attention_input', trains ? config.layers : 1, width);
    const normed = make('attention_normed', kept, width);
    const attentionRstd = make('attention_rstd', kept);
    // Without a backward pass, what is read once lends its memory to what comes after it.
    const gated = make('gated', kept, trains ? inner : Math.max(inner, attendedWidth));
    const gateUp = make('gate_up', kept, keep === 'none' ? Math.max(2 * inner, fused) : 2 * inner);
    const qkv =
      keep === 'none' ? gateUp : make('qkv', keep === 'qkv' ? config.layers : kept, fused);
    const qkvRaw = config.qkNorm ? make('qkv_raw', kept, fused) : qkv;
    const attended = trains ? make('attended', kept, attendedWidth) : gated;
    const lse = make('lse', kept, heads);
    const mlpInput = make('mlp_input', kept, width);
    const mlpNormed = trains ? make('mlp_normed', kept, width) : normed;
    const mlpRstd = make('mlp_rstd', kept);
    this.layers = Array.from({ length: config.layers }, (_, i) => ({
      attentionInput: ofLayer(inputs, i),
      attentionNormed: ofLayer(normed, i),
      attentionRstd: ofLayer(attentionRstd, i),
      qkvRaw: view(ofLayer(qkvRaw, i), fused),
      qkv: view(ofLayer(qkv, i), fused),
      attended: view(ofLayer(attended, i), attendedWidth),
      lse: ofLayer(lse, i),
      mlpInput: ofLayer(mlpInput, i),
      mlpNormed: ofLayer(mlpNormed, i),
      mlpRstd: ofLayer(mlpRstd, i),
      gateUp: view(ofLayer(gateUp, i), 2 * inner),
      gated: view(ofLayer(gated, i), inner),
    }));
    const only = (name: string, ...columns: number[]): Tensor =>
      memory.tensor(name, [options.rows, ...columns]);
    this.output = trains ? only('output', width) : ofLayer(inputs, 0);
    this.hidden = trains ? only('hidden', width) : ofLayer(normed, 0);
    this.hiddenRstd = only('hidden_rstd');
    this.ropeTable = gpu.tensor('rope_table', [options.positions, headDim], 'f32', 'activations');
    const { frequencies, scale } = ropeOf(config, options.positions);
    gpu.upload(this.ropeTable, ropeTable(options.positions, frequencies, scale));
  }

  /** Whether a backward pass can follow. */
  get trains(): boolean {
    return this.keep === 'all' || this.keep === 'inputs';
  }

  /** Buffers of the backward pass, allocated when first asked for. */
  get gradients(): TrunkGradients {
    if (!this.trains) throw new Error(`no backward pass from activations that keep ${this.keep}`);
    this.#gradients ??= new TrunkGradients(this.memory, this.config, this.rows);
    return this.#gradients;
  }

  /** Where layer `index` reads the residual stream and where the next one does. */
  next(index: number): Tensor {
    return this.layers[index + 1]?.attentionInput ?? this.output;
  }

  /** Frees its buffers, those of the backward pass too, but for memory that was given. */
  destroy(): void {
    this.#gpu.destroy(this.ropeTable);
    this.#ownMemory?.destroy();
  }
}

/** A layer's tensor among those of all layers, or the one that they share. */
function ofLayer(tensors: readonly Tensor[], layer: number): Tensor {
  const tensor = tensors[layer % tensors.length];
  if (!tensor) throw new RangeError(`no layer ${layer}`);
  return tensor;
}

/** A tensor's memory as a matrix of as many rows and fewer or as many columns. */
const view = (tensor: Tensor, columns: number): Tensor => ({
  ...tensor,
  shape: [tensor.shape[0] ?? 0, columns],
});

/** Most blocks that sums over rows are split into before they are added up. */
const ROW_BLOCKS = 64;

/** What the backward pass needs beside activations, whose place most gradients take. */
class TrunkGradients {
  /** f32 (N, C): of the residual stream, carried from the last layer to the first. */
  readonly stream: Tensor;
  /** f32 (N, 2F), and in the same memory, for it is needed later, (N, (H + 2G) D). */
  readonly gateUp: Tensor;
  readonly qkv: Tensor;
  readonly attended: Tensor;
  readonly delta: Tensor;
  /** Scratch for the two qk-norm weights: f32 (2 blocks, D). */
  readonly headPartials: Tensor;
  /** Scratch for sums over rows: f32 (blocks, columns), by column count. */
  readonly #partials: ReadonlyMap<number, Tensor>;

  constructor(memory: MemoryTurn, config: ModelConfig, rows: number) {
    const { hiddenSize: width, intermediateSize: inner, headDim, heads, kvHeads } = config;
    const make = (name: string, columns: number): Tensor => memory.tensor(name, [rows, columns]);
    const fused = (heads + 2 * kvHeads) * headDim;
    const wide = make('d_wide', Math.max(2 * inner, fused));
    this.stream = make('d_stream', width);
    this.gateUp = view(wide, 2 * inner);
    this.qkv = view(wide, fused);
    this.attended = make('d_attended', heads * headDim);
    this.delta = make('delta', heads);
    const blocks = Math.min(ROW_BLOCKS, Math.ceil(rows / 16));
    const widths = [width, ...(config.qkvBias && fused !== width ? [fused] : [])];
    // Multiples of 16 blocks, so that the key half starts where it can be bound.
    const headBlocks = Math.ceil(blocks / 16) * 16;
    this.headPartials = memory.tensor(
      'head_partials',
      config.qkNorm ? [2 * headBlocks, headDim] : [1],
    );
    this.#partials = new Map(
      widths.map((columns) => [columns, memory.tensor('partials', [blocks, columns])]),
    );
  }

  partials(columns: number): Tensor {
    const found = this.#partials.get(columns);
    if (!found) throw new RangeError(`no partial sums of ${columns} columns`);
    return found;
  }
}

/** The options of attention kernels that follow from the model. */
export const headsOf = (config: ModelConfig) => ({
  heads: config.heads,
  kvHeads: config.kvHeads,
  headDim: config.headDim,
  scale: 1 / Math.sqrt(config.headDim),
});

/** What the trunk reads of a batch. */
export type TrunkInput = Pick<PackedBatch, 'rows' | 'tokenIds' | 'positions' | 'spans'>;

/**
 * The steps from token ids to `activations.hidden`: embedding, layers, final norm.
 *
 * @param batch Its row capacity must not exceed that of the activations.
 */
export function trunkForward(
  weights: ParameterStore,
  batch: TrunkInput,
  activations: Activations,
): Step[] {
  const { config, lanes, mostWork } = activations;
  const { rows } = batch;
  const epsilon = config.rmsNormEps;
  const first = activations.layers[0]?.attentionInput ?? activations.output;
  const steps: Step[] = [
    embeddingForward(
      { token_ids: batch.tokenIds, table: weights.tensor('embed'), out: first },
      { rows, lanes },
    ),
  ];
  for (const [i, layer] of activations.layers.entries()) {
    steps.push(
      ...layerForward(weights, batch, activations, i),
      ...matmulForward(
        {
          x: layer.gated,
          weight: weights.operand(`layers.${i}.down`),
          residual: layer.mlpInput,
          out: activations.next(i),
        },
        { rows, mostWork },
      ),
    );
  }
  steps.push(
    rmsnormForward(
      {
        x: activations.output,
        weight: weights.tensor('norm'),
        out: activations.hidden,
        rstd: activations.hiddenRstd,
      },
      { rows, epsilon, lanes },
    ),
  );
  return steps;
}

/**
 * The steps of a layer from its input to `gated`: all that its backward pass reads. What is left of
 * the layer is the projection down into the next one's input.
 */
function layerForward(
  weights: ParameterStore,
  batch: TrunkInput,
  activations: Activations,
  index: number,
): Step[] {
  const { config, lanes, mostWork } = activations;
  const { rows } = batch;
  const epsilon = config.rmsNormEps;
  const layer = activations.layers[index];
  if (!layer) throw new RangeError(`no layer ${index}`);
  const weight = (name: string): Tensor => weights.operand(`layers.${index}.${name}`);
  const bias = config.qkvBias ? { bias: weight('qkv_bias') } : {};
  const steps: Step[] = [
    rmsnormForward(
      {
        x: layer.attentionInput,
        weight: weight('input_norm'),
        out: layer.attentionNormed,
        rstd: layer.attentionRstd,
      },
      { rows, epsilon, lanes },
    ),
    ...matmulForward(
      { x: layer.attentionNormed, weight: weight('qkv'), out: layer.qkvRaw, ...bias },
      { rows, mostWork },
    ),
  ];
  if (config.qkNorm) {
    steps.push(
      qkNormForward(
        {
          x: layer.qkvRaw,
          query_weight: weight('q_norm'),
          key_weight: weight('k_norm'),
          out: layer.qkv,
        },
        { rows, epsilon, heads: config.heads, kvHeads: config.kvHeads },
      ),
    );
  }
  steps.push(
    rope(
      { positions: batch.positions, table: activations.ropeTable, qkv: layer.qkv },
      { rows, heads: config.heads + config.kvHeads, direction: 1, lanes },
    ),
    attentionForward(
      { spans: batch.spans, qkv: layer.qkv, out: layer.attended, lse: layer.lse },
      { rows, ...headsOf(config) },
    ),
    ...matmulForward(
      {
        x: layer.attended,
        weight: weight('o'),
        residual: layer.attentionInput,
        out: layer.mlpInput,
      },
      { rows, mostWork },
    ),
    rmsnormForward(
      {
        x: layer.mlpInput,
        weight: weight('post_norm'),
        out: layer.mlpNormed,
        rstd: layer.mlpRstd,
      },
      { rows, epsilon, lanes },
    ),
    ...matmulForward(
      { x: layer.mlpNormed, weight: weight('gate_up'), out: layer.gateUp },
      { rows, mostWork },
    ),
    swigluForward({ gate_up: layer.gateUp, out: layer.gated }, { rows, lanes }),
  );
  return steps;
}

/**
 * The steps from the gradient of `activations.hidden`, in its place, to the gradients of all trunk
 * parameters, which are added to `gradients`. They follow one forward pass: gradients are left in the
 * place of activations. Where only inputs were kept, a layer's own steps forward come first, so that
 * the numbers are the same to the last bit.
 */
export function trunkBackward(
  weights: ParameterStore,
  gradients: ParameterStore,
  batch: PackedBatch,
  activations: Activations,
): Step[] {
  const { config, lanes, mostWork, gradients: flow } = activations;
  const { rows } = batch;
  const epsilon = config.rmsNormEps;
  const { heads, kvHeads, hiddenSize: width, headDim } = config;
  const steps: Step[] = [
    ...rmsnormBackwardWeight(
      {
        x: activations.output,
        rstd: activations.hiddenRstd,
        dy: activations.hidden,
        partials: flow.partials(width),
        dweight: gradients.tensor('norm'),
      },
      { rows },
    ),
    rmsnormBackward(
      {
        x: activations.output,
        weight: weights.tensor('norm'),
        rstd: activations.hiddenRstd,
        dy: activations.hidden,
        dx: flow.stream,
      },
      { rows, accumulate: false, lanes },
    ),
  ];
  const last = activations.layers.length - 1;
  for (const [i, layer] of [...activations.layers.entries()].reverse()) {
    const weight = (name: string): Tensor => weights.operand(`layers.${i}.${name}`);
    const gradient = (name: string): Tensor => gradients.tensor(`layers.${i}.${name}`);
    const normBackward = (x: Tensor, rstd: Tensor, dy: Tensor, name: string): Step[] => [
      ...rmsnormBackwardWeight(
        { x, rstd, dy, partials: flow.partials(width), dweight: gradient(name) },
        { rows },
      ),
      rmsnormBackward(
        { x, weight: weight(name), rstd, dy, dx: flow.stream },
        { rows, accumulate: true, lanes },
      ),
    ];
    // The last layer's are still there from the forward pass.
    if (activations.keep === 'inputs' && i < last) {
      steps.push(...layerForward(weights, batch, activations, i));
    }
    steps.push(
      ...matmulBackwardWeight(
        { dy: flow.stream, x: layer.gated, dw: gradient('down') },
        { rows, mostWork },
      ),
      ...matmulBackwardInput(
        { dy: flow.stream, weight: weight('down'), dx: layer.gated },
        { rows, mostWork, accumulate: false },
      ),
      swigluBackward(
        { gate_up: layer.gateUp, dout: layer.gated, dgate_up: flow.gateUp },
        { rows, lanes },
      ),
      ...matmulBackwardWeight(
        { dy: flow.gateUp, x: layer.mlpNormed, dw: gradient('gate_up') },
        { rows, mostWork },
      ),
      ...matmulBackwardInput(
        { dy: flow.gateUp, weight: weight('gate_up'), dx: layer.mlpNormed },
        { rows, mostWork, accumulate: false },
      ),
      ...normBackward(layer.mlpInput, layer.mlpRstd, layer.mlpNormed, 'post_norm'),
      ...matmulBackwardWeight(
        { dy: flow.stream, x: layer.attended, dw: gradient('o') },
        { rows, mostWork },
      ),
      ...matmulBackwardInput(
        { dy: flow.stream, weight: weight('o'), dx: flow.attended },
        { rows, mostWork, accumulate: false },
      ),
      attentionBackwardQuery(
        {
          spans: batch.spans,
          qkv: layer.qkv,
          out: layer.attended,
          lse: layer.lse,
          dout: flow.attended,
          delta: flow.delta,
          dqkv: flow.qkv,
        },
        { rows, ...headsOf(config) },
      ),
      attentionBackwardKeyValue(
        {
          spans: batch.spans,
          qkv: layer.qkv,
          lse: layer.lse,
          delta: flow.delta,
          dout: flow.attended,
          dqkv: flow.qkv,
        },
        { rows, ...headsOf(config) },
      ),
      rope(
        { positions: batch.positions, table: activations.ropeTable, qkv: flow.qkv },
        { rows, heads: heads + kvHeads, direction: -1, lanes },
      ),
    );
    if (config.qkNorm) {
      const { headPartials: partials } = flow;
      const blocks = (partials.shape[0] ?? 0) / 2;
      const half = (name: string, first: number): Step =>
        columnSum(
          { x: rowsOf(partials, first, blocks), out: gradient(name) },
          { rows: blocks, accumulate: true },
        );
      steps.push(
        qkNormBackwardWeight(
          { x: layer.qkvRaw, dy: flow.qkv, partials },
          { rows, epsilon, heads, kvHeads },
        ),
        half('q_norm', 0),
        half('k_norm', blocks),
        qkNormBackward(
          {
            x: layer.qkvRaw,
            query_weight: weight('q_norm'),
            key_weight: weight('k_norm'),
            gradient: flow.qkv,
          },
          { rows, epsilon, heads, kvHeads },
        ),
      );
    }
    if (config.qkvBias) {
      const columns = (heads + 2 * kvHeads) * headDim;
      const partials = flow.partials(columns);
      const [blocks = 1] = partials.shape;
      steps.push(
        columnSum({ x: flow.qkv, out: partials }, { rows, accumulate: false }),
        columnSum({ x: partials, out: gradient('qkv_bias') }, { rows: blocks, accumulate: true }),
      );
    }
    steps.push(
      ...matmulBackwardWeight(
        { dy: flow.qkv, x: layer.attentionNormed, dw: gradient('qkv') },
        { rows, mostWork },
      ),
      ...matmulBackwardInput(
        { dy: flow.qkv, weight: weight('qkv'), dx: layer.attentionNormed },
        { rows, mostWork, accumulate: false },
      ),
      ...normBackward(
        layer.attentionInput,
        layer.attentionRstd,
        layer.attentionNormed,
        'input_norm',
      ),
    );
  }
  steps.push(
    embeddingBackward(
      {
        unique_ids: batch.uniqueIds,
        starts: batch.uniqueStarts,
        order: batch.uniqueOrder,
        dx: flow.stream,
        dtable: gradients.tensor('embed'),
      },
      { uniques: batch.uniques },
    ),
  );
  return steps;
}
