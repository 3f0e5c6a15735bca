import {
  type MatmulForm,
  type MatmulShape,
  type MatmulVariant,
  matmulVariants,
  variantFits,
} from '../../kernels/lib/matmul-variants.ts';

/** Every variant with each of the shapes that it fits. */
export const variantCases = (
  form: MatmulForm,
  shapes: readonly MatmulShape[],
): (readonly [MatmulVariant, number, number, number])[] =>
  matmulVariants.flatMap((variant) =>
    shapes
      .filter((shape) => variantFits(variant, form, shape))
      .map(([rows, inner, columns]) => [variant, rows, inner, columns] as const),
  );
