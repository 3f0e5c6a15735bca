import { embeddingBackward } from '../../kernels/embedding-backward.ts';
import { embeddingForward } from '../../kernels/embedding-forward.ts';
import type { Tensor } from '../../kernels/lib/tensor.ts';
import type { Step } from '../gpu/plan.ts';
import type { BackwardPass, Gradients, Linear, Pass } from './linear.ts';
import type { PackedBatch } from './packed-batch.ts';

/**
 * A model's vocabulary: the vectors that token ids are looked up as, and the projection of hidden
 * states onto all ids. Both use one matrix where the model ties them. Only this class knows where
 * the rows lie, and in how many bindings.
 */
export class Embedding {
  readonly #table: Tensor;
  readonly #projection: Linear;
  readonly #scale: number;

  /**
   * @param table f32 or f16 (V, C); its gradient has the same name.
   * @param projection (V, C): a matrix of its own, or the table again.
   * @param scale Factor on looked-up vectors.
   */
  constructor(table: Tensor, projection: Linear, scale: number) {
    this.#table = table;
    this.#projection = projection;
    this.#scale = scale;
  }

  /** Steps from `tokenIds` u32 (N) to their vectors `out` f32 (N, C). */
  lookup(tokenIds: Tensor, out: Tensor, { rows, lanes }: Pass): Step[] {
    const scale = this.#scale;
    return [
      embeddingForward({ token_ids: tokenIds, table: this.#table, out }, { rows, scale, lanes }),
    ];
  }

  /**
   * Steps from the gradient of looked-up vectors to the table's gradient, to which they add; none
   * where the table is frozen.
   */
  lookupBackward(
    batch: Pick<PackedBatch, 'uniqueIds' | 'uniqueStarts' | 'uniqueOrder' | 'uniques'>,
    dx: Tensor,
    gradients: Gradients,
  ): Step[] {
    const { uniqueIds: unique_ids, uniqueStarts: starts, uniqueOrder: order, uniques } = batch;
    const dtable = gradients.tensor(this.#table.name);
    if (!dtable) return [];
    return [
      embeddingBackward({ unique_ids, starts, order, dx, dtable }, { uniques, scale: this.#scale }),
    ];
  }

  /** Steps from hidden states `x` f32 (M, C) to `logits` f32 (M, V), unscaled. */
  project(x: Tensor, logits: Tensor, pass: Pass): Step[] {
    return this.#projection.forward(x, logits, pass);
  }

  /**
   * Steps from the gradient of logits to the projection's gradient and to `dx`, as
   * `Linear.backward`.
   */
  projectBackward(dlogits: Tensor, x: Tensor, dx: Tensor, pass: BackwardPass): Step[] {
    return this.#projection.backward(dlogits, x, dx, pass);
  }

  /**
   * `project` for few rows, in one step with the norm before the projection, as `Linear.decode`.
   */
  decode(...given: Parameters<Linear['decode']>): Step[] {
    return this.#projection.decode(...given);
  }
}
