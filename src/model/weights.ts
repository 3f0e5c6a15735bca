import type { Tensor } from '../../kernels/lib/tensor.ts';
import type { ModelConfig } from './config.ts';
import type { Embedding } from './embedding.ts';
import type { Linear } from './linear.ts';

/**
 * The weights of a model as passes read them: a store of parameters, or a base store seen through
 * adapters. Names are those of stored tensors, such as `layers.0.qkv`.
 */
export interface Weights {
  readonly config: ModelConfig;
  /**
   * Columns of the scratch that a pass needs for adapters: the most that the first factors of one
   * matrix have; 0 without adapters.
   */
  readonly adapterColumns: number;
  has(name: string): boolean;
  /**
   * A tensor in f32. @throws RangeError if the name is unknown, or the tensor is not kept in f32.
   */
  tensor(name: string): Tensor;
  /**
   * A matrix that layers multiply by.
   *
   * @param bias Name of the vector that is added; none when left out.
   * @throws RangeError if the name is unknown.
   */
  linear(name: string, bias?: string): Linear;
  /** The vocabulary: the embedding table and the head's projection. */
  readonly embedding: Embedding;
}
