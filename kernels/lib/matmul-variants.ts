import { ShapeError } from './errors.ts';
import type { Dispatch } from './kernel.ts';
import type { RowPiece } from './row-pieces.ts';

export type MatmulForm = 'forward' | 'backward-input' | 'backward-weight';

/**
 * Ways to compute the same sums. `plain` takes any sizes; `registers` suits software adapters,
 * `subgroup` those with subgroups of 8 lanes or more, `quad` those of 4 lanes, `workgroup` GPUs;
 * `ragged`, of the forward form alone, takes columns that are no multiple of 4.
 */
export const matmulVariants = [
  'plain',
  'registers',
  'subgroup',
  'quad',
  'workgroup',
  'ragged',
] as const;

export type MatmulVariant = (typeof matmulVariants)[number];

/** Rows in use, inner and outer features: M, K and N of the layer, whichever form computes it. */
export type MatmulShape = readonly [rows: number, inner: number, columns: number];

/** Which variant computes what on one adapter. Plain data, recorded with a run. */
export interface MatmulChoices {
  /** Taken wherever it fits and nothing was measured. */
  readonly preferred: MatmulVariant;
  /** Measured choices by `matmulKey`. */
  readonly measured: Readonly<Record<string, MatmulVariant>>;
}

/** Correct and decently fast on every adapter. */
export const portableChoices: MatmulChoices = { preferred: 'registers', measured: {} };

/**
 * The name of a shape in a choice map. Rows count by powers of two: a batch is packed anew each
 * step, and the best variant does not change with a row more.
 */
export function matmulKey(form: MatmulForm, [rows, inner, columns]: MatmulShape): string {
  return `${form} ${2 ** Math.ceil(Math.log2(Math.max(1, rows)))}x${inner}x${columns}`;
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
  return columns % 4 === 0 || (variant === 'workgroup' && form === 'forward');
}

/** Rows from which `quad`, which computes 64 at a time, is faster than `registers`. */
const leastQuadRows = 24;

/** The variant for a shape: measured, else preferred, else what fits of the portable ones. */
export function chooseMatmul(
  form: MatmulForm,
  shape: MatmulShape,
  choices: MatmulChoices = portableChoices,
): MatmulVariant {
  const measured = choices.measured[matmulKey(form, shape)];
  const few = form !== 'backward-weight' && shape[0] < leastQuadRows;
  const preferred = choices.preferred === 'quad' && few ? 'registers' : choices.preferred;
  const wanted = [measured, preferred, 'registers' as const, 'ragged' as const];
  return wanted.find((variant) => variant && variantFits(variant, form, shape)) ?? 'plain';
}

/** A shader of one form, and how many rows and columns of the output its workgroups cover. */
export interface MatmulImplementation<K> {
  readonly kernel: K;
  readonly rows: number;
  readonly columns: number;
  readonly header?: string;
}

/** The shaders of one form by variant. */
export type MatmulImplementations<K> = Readonly<
  Record<'plain', MatmulImplementation<K>> & Partial<Record<MatmulVariant, MatmulImplementation<K>>>
>;

/**
 * One dispatch per piece, in the variant asked for by name; where none was, in a portable one that a
 * plan exchanges for what its adapter prefers.
 *
 * @throws ShapeError when a variant was asked for by name and does not fit.
 */
export function dispatchMatmul<K>(
  form: MatmulForm,
  shape: MatmulShape,
  implementations: MatmulImplementations<K>,
  variant: MatmulVariant | undefined,
  pieces: readonly RowPiece[],
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
        implementations[variant ?? chooseMatmul(form, shape, choices)] ?? implementations.plain,
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
