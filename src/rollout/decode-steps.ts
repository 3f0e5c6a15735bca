import { attentionDecode, canRotate } from '../../kernels/attention-decode.ts';
import { canMatvec } from '../../kernels/matvec-forward.ts';
import type { Lanes } from '../../kernels/lib/lanes.ts';
import type { Tensor } from '../../kernels/lib/tensor.ts';
import { type Size, usualOf } from '../../kernels/lib/variable.ts';
import type { Step } from '../gpu/plan.ts';
import type { Activations } from '../model/activations.ts';
import { headsOf, LayerScope, rowSteps } from '../model/block-steps.ts';
import type { BlockOp } from '../model/block.ts';
import type { LogitRoom } from '../model/embedding.ts';
import type { Pass } from '../model/linear.ts';
import { finalNorm } from '../model/transformer.ts';
import type { Weights } from '../model/weights.ts';

/** The tensors that a decode step reads and keeps, beside the weights. */
export interface DecodeState {
  /** Tokens of the longest prompt and response together. */
  readonly keys: Size;
  /** u32 (R): the tokens fed to the model, and their positions. */
  readonly current: Tensor;
  readonly positions: Tensor;
  readonly episodes: Tensor;
  readonly status: Tensor;
  /** f32 (R, heads, keys). */
  readonly scores: Tensor;
  /**
   * By layer: keys and values of the prompts' rows, (N, 2 kv_heads * D), and of the responses,
   * (R, T, 2 kv_heads * D).
   */
  readonly promptCaches: readonly Tensor[];
  readonly caches: readonly Tensor[];
}

/** Most rows for which each row reads the weights anew. With more rows, a matmul's blocks pay. */
const FEW_ROWS = 2;

/** The kernels of a decode step. Where rows are few, there are few large dispatches. */
export class DecodeSteps {
  readonly #weights: Weights;
  readonly #activations: Activations;
  readonly #pass: Pass;
  readonly #few: boolean;
  /** Lanes of the kernels for few rows. */
  readonly #lanes: Lanes;

  /** @param kind Kind of the adapter. */
  constructor(weights: Weights, activations: Activations, rows: Size, kind: 'cpu' | 'gpu') {
    this.#weights = weights;
    this.#activations = activations;
    this.#pass = activations.pass(rows);
    this.#few = usualOf(rows) <= FEW_ROWS && canMatvec(activations.config.intermediateSize);
    this.#lanes = kind === 'cpu' ? { lanes: 1, rows: 8 } : { lanes: 32, rows: 4 };
  }

  /** The steps from the newest tokens of all rows to `last`. */
  trunk(state: DecodeState): Step[] {
    const { config, block } = this.#activations;
    const first = this.#activations.inputOf(0);
    const steps = this.#weights.embedding.lookup(state.current, first, this.#pass);
    for (let i = 0; i < config.layers; i++) {
      const layer = new LayerScope(this.#weights, this.#activations, i);
      let rest = block.ops;
      while (rest.length > 0) {
        const fused = this.#few ? this.#fused(rest, layer) : undefined;
        const [op] = rest;
        if (fused) steps.push(...fused.steps);
        else if (op) steps.push(...this.#opSteps(op, layer, state, i));
        rest = rest.slice(fused?.ops ?? 1);
      }
    }
    if (!this.#few) steps.push(finalNorm(this.#weights, this.#activations, this.#pass));
    return steps;
  }

  /**
   * The tensor that `trunk` leaves for `head`: the residual stream, or its norm where rows are
   * many.
   */
  get last(): Tensor {
    return this.#few ? this.#activations.output : this.#activations.hidden;
  }

  /** The steps from `last`, or some rows of it, to their logits. */
  head(x: Tensor, rows: Size, room: LogitRoom): Step[] {
    const { embedding } = this.#weights;
    if (!this.#few) return embedding.project(x, room, this.#activations.pass(rows));
    const { config, block } = this.#activations;
    const norm = this.#weights.tensor(block.finalNorm.weight);
    const { lowRank } = this.#pass;
    const options = { rows, epsilon: config.rmsNormEps, lanes: this.#lanes, lowRank };
    return embedding.decode({ x, norm }, room, options);
  }

  #opSteps(op: BlockOp, layer: LayerScope, state: DecodeState, index: number): Step[] {
    const { config, lanes, ropeTable } = this.#activations;
    const { rows } = this.#pass;
    const rotate = canRotate(config.headDim);
    // The attention kernel rotates, where it can.
    if (op.op === 'rope' && rotate) return [];
    if (op.op !== 'attention') return rowSteps(op, layer, this.#pass, state.positions);
    const { keys, episodes, status, scores } = state;
    const [prompts, cache] = [state.promptCaches[index], state.caches[index]];
    if (!prompts || !cache) throw new RangeError(`no layer ${index}`);
    const [qkv, out] = [layer.value(op.from), layer.value(op.to)];
    return [
      attentionDecode(
        { episodes, status, table: ropeTable, prompts, qkv, cache, scores, out },
        { ...headsOf(config), rows, keys, rotate, lanes },
      ),
    ];
  }

  /**
   * The next linear layer in its steps for few rows. They include a norm before it that only this layer
   * reads, and a gate after it that alone reads this layer. Undefined where another op comes next.
   */
  #fused(ops: readonly BlockOp[], layer: LayerScope): { steps: Step[]; ops: number } | undefined {
    const norm = ops[0]?.op === 'norm' ? ops[0] : undefined;
    const [linear, next] = norm ? ops.slice(1) : ops;
    if (linear?.op !== 'linear' || (norm && linear.from !== norm.to)) return undefined;
    const gate = next?.op === 'gate' && next.from === linear.to ? next : undefined;
    const steps = layer.linear(linear).decode(
      {
        x: layer.value(norm?.from ?? linear.from),
        norm: norm && layer.vector(norm.weight),
        residual: linear.residual === undefined ? undefined : layer.value(linear.residual),
        out: layer.value(gate?.to ?? linear.to),
      },
      {
        rows: this.#pass.rows,
        epsilon: layer.config.rmsNormEps,
        lanes: this.#lanes,
        lowRank: this.#pass.lowRank,
        gated: gate !== undefined,
      },
    );
    return { steps, ops: 1 + (norm ? 1 : 0) + (gate ? 1 : 0) };
  }
}
