import { attentionDecode, canRotate } from '../../kernels/attention-decode.ts';
import { embeddingForward } from '../../kernels/embedding-forward.ts';
import { matmulForward } from '../../kernels/matmul-forward.ts';
import { canMatvec, matvecForward } from '../../kernels/matvec-forward.ts';
import { qkNormForward } from '../../kernels/qk-norm-forward.ts';
import { rmsnormForward } from '../../kernels/rmsnorm-forward.ts';
import { rope } from '../../kernels/rope.ts';
import { swigluForward } from '../../kernels/swiglu-forward.ts';
import type { Lanes } from '../../kernels/lib/lanes.ts';
import type { Tensor } from '../../kernels/lib/tensor.ts';
import { type Size, usualOf } from '../../kernels/lib/variable.ts';
import type { Step } from '../gpu/plan.ts';
import type { ParameterStore } from '../model/parameters.ts';
import { type Activations, headsOf } from '../model/transformer.ts';

/** What a decode step reads and keeps, beside the weights. */
export interface DecodeState {
  /** Longest prompt and response together. */
  readonly keys: Size;
  /** u32 (R): the tokens fed in, and their positions. */
  readonly current: Tensor;
  readonly positions: Tensor;
  readonly episodes: Tensor;
  readonly status: Tensor;
  /** f32 (R, heads, keys). */
  readonly scores: Tensor;
  /** By layer: f32 (N, fused) of the prompts' rows, rotated; (R, T, 2 kv_heads * D). */
  readonly promptQkv: readonly Tensor[];
  readonly caches: readonly Tensor[];
}

/** The most rows for which weights are read anew for each: above, a matmul's blocks pay. */
const FEW_ROWS = 2;

/** A linear layer and the norm before it. */
interface Linear {
  readonly x: Tensor;
  readonly norm?: { readonly weight: Tensor; readonly out: Tensor; readonly rstd: Tensor };
  readonly weight: Tensor;
  readonly bias?: Tensor | undefined;
  readonly residual?: Tensor;
  readonly out: Tensor;
}

/** The kernels of a decode step: few large dispatches where rows are few. */
export class DecodeSteps {
  readonly #weights: ParameterStore;
  readonly #activations: Activations;
  readonly #rows: Size;
  readonly #few: boolean;
  readonly #lanes: Lanes;

  /** @param kind Of the adapter. */
  constructor(weights: ParameterStore, activations: Activations, rows: Size, kind: 'cpu' | 'gpu') {
    this.#weights = weights;
    this.#activations = activations;
    this.#rows = rows;
    this.#few = usualOf(rows) <= FEW_ROWS && canMatvec(activations.config.intermediateSize);
    this.#lanes = kind === 'cpu' ? { lanes: 1, rows: 8 } : { lanes: 32, rows: 4 };
  }

  /** The steps from the newest tokens of all rows to `last`. */
  trunk(state: DecodeState): Step[] {
    const { config, lanes, ropeTable, layers, output, hidden, hiddenRstd } = this.#activations;
    const { keys, episodes, status, scores } = state;
    const rows = this.#rows;
    const rotate = canRotate(config.headDim);
    const first = layers[0]?.attentionInput ?? output;
    const steps: Step[] = [
      embeddingForward(
        { token_ids: state.current, table: this.#weights.tensor('embed'), out: first },
        { rows, lanes },
      ),
    ];
    for (const [i, layer] of layers.entries()) {
      const weight = (name: string): Tensor => this.#weights.operand(`layers.${i}.${name}`);
      const [promptQkv, cache] = [state.promptQkv[i], state.caches[i]];
      if (!promptQkv || !cache) throw new RangeError(`no layer ${i}`);
      const { qkvRaw, qkv, attended, gateUp, gated, mlpInput } = layer;
      steps.push(
        ...this.#linear({
          x: layer.attentionInput,
          norm: {
            weight: weight('input_norm'),
            out: layer.attentionNormed,
            rstd: layer.attentionRstd,
          },
          weight: weight('qkv'),
          bias: config.qkvBias ? weight('qkv_bias') : undefined,
          out: qkvRaw,
        }),
      );
      if (config.qkNorm) {
        steps.push(
          qkNormForward(
            {
              x: qkvRaw,
              query_weight: weight('q_norm'),
              key_weight: weight('k_norm'),
              out: qkv,
            },
            { rows, epsilon: config.rmsNormEps, heads: config.heads, kvHeads: config.kvHeads },
          ),
        );
      }
      if (!rotate) {
        steps.push(
          rope(
            { positions: state.positions, table: ropeTable, qkv },
            { rows, heads: config.heads + config.kvHeads, direction: 1, lanes },
          ),
        );
      }
      steps.push(
        attentionDecode(
          {
            episodes,
            status,
            table: ropeTable,
            prompt_qkv: promptQkv,
            qkv,
            cache,
            scores,
            out: attended,
          },
          { ...headsOf(config), rows, keys, rotate, lanes },
        ),
        ...this.#linear({
          x: attended,
          weight: weight('o'),
          residual: layer.attentionInput,
          out: mlpInput,
        }),
        ...this.#gatedLinear(
          {
            x: mlpInput,
            norm: { weight: weight('post_norm'), out: layer.mlpNormed, rstd: layer.mlpRstd },
            weight: weight('gate_up'),
            out: gateUp,
          },
          gated,
        ),
        ...this.#linear({
          x: gated,
          weight: weight('down'),
          residual: mlpInput,
          out: this.#activations.next(i),
        }),
      );
    }
    if (!this.#few) {
      steps.push(
        rmsnormForward(
          {
            x: output,
            weight: this.#weights.tensor('norm'),
            out: hidden,
            rstd: hiddenRstd,
          },
          { rows, epsilon: config.rmsNormEps, lanes },
        ),
      );
    }
    return steps;
  }

  /** What `trunk` leaves for `head`: the residual stream, or where rows are many its norm. */
  get last(): Tensor {
    return this.#few ? this.#activations.output : this.#activations.hidden;
  }

  /** The steps from `last`, or some rows of it, to their logits. */
  head(x: Tensor, rows: Size, weight: Tensor, out: Tensor): Step[] {
    const { config, mostWork } = this.#activations;
    if (!this.#few) return matmulForward({ x, weight, out }, { rows, mostWork });
    const norm = this.#weights.tensor('norm');
    const options = { rows, epsilon: config.rmsNormEps, lanes: this.#lanes };
    return [matvecForward({ x, norm, weight, out }, options)];
  }

  #linear({ x, norm, weight, bias, residual, out }: Linear): Step[] {
    const { config, lanes, mostWork } = this.#activations;
    const [rows, epsilon] = [this.#rows, config.rmsNormEps];
    if (this.#few) {
      const tensors = { x, norm: norm?.weight, weight, bias, residual, out };
      return [matvecForward(tensors, { rows, epsilon, lanes: this.#lanes })];
    }
    return [
      ...(norm ? [rmsnormForward({ x, ...norm }, { rows, epsilon, lanes })] : []),
      ...matmulForward({ x: norm?.out ?? x, weight, bias, residual, out }, { rows, mostWork }),
    ];
  }

  /** A linear layer whose output is gated. */
  #gatedLinear(linear: Linear, gated: Tensor): Step[] {
    const { config, lanes } = this.#activations;
    const rows = this.#rows;
    if (!this.#few) {
      return [
        ...this.#linear(linear),
        swigluForward({ gate_up: linear.out, out: gated }, { rows, lanes }),
      ];
    }
    const { x, norm, weight } = linear;
    return [
      matvecForward(
        { x, norm: norm?.weight, weight, out: gated },
        { rows, epsilon: config.rmsNormEps, lanes: this.#lanes, gated: true },
      ),
    ];
  }
}
