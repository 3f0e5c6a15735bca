import { ShapeError } from './errors.ts';
import type { Dispatch } from './kernel.ts';
import type { RowPiece } from './row-pieces.ts';
import type { DType } from './tensor.ts';

export type MatmulForm = 'forward' | 'backward-input' | 'backward-weight';

/**
 * Ways to compute the same sums. `plain` takes any sizes; `registers` suits software adapters,
 * `subgroup` those with subgroups of 8 lanes or more, `quad` those of 4 lanes, `workgroup` GPUs;
 * `ragged`, of the forward form alone, takes columns that are no multiple of 4. `split32` and
 * `split16`, of the gradient of a weight alone, keep a GPU busy where that is small: tiles of 32 or 16
 * outputs a side, and rows shared out within a workgroup.
 */
export const matmulVariants = [
  'plain',
  'registers',
  'subgroup',
  'quad',
  'workgroup',
  'ragged',
  'split32',
  'split16',
] as const;

export type MatmulVariant = (typeof matmulVariants)[number];

/** Outputs along a side of a workgroup's tile. */
const splitSides = { split32: 32, split16: 16 } as const;

export type SplitVariant = keyof typeof splitSides;

/** Rows in use, inner and outer features: M, K and N of the layer, whichever form computes it. */
export type MatmulShape = readonly [rows: number, inner: number, columns: number];

/** Which variant computes what on one adapter. Plain data, recorded with a run. */
export interface MatmulChoices {
  /** Taken wherever it fits and nothing was measured. */
  readonly preferred: MatmulVariant;
  /**
   * In place of `preferred`, for the gradient of a weight that has few tiles: see `splitFor`. Largest
   * tile first. Default: none.
   */
  readonly fewTiles?: readonly SplitVariant[];
  /** Measured choices by `matmulKey`. */
  readonly measured: Readonly<Record<string, MatmulVariant>>;
}

/** Correct and decently fast on every adapter. */
export const portableChoices: MatmulChoices = { preferred: 'registers', measured: {} };

/**
 * The name of a shape in a choice map. Rows count by powers of two: a batch is packed anew each
 * step, and the best variant does not change with a row more.
 *
 * @param storage Of the weight, where the form reads it.
 */
export function matmulKey(
  form: MatmulForm,
  [rows, inner, columns]: MatmulShape,
  storage: DType = 'f32',
): string {
  const shape = `${form} ${2 ** Math.ceil(Math.log2(Math.max(1, rows)))}x${inner}x${columns}`;
  return storage === 'f32' ? shape : `${shape} ${storage}`;
}

/** Whether a variant can compute a form at these sizes. All but `plain` load four numbers at once. */
export function variantFits(
  variant: MatmulVariant,
  form: MatmulForm,
  [, inner, columns]: MatmulShape,
): boolean {
  if (variant === 'plain') return true;
  if (inner % 4 !== 0) return false;
  if (variant === 'ragged') return form === 'forward';
  if (isSplit(variant)) return form === 'backward-weight';
  return columns % 4 === 0 || (variant === 'workgroup' && form === 'forward');
}

export const isSplit = (variant: MatmulVariant): variant is SplitVariant => variant in splitSides;

/**
 * Workgroups from which a GPU is taken to be busy: GPUs have 8 to 150 units. An estimate, measured on
 * none; `limr bench --tune` measures.
 */
const busyWorkgroups = 64;

/**
 * The first of `fewTiles` that gives enough workgroups, else the last; undefined where `preferred`
 * gives enough, as tiles of 64 by 64.
 */
function splitFor(
  form: MatmulForm,
  shape: MatmulShape,
  { preferred, fewTiles }: MatmulChoices,
): SplitVariant | undefined {
  if (form !== 'backward-weight') return undefined;
  const isBusy = (side: number) =>
    Math.ceil(shape[1] / side) * Math.ceil(shape[2] / side) >= busyWorkgroups;
  if (variantFits(preferred, form, shape) && isBusy(64)) return undefined;
  return fewTiles?.find((variant) => isBusy(splitSides[variant])) ?? fewTiles?.at(-1);
}

/** Rows from which `quad`, which computes 64 at a time, is faster than `registers`. */
const leastQuadRows = 24;

/** The variant for a shape: measured, else preferred, else what fits of the portable ones. */
export function chooseMatmul(
  form: MatmulForm,
  shape: MatmulShape,
  choices: MatmulChoices = portableChoices,
  storage: DType = 'f32',
): MatmulVariant {
  const measured =
    choices.measured[matmulKey(form, shape, storage)] ?? choices.measured[matmulKey(form, shape)];
  const few = form !== 'backward-weight' && shape[0] < leastQuadRows;
  const preferred = choices.preferred === 'quad' && few ? 'registers' : choices.preferred;
  const wanted = [
    measured,
    splitFor(form, shape, choices),
    preferred,
    // One of a single form is preferred to look at it alone: what stands beside it is to compile fast.
    ...(isSplit(preferred) ? [] : (['registers', 'ragged'] as const)),
  ];
  return wanted.find((variant) => variant && variantFits(variant, form, shape)) ?? 'plain';
}

/** A shader of one form, and how many rows and columns of the output its workgroups cover. */
export interface MatmulImplementation<K> {
  readonly kernel: K;
  readonly rows: number;
  readonly columns: number;
  readonly header?: string;
  readonly constants?: Readonly<Record<string, number>>;
}

/** The shaders of one form by variant. */
export type MatmulImplementations<K> = Readonly<
  Record<'plain', MatmulImplementation<K>> & Partial<Record<MatmulVariant, MatmulImplementation<K>>>
>;

/**
 * One dispatch per piece, in the variant asked for by name; where none was, in a portable one that a
 * plan exchanges for what its adapter prefers.
 *
 * @param storage Of the weight, where the form reads it.
 * @throws ShapeError when a variant was asked for by name and does not fit.
 */
export function dispatchMatmul<K>(
  form: MatmulForm,
  shape: MatmulShape,
  implementations: MatmulImplementations<K>,
  variant: MatmulVariant | undefined,
  pieces: readonly RowPiece[],
  storage: DType,
  bind: (implementation: MatmulImplementation<K>, piece: RowPiece) => Dispatch,
): Dispatch[] {
  if (variant && !variantFits(variant, form, shape)) {
    throw new ShapeError(
      `matmul-${form}: variant ${variant} does not take sizes (${shape.join(', ')})`,
    );
  }
  return pieces.map((piece) => {
    const choose = (choices?: MatmulChoices): Dispatch =>
      bind(
        implementations[variant ?? chooseMatmul(form, shape, choices, storage)] ??
          implementations.plain,
        piece,
      );
    return variant ? choose() : { ...choose(), adapt: choose };
  });
}

/** What a caller may say about how a matmul is computed. */
export interface MatmulHow {
  /** Instead of what the adapter prefers; refused where it does not fit. */
  readonly variant?: MatmulVariant | undefined;
  /** Multiply-adds of one dispatch at most; see `rowPieces`. */
  readonly mostWork?: number | undefined;
}
