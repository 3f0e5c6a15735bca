import { ropeTable } from '../../kernels/rope.ts';
import { parallelLanes, serialLanes, type Lanes } from '../../kernels/lib/lanes.ts';
import type { Tensor } from '../../kernels/lib/tensor.ts';
import type { Size } from '../../kernels/lib/variable.ts';
import { ConfigError } from '../config-error.ts';
import type { Gpu } from '../gpu/device.ts';
import { type MemoryTurn, SharedMemory } from '../gpu/shared-memory.ts';
import { type Block, blockOf, type BlockValue, nextInput, streamGradient } from './block.ts';
import type { ModelConfig } from './config.ts';
import type { BackwardPass, Gradients, Pass } from './linear.ts';
import { expectRopeReaches, type RopeConfig, ropeOf, ropesOf } from './rope.ts';

/**
 * What a forward pass keeps. `all`: every value, for training. `inputs`: each layer's input, for
 * training with gradient checkpointing, which computes the rest of a layer again in the backward
 * pass. `none`: only the last hidden states, for scoring.
 */
export type Keep = 'all' | 'inputs' | 'none';

/** What training keeps. @param checkpointing Keeps only the layers' inputs; off when left out. */
export const keepForTraining = (checkpointing = false): Keep => (checkpointing ? 'inputs' : 'all');

/**
 * Buffers for trunk passes over at most `rows` token rows of models with one shape. Actor, critic
 * and reference share them: their passes never overlap.
 */
export class Activations {
  readonly config: ModelConfig;
  /** The computation of a layer; its values lie here. */
  readonly block: Block;
  readonly rows: number;
  readonly keep: Keep;
  /** f32 (N, C): the residual stream after the last layer. */
  readonly output: Tensor;
  /**
   * f32 (N, C): hidden states after the final norm. Heads read them and put their gradient in their
   * place.
   */
  readonly hidden: Tensor;
  readonly hiddenRstd: Tensor;
  readonly lanes: Lanes;
  /** Most multiply-adds of one dispatch. */
  readonly mostWork: number;
  /** The memory of all tensors but the rope tables. Heads may use it too. */
  readonly memory: MemoryTurn;
  /** Values by name: one tensor per layer, or one that all layers share. */
  readonly #values: ReadonlyMap<string, readonly Tensor[]>;
  /** Scratch of adapters, as wide as the widest needs. */
  readonly #lowRank: Tensor | undefined;
  readonly #ropeTables: Readonly<Record<'full' | 'sliding', Tensor>>;
  readonly #gpu: Gpu;
  readonly #ownMemory: SharedMemory | undefined;
  #gradients: TrunkGradients | undefined;

  /**
   * @param options.positions Longest sequence, prompt and response together.
   * @param options.adapterColumns Columns of the scratch of adapters, as `Weights` tells: the most
   *   of all weights that passes here read. 0 when left out.
   * @param options.memory Memory for the tensors; own memory when left out.
   * @throws ConfigError when a width of the model is not a multiple of 4, as kernels need, or when
   *   its rotary embedding does not reach `positions`.
   */
  constructor(
    gpu: Gpu,
    config: ModelConfig,
    options: {
      readonly rows: number;
      readonly positions: number;
      readonly keep: Keep;
      readonly adapterColumns?: number;
      readonly memory?: MemoryTurn | undefined;
    },
  ) {
    for (const field of ['hiddenSize', 'headDim'] as const) {
      if (config[field] % 4 !== 0) {
        throw new ConfigError(`${field} must be a multiple of 4, is ${config[field]}`);
      }
    }
    const ropes = ropesOf(config);
    for (const one of Object.values(ropes)) expectRopeReaches(one, options.positions);
    this.#gpu = gpu;
    this.config = config;
    this.block = blockOf(config);
    this.rows = options.rows;
    this.keep = options.keep;
    this.lanes = gpu.kind === 'cpu' ? serialLanes : parallelLanes;
    this.mostWork = gpu.mostWork;
    const memory = options.memory ?? new SharedMemory(gpu).nextTurn();
    this.#ownMemory = options.memory ? undefined : memory.memory;
    this.memory = memory;
    const { block, trains } = this;
    this.#values = this.#allocate();
    const only = (name: string, ...columns: number[]): Tensor =>
      memory.tensor(name, [options.rows, ...columns]);
    const width = config.hiddenSize;
    this.output = trains ? only('output', width) : this.value(0, block.input);
    this.hidden = trains ? only('hidden', width) : this.value(0, block.finalNorm.over);
    this.hiddenRstd = only('hidden_rstd');
    const { adapterColumns = 0 } = options;
    this.#lowRank = adapterColumns > 0 ? only('low_rank', adapterColumns) : undefined;
    const full = this.#ropeTable(ropes.full, options.positions);
    const sliding = config.sliding ? this.#ropeTable(ropes.sliding, options.positions) : full;
    this.#ropeTables = { full, sliding };
  }

  #ropeTable(config: RopeConfig, positions: number): Tensor {
    const table = this.#gpu.tensor('rope_table', [positions, config.headDim], 'f32', 'activations');
    const { frequencies, scale } = ropeOf(config, positions);
    this.#gpu.upload(table, ropeTable(positions, frequencies, scale));
    return table;
  }

  #allocate(): ReadonlyMap<string, readonly Tensor[]> {
    const { block, config, keep, memory, trains, rows } = this;
    const values = Object.entries(block.values);
    const isKept = (name: string): boolean => keep === 'all' || (trains && name === block.input);
    // Without a backward pass, a value lends its memory to the values that name it as `over`.
    const lender = (name: string, { over }: BlockValue): string | undefined =>
      trains || isKept(name) ? undefined : over;
    const found = new Map<string, readonly Tensor[]>();
    for (const [name, value] of values) {
      const from = lender(name, value);
      const { columns } = value;
      if (columns === undefined || from === undefined) {
        const borrowers = values.filter(([other, own]) => lender(other, own) === name);
        const widest = borrowers.map(([, own]) => own.columns ?? 1);
        const shape = columns === undefined ? [rows] : [rows, Math.max(columns, ...widest)];
        found.set(name, memory.tensors(name, shape, isKept(name) ? config.layers : 1));
      }
      const tensors = found.get(from ?? name) ?? [];
      found.set(name, columns === undefined ? tensors : tensors.map((own) => view(own, columns)));
    }
    return found;
  }

  /** Whether a backward pass can follow. */
  get trains(): boolean {
    return this.keep === 'all' || this.keep === 'inputs';
  }

  /** Buffers of the backward pass, allocated when first asked for. */
  get gradients(): TrunkGradients {
    if (!this.trains) throw new Error(`no backward pass from activations that keep ${this.keep}`);
    this.#gradients ??= new TrunkGradients(this.memory, this.block, this.config, this.rows);
    return this.#gradients;
  }

  /** A value of a layer: its own tensor, or the one that all layers share. */
  value(layer: number, name: string): Tensor {
    if (name === nextInput) return this.inputOf(layer + 1);
    const tensors = this.#values.get(name);
    const tensor = tensors?.[layer % tensors.length];
    if (!tensor) throw new RangeError(`no value '${name}' of layer ${layer}`);
    return tensor;
  }

  /**
   * f32 (N, C): the residual stream that enters a layer; past the last layer, the trunk's output.
   */
  inputOf(layer: number): Tensor {
    return layer < this.config.layers ? this.value(layer, this.block.input) : this.output;
  }

  /** f32 (positions, D): cosines and sines by which a layer rotates. */
  ropeTableOf(layer: number): Tensor {
    return this.#ropeTables[this.config.sliding?.layers[layer] === true ? 'sliding' : 'full'];
  }

  /** A forward pass over `rows` rows. */
  pass(rows: Size): Pass {
    const lowRank = (columns: number): Tensor => {
      const [, held = 0] = this.#lowRank?.shape ?? [];
      if (!this.#lowRank || columns > held) {
        throw new RangeError(`adapters need scratch of ${columns} columns, ${held} are held`);
      }
      return view(this.#lowRank, columns);
    };
    return { rows, lanes: this.lanes, mostWork: this.mostWork, lowRank };
  }

  /** A backward pass over `rows` rows. */
  backwardPass(rows: Size, gradients: Gradients): BackwardPass {
    const partials = (columns: number): Tensor => this.gradients.partials(columns);
    return { ...this.pass(rows), gradients, partials };
  }

  /** Frees all buffers, also those of the backward pass, but not memory that was given. */
  destroy(): void {
    this.#gpu.destroy(...new Set(Object.values(this.#ropeTables)));
    this.#ownMemory?.destroy();
  }
}

/** A tensor's memory as a matrix of the same rows and at most the same columns. */
const view = (tensor: Tensor, columns: number): Tensor => ({
  ...tensor,
  shape: [tensor.shape[0] ?? 0, columns],
});

/** Most blocks into which a sum over rows is split. */
const ROW_BLOCKS = 64;

/**
 * The buffers that the backward pass needs beside activations. Most gradients take the place of
 * activations.
 */
export class TrunkGradients {
  /** f32 (N, heads): scratch of attention. */
  readonly delta: Tensor;
  /** Scratch for the two weights of head norms: f32 (2 blocks, D). */
  readonly headPartials: Tensor;
  /** Gradients that do not take the place of their values, by the block's buffer names. */
  readonly #buffers: ReadonlyMap<string, Tensor>;
  /** Scratch for sums over rows: f32 (blocks, columns), by column count. */
  readonly #partials: ReadonlyMap<number, Tensor>;

  constructor(memory: MemoryTurn, block: Block, config: ModelConfig, rows: number) {
    const values = Object.values(block.values);
    const columnsOf = (name: string): number => block.values[name]?.columns ?? 0;
    this.#buffers = new Map(
      block.gradients.map((name) => {
        const held = values.filter(({ gradient }) => gradient === name);
        const columns = Math.max(...held.map((value) => value.columns ?? 1));
        return [name, memory.tensor(name, [rows, columns])];
      }),
    );
    this.delta = memory.tensor('delta', [rows, config.heads]);
    const blocks = Math.min(ROW_BLOCKS, Math.ceil(rows / 16));
    const widths = new Set([config.hiddenSize]);
    for (const op of block.ops) {
      if (op.op === 'norm') widths.add(columnsOf(op.from));
      if (op.op === 'linear' && op.bias !== undefined) widths.add(columnsOf(op.to));
    }
    // Multiples of 16 blocks, so that the key half starts where it can be bound.
    const headBlocks = Math.ceil(blocks / 16) * 16;
    const normsHeads = block.ops.some(({ op }) => op === 'head-norm');
    this.headPartials = memory.tensor(
      'head_partials',
      normsHeads ? [2 * headBlocks, config.headDim] : [1],
    );
    this.#partials = new Map(
      [...widths].map((columns) => [columns, memory.tensor('partials', [blocks, columns])]),
    );
  }

  /** f32 (N, C): the gradient of the residual stream, carried from the last layer to the first. */
  get stream(): Tensor {
    return this.buffer(streamGradient);
  }

  /** A buffer of gradients, by its name in the block. */
  buffer(name: string): Tensor {
    const found = this.#buffers.get(name);
    if (!found) throw new RangeError(`no buffer of gradients '${name}'`);
    return found;
  }

  partials(columns: number): Tensor {
    const found = this.#partials.get(columns);
    if (!found) throw new RangeError(`no partial sums of ${columns} columns`);
    return found;
  }
}
