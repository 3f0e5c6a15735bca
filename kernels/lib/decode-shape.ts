import type { AttentionOptions } from './attention-shape.ts';
import { episodeColumns } from './episodes.ts';
import { ShapeError } from './errors.ts';
import { expectCapacity, expectShape, rank2, type Tensor } from './tensor.ts';
import { maxOf, type Size } from './variable.ts';

/** What the two kernels of decode attention share. */
export interface DecodeAttentionOptions extends Omit<AttentionOptions, 'scale'> {
  /** Longest prompt and response together. */
  readonly keys: Size;
}

/**
 * Checks what both kernels take.
 *
 * @returns The row capacity, and the slots of a row's cache.
 * @throws ShapeError when heads, head size, fused rows, cache and scores do not fit together.
 */
export function expectDecodeAttention(
  kernel: string,
  tensors: {
    readonly episodes: Tensor;
    readonly status: Tensor;
    readonly scores: Tensor;
    readonly prompt_qkv: Tensor;
    readonly cache: Tensor;
  },
  options: DecodeAttentionOptions,
): { readonly capacity: number; readonly columns: number } {
  const { rows, heads, kvHeads, headDim, keys } = options;
  if (headDim % 4 !== 0) throw new ShapeError(`${kernel}: head dim ${headDim} is not 4 * n`);
  if (heads % kvHeads !== 0) {
    throw new ShapeError(`${kernel}: ${heads} heads do not divide over ${kvHeads} kv heads`);
  }
  const [capacity] = rank2(kernel, 'status', tensors.status);
  const [promptRows] = rank2(kernel, 'prompt_qkv', tensors.prompt_qkv);
  const fused = (heads + 2 * kvHeads) * headDim;
  const columns = tensors.cache.shape[1] ?? 0;
  expectShape(kernel, 'prompt_qkv', tensors.prompt_qkv, [promptRows, fused]);
  expectShape(kernel, 'cache', tensors.cache, [capacity, columns, 2 * kvHeads * headDim]);
  expectShape(kernel, 'episodes', tensors.episodes, [capacity, episodeColumns]);
  expectShape(kernel, 'status', tensors.status, [capacity, 2]);
  expectShape(kernel, 'scores', tensors.scores, [capacity, heads, maxOf(keys)]);
  expectCapacity(kernel, 'rows', rows, capacity);
  return { capacity, columns };
}
