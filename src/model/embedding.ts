import { embeddingBackward } from '../../kernels/embedding-backward.ts';
import { embeddingForward } from '../../kernels/embedding-forward.ts';
import type { Tensor } from '../../kernels/lib/tensor.ts';
import type { Step } from '../gpu/plan.ts';
import type { BackwardPass, Gradients, Linear, Pass } from './linear.ts';
import type { PackedBatch } from './packed-batch.ts';

/**
 * A model's vocabulary: the vectors that token ids are looked up as, and the projection of hidden
 * states onto all ids, by the same matrix where the model ties the two. Where the rows of either lie,
 * and in how many bindings, is known here alone.
 */
export class Embedding {
  readonly #table: Tensor;
  readonly #projection: Linear;

  /**
   * @param table f32 (V, C), under the name that its gradient has too.
   * @param projection Of (V, C): a matrix of its own, or the table once more.
   */
  constructor(table: Tensor, projection: Linear) {
    this.#table = table;
    this.#projection = projection;
  }

  /** Steps to `out` f32 (N, C), the vectors of `tokenIds` u32 (N). */
  lookup(tokenIds: Tensor, out: Tensor, { rows, lanes }: Pass): Step[] {
    return [embeddingForward({ token_ids: tokenIds, table: this.#table, out }, { rows, lanes })];
  }

  /** Steps from the gradient of looked-up vectors to that of the table, which is added to. */
  lookupBackward(
    batch: Pick<PackedBatch, 'uniqueIds' | 'uniqueStarts' | 'uniqueOrder' | 'uniques'>,
    dx: Tensor,
    gradients: Gradients,
  ): Step[] {
    const { uniqueIds: unique_ids, uniqueStarts: starts, uniqueOrder: order, uniques } = batch;
    const dtable = gradients.tensor(this.#table.name);
    return [embeddingBackward({ unique_ids, starts, order, dx, dtable }, { uniques })];
  }

  /** Steps to `logits` f32 (M, V), unscaled, from hidden states `x` f32 (M, C). */
  project(x: Tensor, logits: Tensor, pass: Pass): Step[] {
    return this.#projection.forward(x, logits, pass);
  }

  /** Steps from the gradient of logits to that of the projection, and to `dx`. As `Linear.backward`. */
  projectBackward(dlogits: Tensor, x: Tensor, dx: Tensor, pass: BackwardPass): Step[] {
    return this.#projection.backward(dlogits, x, dx, pass);
  }

  /** `project` for few rows, in one step with the norm before the projection. As `Linear.decode`. */
  decode(...given: Parameters<Linear['decode']>): Step[] {
    return [this.#projection.decode(...given)];
  }
}
