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
import { expectRopeReaches, ropeOf } from './rope.ts';

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
  /** What a layer computes: the values that lie here. */
  readonly block: Block;
  readonly rows: number;
  readonly keep: Keep;
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
  /** By name: of each layer one, or one that all layers share. */
  readonly #values: ReadonlyMap<string, readonly Tensor[]>;
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
    this.ropeTable = gpu.tensor(
      'rope_table',
      [options.positions, config.headDim],
      'f32',
      'activations',
    );
    const { frequencies, scale } = ropeOf(config, options.positions);
    gpu.upload(this.ropeTable, ropeTable(options.positions, frequencies, scale));
  }

  #allocate(): ReadonlyMap<string, readonly Tensor[]> {
    const { block, config, keep, memory, trains, rows } = this;
    const values = Object.entries(block.values);
    const isKept = (name: string): boolean =>
      keep === 'all' || (trains && name === block.input) || (keep === 'qkv' && name === block.qkv);
    // Without a backward pass, a value that is read once lends its memory to one that comes later.
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

  /** f32 (N, C): where a layer reads the residual stream; past the last layer, the trunk's output. */
  inputOf(layer: number): Tensor {
    return layer < this.config.layers ? this.value(layer, this.block.input) : this.output;
  }

  /** A pass over so many rows. */
  pass(rows: Size): Pass {
    return { rows, lanes: this.lanes, mostWork: this.mostWork };
  }

  /** A pass back over so many rows. */
  backwardPass(rows: Size, gradients: Gradients): BackwardPass {
    const partials = (columns: number): Tensor => this.gradients.partials(columns);
    return { ...this.pass(rows), gradients, partials };
  }

  /** Frees its buffers, those of the backward pass too, but for memory that was given. */
  destroy(): void {
    this.#gpu.destroy(this.ropeTable);
    this.#ownMemory?.destroy();
  }
}

/** A tensor's memory as a matrix of as many rows and fewer or as many columns. */
const view = (tensor: Tensor, columns: number): Tensor => ({
  ...tensor,
  shape: [tensor.shape[0] ?? 0, columns],
});

/** Most blocks that sums over rows are split into before they are added up. */
const ROW_BLOCKS = 64;

/** What the backward pass needs beside activations, whose place most gradients take. */
export class TrunkGradients {
  /** f32 (N, heads): scratch of attention. */
  readonly delta: Tensor;
  /** Scratch for the two weights of head norms: f32 (2 blocks, D). */
  readonly headPartials: Tensor;
  /** Gradients that do not take their values' places, by the buffers that the block names. */
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

  /** f32 (N, C): of the residual stream, carried from the last layer to the first. */
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
