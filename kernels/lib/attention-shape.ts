import library from '../../shaders/lib/window.wgsl?raw';
import { ShapeError } from './errors.ts';
import { type Dispatch, type KernelInfo, linearGrid } from './kernel.ts';
import { expectCapacity, expectShape, rank2, type Tensor } from './tensor.ts';
import { type Size, valueOf } from './variable.ts';
import {
  defineFamily,
  type Family,
  hasQuads,
  hasWideSubgroups,
  isGpu,
  isSoftware,
} from './variants.ts';

/** The WGSL with which a kernel begins that a sliding window narrows. */
export const windowLibrary = library;

/** The sizes that decide among the variants of attention. */
export interface AttentionShape {
  readonly headDim: number;
}

/** The largest head size that variants keep in registers. */
const mostSharedHeadDim = 32;

export const isSmallHead = ({ headDim }: AttentionShape): boolean => headDim <= mostSharedHeadDim;

/** The key of a head size among measured choices. */
export const attentionKeys = ({ headDim }: AttentionShape): string[] => [`head ${headDim}`];

/** The variants whose lanes share what they read, by the largest head size. */
const sharedHeads = { subgroup: mostSharedHeadDim, quad: mostSharedHeadDim } as const;

/** The largest head size whose sums `tiles` keeps in registers. */
const mostTiledHeadDim = 128;

export type AttentionVariant = 'plain' | 'subgroup' | 'quad' | 'tiles';

/** A kernel of packed attention in one variant. */
interface AttentionProgram<K extends KernelInfo> {
  readonly kernel: K;
  readonly cover: Cover;
}

/** The rows of one head that a workgroup covers; `heads`: 64 pairs of row and head. */
type Cover = 'heads' | ((shape: AttentionShape) => number);

export type AttentionFamily<K extends KernelInfo> = Family<
  AttentionShape,
  AttentionProgram<K>,
  AttentionVariant
>;

/**
 * The variants of one kernel of packed attention: `plain` takes any head size, `subgroup` suits
 * software adapters with subgroups of 8 lanes or more, `quad` suits software adapters with
 * subgroups of 4 lanes, `tiles` suits GPUs.
 *
 * @param tiles.rows Rows of a workgroup of `tiles` at heads of at most 64; half as many at larger
 *   ones.
 * @param tiles.least The smallest head size that `tiles` suits. A tile of rows walks the keys of each
 *   of its sequences, 32 at a time: small heads belong to models of sequences shorter than that, of
 *   which a tile holds many, and sees few of the keys that it computes.
 */
export const attentionFamily = <K extends KernelInfo>(
  name: string,
  kernels: Readonly<Record<AttentionVariant, K>>,
  tiles: { readonly rows: number; readonly least: number },
): AttentionFamily<K> =>
  defineFamily<AttentionShape, AttentionProgram<K>, AttentionVariant>(name, attentionKeys, {
    plain: { kernel: kernels.plain, cover: 'heads' },
    subgroup: {
      kernel: kernels.subgroup,
      cover: () => 8,
      fits: isSmallHead,
      runsOn: hasWideSubgroups,
      preferredOn: isSoftware,
    },
    quad: {
      kernel: kernels.quad,
      cover: () => 8,
      fits: isSmallHead,
      runsOn: hasQuads,
      preferredOn: isSoftware,
    },
    tiles: {
      kernel: kernels.tiles,
      cover: ({ headDim }) => (headDim <= 64 ? tiles.rows : tiles.rows / 2),
      fits: ({ headDim }) => headDim <= mostTiledHeadDim,
      suits: ({ headDim }) => headDim >= tiles.least,
      preferredOn: isGpu,
      tunedOn: isGpu,
    },
  });

/** Options that the attention kernels share: packed rows, their heads and the softmax scale. */
export interface AttentionOptions {
  readonly rows: Size;
  readonly heads: number;
  readonly kvHeads: number;
  readonly headDim: number;
  /** Factor on the dot products; 1/sqrt(headDim) in the paper. */
  readonly scale: number;
  /** Keys that a row sees at most, its own included: the newest. All when left out. */
  readonly window?: number | undefined;
  /**
   * The variant to take instead of the one that the adapter prefers; refused where it does not fit.
   */
  readonly variant?: AttentionVariant;
}

/**
 * Checks the inputs that all three attention kernels share.
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
  const most = { plain: Infinity, tiles: mostTiledHeadDim, ...sharedHeads }[variant];
  if (headDim > most) {
    throw new ShapeError(`${kernel}: head dim ${headDim} is too large for variant ${variant}`);
  }
  if (heads % kvHeads !== 0) {
    throw new ShapeError(`${kernel}: ${heads} heads do not divide over ${kvHeads} kv heads`);
  }
  expectShape(kernel, 'qkv', tensors.qkv, [capacity, (heads + 2 * kvHeads) * headDim]);
  expectShape(kernel, 'spans', tensors.spans, [capacity, 6]);
  expectShape(kernel, 'lse', tensors.lse, [capacity, heads]);
  expectCapacity(kernel, 'rows', rows, capacity);
  expectWindow(kernel, options.window);
  return capacity;
}

/** @throws ShapeError unless a window, where there is one, holds the row's own key. */
export function expectWindow(kernel: string, window: number | undefined): void {
  if (window === undefined || (Number.isInteger(window) && window > 0 && window < 2 ** 31)) return;
  throw new ShapeError(`${kernel}: a window must be a whole number of at least 1, is ${window}`);
}

/** The constant that tells a kernel of its window. */
export const windowConstants = (window: number | undefined): Readonly<Record<string, number>> =>
  window === undefined ? {} : { WINDOW: window };

/** The uniform that all three attention kernels read. */
export const attentionParams = (options: AttentionOptions) => ({
  rows: options.rows,
  heads: options.heads,
  kv_heads: options.kvHeads,
  scale: options.scale,
});

/** How a variant is compiled and dispatched over some heads of every row. */
const attentionBinding = (
  cover: Cover,
  variant: AttentionVariant,
  { rows, headDim, window }: AttentionOptions,
  heads: number,
) => {
  // Fixes the head size, so that a head stays in registers.
  const header = `const HEAD_DIM: u32 = ${headDim};`;
  return {
    constants: windowConstants(window),
    header: variant in sharedHeads ? `enable subgroups;\n${header}` : header,
    grid: () =>
      cover === 'heads'
        ? linearGrid(Math.ceil((valueOf(rows) * heads) / 64))
        : [...linearGrid(Math.ceil(valueOf(rows) / cover({ headDim }))), heads],
  };
};

/**
 * A dispatch over some heads of every row, in the variant named. Without a name the variant is
 * `plain`, and a plan exchanges it for the one that its adapter prefers.
 */
export const dispatchAttention = <K extends KernelInfo>(
  family: AttentionFamily<K>,
  options: AttentionOptions,
  heads: number,
  bind: (kernel: K, how: ReturnType<typeof attentionBinding>) => Dispatch,
): Dispatch =>
  family.make({ headDim: options.headDim }, options.variant, ({ kernel, cover }, variant) =>
    bind(kernel, attentionBinding(cover, variant, options, heads)),
  );
