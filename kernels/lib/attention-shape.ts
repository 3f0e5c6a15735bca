import { ShapeError } from './errors.ts';
import { expectCapacity, expectShape, rank2, type Tensor } from './tensor.ts';
import type { Size } from './variable.ts';

/** What the attention kernels share: packed rows, their heads and the softmax scale. */
export interface AttentionOptions {
  readonly rows: Size;
  readonly heads: number;
  readonly kvHeads: number;
  readonly headDim: number;
  /** Factor on the dot products; 1/sqrt(headDim) in the paper. */
  readonly scale: number;
}

/**
 * Checks what all three attention kernels take.
 *
 * @returns The row capacity.
 * @throws ShapeError when heads, head size and the fused rows do not fit together.
 */
export function expectAttention(
  kernel: string,
  tensors: { readonly spans: Tensor; readonly qkv: Tensor; readonly lse: Tensor },
  options: AttentionOptions,
): number {
  const { rows, heads, kvHeads, headDim } = options;
  const [capacity] = rank2(kernel, 'qkv', tensors.qkv);
  if (headDim % 4 !== 0) throw new ShapeError(`${kernel}: head dim ${headDim} is not 4 * n`);
  if (heads % kvHeads !== 0) {
    throw new ShapeError(`${kernel}: ${heads} heads do not divide over ${kvHeads} kv heads`);
  }
  expectShape(kernel, 'qkv', tensors.qkv, [capacity, (heads + 2 * kvHeads) * headDim]);
  expectShape(kernel, 'spans', tensors.spans, [capacity, 6]);
  expectShape(kernel, 'lse', tensors.lse, [capacity, heads]);
  expectCapacity(kernel, 'rows', rows, capacity);
  return capacity;
}

/** The uniform that all three read. */
export const attentionParams = (options: AttentionOptions) => ({
  rows: options.rows,
  heads: options.heads,
  kv_heads: options.kvHeads,
  scale: options.scale,
});

/** The header that fixes the head size, so that a head stays in registers. */
export const attentionHeader = ({ headDim }: AttentionOptions): string =>
  `const HEAD_DIM: u32 = ${headDim};`;
