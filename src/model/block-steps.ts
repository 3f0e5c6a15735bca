import { attentionBackwardKeyValue } from '../../kernels/attention-backward-key-value.ts';
import { attentionBackwardQuery } from '../../kernels/attention-backward-query.ts';
import { attentionForward } from '../../kernels/attention-forward.ts';
import { columnSum } from '../../kernels/column-sum.ts';
import { qkNormBackwardWeight } from '../../kernels/qk-norm-backward-weight.ts';
import { qkNormBackward } from '../../kernels/qk-norm-backward.ts';
import { qkNormForward } from '../../kernels/qk-norm-forward.ts';
import { gegluBackward } from '../../kernels/geglu-backward.ts';
import { gegluForward } from '../../kernels/geglu-forward.ts';
import { rmsnormBackwardWeight } from '../../kernels/rmsnorm-backward-weight.ts';
import { rmsnormBackward } from '../../kernels/rmsnorm-backward.ts';
import { rmsnormForward } from '../../kernels/rmsnorm-forward.ts';
import { rope } from '../../kernels/rope.ts';
import { swigluBackward } from '../../kernels/swiglu-backward.ts';
import { swigluForward } from '../../kernels/swiglu-forward.ts';
import { rowsOf, type Tensor } from '../../kernels/lib/tensor.ts';
import type { Step } from '../gpu/plan.ts';
import type { Activations } from './activations.ts';
import { type BlockOp, isResidual, nextInput } from './block.ts';
import type { ModelConfig } from './config.ts';
import type { BackwardPass, Linear, Pass } from './linear.ts';
import type { PackedBatch } from './packed-batch.ts';
import type { Weights } from './weights.ts';

/** An op whose rows do not read each other. Decoding and whole sequences share these ops. */
export type RowOp = Exclude<BlockOp, { readonly op: 'attention' }>;

/** One layer of a model, whose ops are to be turned into steps. */
export class LayerScope {
  readonly activations: Activations;
  readonly #weights: Weights;
  readonly #layer: number;

  constructor(weights: Weights, activations: Activations, layer: number) {
    this.#weights = weights;
    this.activations = activations;
    this.#layer = layer;
  }

  get config(): ModelConfig {
    return this.activations.config;
  }

  value(name: string): Tensor {
    return this.activations.value(this.#layer, name);
  }

  /** Where the backward pass leaves the gradient of a value. */
  gradient(name: string): Tensor {
    const { gradients, block } = this.activations;
    if (name === nextInput) return gradients.stream;
    const own = this.value(name);
    const buffer = block.values[name]?.gradient;
    return buffer === undefined ? own : { ...gradients.buffer(buffer), shape: own.shape };
  }

  /** The name that the layout gives a parameter of the layer. */
  name(parameter: string): string {
    return `layers.${this.#layer}.${parameter}`;
  }

  /** The table that rotates the layer's queries and keys. */
  get ropeTable(): Tensor {
    return this.activations.ropeTableOf(this.#layer);
  }

  /** The options of attention kernels. */
  get attention() {
    const { sliding } = this.config;
    const window = sliding?.layers[this.#layer] === true ? sliding.window : undefined;
    return { ...headsOf(this.config), window };
  }

  /** A parameter that is not a matrix. */
  vector(parameter: string): Tensor {
    return this.#weights.tensor(this.name(parameter));
  }

  linear({ weight, bias }: Extract<BlockOp, { readonly op: 'linear' }>): Linear {
    return this.#weights.linear(this.name(weight), bias === undefined ? bias : this.name(bias));
  }
}

/** How a model's attention divides into heads, and the factor on its scores. */
export const headsOf = (config: ModelConfig) => ({
  heads: config.heads,
  kvHeads: config.kvHeads,
  headDim: config.headDim,
  scale: 1 / Math.sqrt(config.queryScalar ?? config.headDim),
});

/** The options of RMSNorms that follow from the model. */
export const normsOf = (config: ModelConfig) => ({
  epsilon: config.rmsNormEps,
  unitOffset: config.unitOffset,
});

/**
 * The forward steps of an op over all rows of a pass.
 *
 * @param positions u32 (N): position of each row.
 */
export function rowSteps(op: RowOp, layer: LayerScope, pass: Pass, positions: Tensor): Step[] {
  const { config } = layer;
  const { rows, lanes } = pass;
  const norms = normsOf(config);
  switch (op.op) {
    case 'norm': {
      const [x, out] = [layer.value(op.from), layer.value(op.to)];
      const residual = op.residual === undefined ? undefined : layer.value(op.residual);
      const weight = layer.vector(op.weight);
      const tensors = { x, weight, residual, out, rstd: layer.value(op.rstd) };
      return [rmsnormForward(tensors, { rows, lanes, ...norms })];
    }
    case 'linear': {
      const residual = op.residual === undefined ? undefined : layer.value(op.residual);
      const [x, out] = [layer.value(op.from), layer.value(op.to)];
      return layer.linear(op).forward(x, out, { ...pass, residual });
    }
    case 'head-norm':
      return [
        qkNormForward(
          {
            x: layer.value(op.from),
            query_weight: layer.vector(op.query),
            key_weight: layer.vector(op.key),
            out: layer.value(op.to),
          },
          { rows, ...norms, heads: config.heads, kvHeads: config.kvHeads },
        ),
      ];
    case 'rope':
      return [
        rope(
          { positions, table: layer.ropeTable, qkv: layer.value(op.on) },
          { rows, heads: config.heads + config.kvHeads, direction: 1, lanes },
        ),
      ];
    case 'gate': {
      const tensors = { gate_up: layer.value(op.from), out: layer.value(op.to) };
      return [(op.gate === 'silu' ? swigluForward : gegluForward)(tensors, { rows, lanes })];
    }
  }
}

/** The forward steps of an op over packed sequences. */
export function forwardSteps(
  op: BlockOp,
  layer: LayerScope,
  pass: Pass,
  batch: Pick<PackedBatch, 'positions' | 'spans'>,
): Step[] {
  if (op.op !== 'attention') return rowSteps(op, layer, pass, batch.positions);
  const [qkv, out, lse] = [layer.value(op.from), layer.value(op.to), layer.value(op.lse)];
  const options = { rows: pass.rows, ...layer.attention };
  return [attentionForward({ spans: batch.spans, qkv, out, lse }, options)];
}

/**
 * The backward steps of an op, from the gradient of its result to the gradients of its inputs and
 * its parameters. Frozen parameters get no gradient.
 */
export function backwardSteps(
  op: BlockOp,
  layer: LayerScope,
  pass: BackwardPass,
  batch: Pick<PackedBatch, 'positions' | 'spans'>,
): Step[] {
  const { config, activations } = layer;
  const { rows, lanes, gradients } = pass;
  const { heads, kvHeads, rmsNormEps: epsilon } = config;
  const { unitOffset } = normsOf(config);
  const parameter = (name: string): Tensor | undefined => gradients.tensor(layer.name(name));
  switch (op.op) {
    case 'norm': {
      const [x, rstd] = [layer.value(op.from), layer.value(op.rstd)];
      const [dy, dx] = [layer.gradient(op.to), layer.gradient(op.from)];
      const accumulate = isResidual(activations.block, op.from);
      const partials = pass.partials(x.shape[1] ?? 0);
      const dweight = parameter(op.weight);
      return [
        ...(dweight ? rmsnormBackwardWeight({ x, rstd, dy, partials, dweight }, { rows }) : []),
        rmsnormBackward(
          { x, weight: layer.vector(op.weight), rstd, dy, dx },
          { rows, accumulate, lanes, unitOffset },
        ),
      ];
    }
    case 'linear': {
      const [dy, dx] = [layer.gradient(op.to), layer.gradient(op.from)];
      return layer.linear(op).backward(dy, layer.value(op.from), dx, pass);
    }
    case 'head-norm': {
      const partials = activations.gradients.headPartials;
      const blocks = (partials.shape[0] ?? 0) / 2;
      const half = (out: Tensor | undefined, first: number): Step[] =>
        out
          ? [
              columnSum(
                { x: rowsOf(partials, first, blocks), out },
                { rows: blocks, accumulate: true },
              ),
            ]
          : [];
      const [query, key] = [parameter(op.query), parameter(op.key)];
      const x = layer.value(op.from);
      const gradient = layer.gradient(op.to);
      const weights = { query_weight: layer.vector(op.query), key_weight: layer.vector(op.key) };
      return [
        ...(query || key
          ? [qkNormBackwardWeight({ x, dy: gradient, partials }, { rows, epsilon, heads, kvHeads })]
          : []),
        ...half(query, 0),
        ...half(key, blocks),
        qkNormBackward({ x, ...weights, gradient }, { rows, epsilon, unitOffset, heads, kvHeads }),
      ];
    }
    case 'rope':
      return [
        rope(
          {
            positions: batch.positions,
            table: layer.ropeTable,
            qkv: layer.gradient(op.on),
          },
          { rows, heads: heads + kvHeads, direction: -1, lanes },
        ),
      ];
    case 'attention': {
      const { spans } = batch;
      const { delta } = activations.gradients;
      const [qkv, out, lse] = [layer.value(op.from), layer.value(op.to), layer.value(op.lse)];
      const [dqkv, dout] = [layer.gradient(op.from), layer.gradient(op.to)];
      const options = { rows, ...layer.attention };
      return [
        attentionBackwardQuery({ spans, qkv, out, lse, dout, delta, dqkv }, options),
        attentionBackwardKeyValue({ spans, qkv, lse, delta, dout, dqkv }, options),
      ];
    }
    case 'gate': {
      const [dout, dgate_up] = [layer.gradient(op.to), layer.gradient(op.from)];
      const tensors = { gate_up: layer.value(op.from), dout, dgate_up };
      return [(op.gate === 'silu' ? swigluBackward : gegluBackward)(tensors, { rows, lanes })];
    }
  }
}
