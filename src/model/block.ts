import type { Gate } from '../../kernels/matvec-forward.ts';
import type { ModelConfig } from './config.ts';

/** A parameter of a layer, as kernels bind it. */
export interface BlockParameter {
  readonly name: string;
  readonly kind: 'matrix' | 'norm' | 'bias';
  /**
   * Shapes of the parameters that files hold separately, by name, in the order of their rows here.
   */
  readonly parts: Readonly<Record<string, readonly number[]>>;
}

/** A tensor that a layer computes, one row per token. */
export interface BlockValue {
  /** Numbers per row. Left out: one number, in a tensor of rank 1. */
  readonly columns?: number;
  /**
   * The backward pass's buffer that holds the gradient. Left out: the gradient takes the value's
   * own place.
   */
  readonly gradient?: string;
  /**
   * The value whose memory this value takes when no backward pass follows. While this value is in
   * use, the other value is not: it is not yet written, or was read for the last time.
   */
  readonly over?: string;
}

/** One operation of a layer. Weights have the names that the layout gives them within a layer. */
export type BlockOp =
  /**
   * RMSNorm; `rstd` keeps 1/rms for the backward pass. Its result is added to the residual stream, if
   * one is named.
   */
  | {
      readonly op: 'norm';
      readonly weight: string;
      readonly from: string;
      readonly to: string;
      readonly rstd: string;
      readonly residual?: string;
    }
  /** A linear layer. Its result is added to the residual stream, if one is named. */
  | {
      readonly op: 'linear';
      readonly weight: string;
      readonly bias?: string | undefined;
      readonly from: string;
      readonly to: string;
      readonly residual?: string;
    }
  /** RMSNorm of each query and key head. */
  | {
      readonly op: 'head-norm';
      readonly query: string;
      readonly key: string;
      readonly from: string;
      readonly to: string;
    }
  /** Rotates queries and keys, in place. */
  | { readonly op: 'rope'; readonly on: string }
  /**
   * Causal attention, in sliding layers over a window; `lse` keeps the softmax's normalizer for the
   * backward pass.
   */
  | { readonly op: 'attention'; readonly from: string; readonly to: string; readonly lse: string }
  /** SwiGLU or GeGLU: halves the columns. */
  | { readonly op: 'gate'; readonly gate: Gate; readonly from: string; readonly to: string };

/**
 * What one layer computes. The forward pass, the backward pass, the recomputation of a layer and
 * decoding all follow this one description.
 */
export interface Block {
  /** Parameters, in the order in which files list them. */
  readonly parameters: readonly BlockParameter[];
  /** Values, in the order in which memory is allocated for them. */
  readonly values: Readonly<Record<string, BlockValue>>;
  /** The value that holds the residual stream as it enters the layer. */
  readonly input: string;
  /** Ops, in order. The last ones write `nextInput`. */
  readonly ops: readonly BlockOp[];
  /** Buffers of gradients, in the order in which memory is allocated for them. */
  readonly gradients: readonly string[];
  /** The norm after all layers; `over` is the value whose memory its output takes. */
  readonly finalNorm: { readonly weight: string; readonly over: string };
}

/** The ops' name for the input of the next layer; after the last layer, for the trunk's output. */
export const nextInput = 'next_input';

/** The buffer of the residual stream's gradient, carried from the last layer to the first. */
export const streamGradient = 'd_stream';

/** A linear layer whose result joins the residual stream, through a norm where one is named. */
function joining(
  linear: { readonly weight: string; readonly from: string },
  stream: { readonly residual: string; readonly to: string },
  norm?: { readonly weight: string; readonly on: string; readonly rstd: string },
): BlockOp[] {
  if (!norm) return [{ op: 'linear', ...linear, ...stream }];
  const { on, ...how } = norm;
  return [
    { op: 'linear', ...linear, to: on },
    { op: 'norm', ...how, from: on, ...stream },
  ];
}

/**
 * The layer of Llama, Qwen2, Qwen3 and Gemma 3. They differ in biases, in norms of heads and outputs, and
 * in the gate.
 */
export function blockOf(config: ModelConfig): Block {
  const { hiddenSize: width, intermediateSize: inner, headDim, heads, kvHeads, qkNorm } = config;
  const { gate = 'silu', outputNorms = false } = config;
  const fused = (heads + 2 * kvHeads) * headDim;
  const [queries, keys] = [heads * headDim, kvHeads * headDim];
  const projected = qkNorm ? 'qkv_raw' : 'qkv';
  const norm = (name: string, size: number): BlockParameter => ({
    name,
    kind: 'norm',
    parts: { [name]: [size] },
  });
  const biases = { q_bias: [queries], k_bias: [keys], v_bias: [keys] };
  return {
    parameters: [
      norm('input_norm', width),
      {
        name: 'qkv',
        kind: 'matrix',
        parts: { q: [queries, width], k: [keys, width], v: [keys, width] },
      },
      ...(config.qkvBias ? [{ name: 'qkv_bias', kind: 'bias', parts: biases } as const] : []),
      ...(qkNorm ? [norm('q_norm', headDim), norm('k_norm', headDim)] : []),
      { name: 'o', kind: 'matrix', parts: { o: [width, queries] } },
      ...(outputNorms ? [norm('attention_out_norm', width)] : []),
      norm('post_norm', width),
      { name: 'gate_up', kind: 'matrix', parts: { gate: [inner, width], up: [inner, width] } },
      { name: 'down', kind: 'matrix', parts: { down: [width, inner] } },
      ...(outputNorms ? [norm('mlp_out_norm', width)] : []),
    ],
    values: {
      attention_input: { columns: width, gradient: streamGradient },
      attention_normed: { columns: width },
      attention_rstd: {},
      gated: { columns: inner },
      gate_up: { columns: 2 * inner, gradient: 'd_wide' },
      qkv: { columns: fused, gradient: 'd_wide', over: 'gate_up' },
      ...(qkNorm ? { qkv_raw: { columns: fused, gradient: 'd_wide' } } : {}),
      attended: { columns: queries, gradient: 'd_attended', over: 'gated' },
      lse: { columns: heads },
      mlp_input: { columns: width, gradient: streamGradient },
      mlp_normed: { columns: width, over: 'attention_normed' },
      mlp_rstd: {},
      ...(outputNorms
        ? {
            attention_out: { columns: width, gradient: 'd_out', over: 'attention_normed' },
            attention_out_rstd: {},
            mlp_out: { columns: width, gradient: 'd_out', over: 'attention_normed' },
            mlp_out_rstd: {},
          }
        : {}),
    },
    input: 'attention_input',
    ops: [
      {
        op: 'norm',
        weight: 'input_norm',
        from: 'attention_input',
        to: 'attention_normed',
        rstd: 'attention_rstd',
      },
      {
        op: 'linear',
        weight: 'qkv',
        bias: config.qkvBias ? 'qkv_bias' : undefined,
        from: 'attention_normed',
        to: projected,
      },
      ...(qkNorm
        ? [{ op: 'head-norm', query: 'q_norm', key: 'k_norm', from: projected, to: 'qkv' } as const]
        : []),
      { op: 'rope', on: 'qkv' },
      { op: 'attention', from: 'qkv', to: 'attended', lse: 'lse' },
      ...joining(
        { weight: 'o', from: 'attended' },
        { residual: 'attention_input', to: 'mlp_input' },
        outputNorms
          ? { weight: 'attention_out_norm', on: 'attention_out', rstd: 'attention_out_rstd' }
          : undefined,
      ),
      { op: 'norm', weight: 'post_norm', from: 'mlp_input', to: 'mlp_normed', rstd: 'mlp_rstd' },
      { op: 'linear', weight: 'gate_up', from: 'mlp_normed', to: 'gate_up' },
      { op: 'gate', gate, from: 'gate_up', to: 'gated' },
      ...joining(
        { weight: 'down', from: 'gated' },
        { residual: 'mlp_input', to: nextInput },
        outputNorms ? { weight: 'mlp_out_norm', on: 'mlp_out', rstd: 'mlp_out_rstd' } : undefined,
      ),
    ],
    gradients: ['d_wide', streamGradient, 'd_attended', ...(outputNorms ? ['d_out'] : [])],
    finalNorm: { weight: 'norm', over: 'attention_normed' },
  };
}

/**
 * The ops whose results a layer's backward pass reads: all but those that write `nextInput` and nothing
 * else.
 */
export const opsBeforeNext = ({ ops }: Block): BlockOp[] =>
  ops.filter((op) => op.op === 'rope' || op.op === 'norm' || op.to !== nextInput);

/**
 * Whether a value's gradient already holds the residual stream's part when the backward steps of
 * the op that reads the value run.
 */
export const isResidual = ({ ops }: Block, value: string): boolean =>
  ops.some((op) => (op.op === 'linear' || op.op === 'norm') && op.residual === value);
