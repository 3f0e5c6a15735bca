import code from '../shaders/attention-decode.wgsl?raw';
import registers from '../shaders/attention-decode/registers.wgsl?raw';
import cache from '../shaders/lib/cache.wgsl?raw';
import half from '../shaders/lib/half.wgsl?raw';
import {
  attentionKeys,
  type AttentionOptions,
  type AttentionShape,
  expectWindow,
  isSmallHead,
  windowConstants,
} from './lib/attention-shape.ts';
import { episodeColumns } from './lib/episodes.ts';
import { ShapeError } from './lib/errors.ts';
import { defineKernel, linearGrid, type Dispatch, type TensorsOf } from './lib/kernel.ts';
import { laneConstants, serialLanes, type Lanes } from './lib/lanes.ts';
import { expectCapacity, expectShape, rank2 } from './lib/tensor.ts';
import { maxOf, type Size, valueOf } from './lib/variable.ts';
import { defineFamily, hasQuads, isSoftware, type VariantOf } from './lib/variants.ts';
import { weightHeader, weightLibrary, weightTypes } from './lib/weight.ts';

const spec = {
  params: ['rows', 'heads', 'kv_heads', 'quads', 'columns', 'keys', 'rotate', 'scale'],
  tensors: {
    episodes: 'u32',
    status: 'u32',
    table: 'f32',
    prompts: weightTypes,
    qkv: 'f32',
    cache: weightTypes,
    scores: 'f32',
    out: 'f32',
  },
} as const;

const libraries = [weightLibrary, half, cache];

export const attentionDecodeKernel = defineKernel('attention-decode', [...libraries, code], spec);

/** `registers` keeps a head in registers. It suits software adapters with subgroups of 4 lanes. */
export const attentionDecodeFamily = defineFamily<
  AttentionShape,
  { readonly kernel: typeof attentionDecodeKernel },
  'registers'
>('attention-decode', attentionKeys, {
  plain: { kernel: attentionDecodeKernel },
  registers: {
    kernel: defineKernel('attention-decode/registers', [...libraries, registers], spec),
    fits: isSmallHead,
    runsOn: hasQuads,
    preferredOn: isSoftware,
  },
});

/** Pairs of row and head in a workgroup of the registers variant. */
const pairsPerWorkgroup = 8;

/** Whether the kernel can rotate heads of this size: their halves must be multiples of 4. */
export const canRotate = (headDim: number): boolean => headDim % 8 === 0;

/**
 * Attends from each row's newest token to the tokens before it, and writes the token's key and
 * value into the cache. Math and shapes: `shaders/attention-decode.wgsl`.
 *
 * @param options.keys Tokens of the longest prompt and response together.
 * @param options.rotate Rotates queries and keys first; else they must be rotated already.
 * @throws ShapeError when heads, head size, fused rows, caches and scores do not fit together, or
 *   when heads to be rotated are not a multiple of 8 in size.
 */
export function attentionDecode(
  tensors: TensorsOf<typeof attentionDecodeKernel>,
  options: Omit<AttentionOptions, 'variant'> & {
    readonly keys: Size;
    readonly rotate: boolean;
    /** Lanes of the plain variant. */
    readonly lanes?: Lanes;
    /**
     * The variant to take instead of the one that the adapter prefers; refused where it does not
     * fit.
     */
    readonly variant?: VariantOf<typeof attentionDecodeFamily>;
  },
): Dispatch {
  const {
    rows,
    heads,
    kvHeads,
    headDim,
    keys,
    rotate,
    scale,
    window,
    lanes = serialLanes,
    variant,
  } = options;
  const expect = (role: keyof typeof tensors, shape: readonly number[]): void =>
    expectShape('attention-decode', role, tensors[role], shape);
  const unit = rotate ? 8 : 4;
  if (headDim % unit !== 0) {
    throw new ShapeError(`attention-decode: head dim ${headDim} is not ${unit} * n`);
  }
  if (heads % kvHeads !== 0) {
    throw new ShapeError(`attention-decode: ${heads} heads do not divide over ${kvHeads} kv heads`);
  }
  if (variant && !attentionDecodeFamily.fits(variant, options)) {
    throw new ShapeError(
      `attention-decode: head dim ${headDim} is too large for variant ${variant}`,
    );
  }
  const [capacity] = rank2('attention-decode', 'status', tensors.status);
  const [promptRows] = rank2('attention-decode', 'prompts', tensors.prompts);
  const [positions] = rank2('attention-decode', 'table', tensors.table);
  const fused = (heads + 2 * kvHeads) * headDim;
  const columns = tensors.cache.shape[1] ?? 0;
  expect('episodes', [capacity, episodeColumns]);
  expect('status', [capacity, 2]);
  expect('table', [positions, headDim]);
  expect('prompts', [promptRows, 2 * kvHeads * headDim]);
  expect('qkv', [capacity, fused]);
  expect('cache', [capacity, columns, 2 * kvHeads * headDim]);
  if (tensors.prompts.dtype !== tensors.cache.dtype) {
    throw new ShapeError(
      `attention-decode: prompts in ${tensors.prompts.dtype} beside a cache in ${tensors.cache.dtype}`,
    );
  }
  expect('scores', [capacity, heads, maxOf(keys)]);
  expect('out', [capacity, heads * headDim]);
  expectCapacity('attention-decode', 'rows', rows, capacity);
  expectWindow('attention-decode', window);
  if (rotate) expectCapacity('attention-decode', 'keys', keys, positions);
  const params = {
    rows,
    heads,
    kv_heads: kvHeads,
    quads: headDim / 4,
    columns,
    keys,
    rotate: rotate ? 1 : 0,
    scale,
  };
  const grid = (pairs: number) => () => linearGrid(Math.ceil((valueOf(rows) * heads) / pairs));
  return attentionDecodeFamily.make({ headDim }, variant, ({ kernel }, id) =>
    id === 'plain'
      ? kernel.bind(tensors, params, grid(lanes.rows), {
          header: weightHeader(tensors.cache),
          constants: { ...laneConstants(lanes), ...windowConstants(window) },
        })
      : kernel.bind(tensors, params, grid(pairsPerWorkgroup), {
          header: `${weightHeader(tensors.cache)}\nconst HEAD_DIM: u32 = ${headDim};`,
          constants: { ROWS: pairsPerWorkgroup, ...windowConstants(window) },
        }),
  );
}
