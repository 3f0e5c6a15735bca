import { ShapeError } from './errors.ts';
import { type Dispatch, linearGrid } from './kernel.ts';
import { expectCapacity, expectShape, rank2, type Tensor } from './tensor.ts';
import { type Size, valueOf } from './variable.ts';

/**
 * Ways to compute the same sums. `plain` takes any head size; `subgroup` suits software adapters with
 * subgroups of 8 lanes or more, `quad` those of 4 lanes.
 */
export const attentionVariants = ['plain', 'subgroup', 'quad'] as const;

export type AttentionVariant = (typeof attentionVariants)[number];

/** The largest head size that `subgroup` and `quad` keep in registers. */
export const mostSharedHeadDim = 32;

/** What the attention kernels share: packed rows, their heads and the softmax scale. */
export interface AttentionOptions {
  readonly rows: Size;
  readonly heads: number;
  readonly kvHeads: number;
  readonly headDim: number;
  /** Factor on the dot products; 1/sqrt(headDim) in the paper. */
  readonly scale: number;
  /** Instead of what the adapter prefers; refused where it does not fit. */
  readonly variant?: AttentionVariant;
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
  const { variant = 'plain' } = options;
  if (variant !== 'plain' && headDim > mostSharedHeadDim) {
    throw new ShapeError(`${kernel}: head dim ${headDim} is too large for variant ${variant}`);
  }
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

/** How a variant is compiled and dispatched over some heads of every row. */
export const attentionBinding = (
  variant: AttentionVariant,
  { rows, headDim }: AttentionOptions,
  heads: number,
) => {
  // Fixes the head size, so that a head stays in registers.
  const header = `const HEAD_DIM: u32 = ${headDim};`;
  return variant === 'plain'
    ? { header, grid: () => linearGrid(Math.ceil((valueOf(rows) * heads) / 64)) }
    : {
        header: `enable subgroups;\n${header}`,
        grid: () => [...linearGrid(Math.ceil(valueOf(rows) / 8)), heads],
      };
};

/**
 * A dispatch of the variant asked for; where none was, of `plain`, which a plan exchanges for
 * `subgroup` or `quad` on adapters that prefer it.
 */
export function dispatchAttention(
  { variant, headDim }: AttentionOptions,
  bind: (variant: AttentionVariant) => Dispatch,
): Dispatch {
  if (variant) return bind(variant);
  if (headDim > mostSharedHeadDim) return bind('plain');
  return {
    ...bind('plain'),
    adapt: ({ preferred }) =>
      bind(preferred === 'subgroup' || preferred === 'quad' ? preferred : 'plain'),
  };
}
