import {
  type MatmulForm,
  type MatmulShape,
  type MatmulVariant,
  matmulVariants,
  variantFits,
} from '../../kernels/lib/matmul-variants.ts';
import type { Gpu } from '../../src/gpu/device.ts';
import { subgroupLanes } from '../../src/gpu/tuning.ts';

/** Every variant this device can run, with each of the shapes that it fits. */
export function variantCases(
  gpu: Gpu,
  form: MatmulForm,
  shapes: readonly MatmulShape[],
): (readonly [MatmulVariant, number, number, number])[] {
  const variants = matmulVariants.filter(
    (variant) => variant !== 'subgroup' || subgroupLanes(gpu) >= 8,
  );
  const skipped = matmulVariants.filter((variant) => !variants.includes(variant));
  for (const variant of skipped) {
    console.info(
      `matmul ${variant}: skipped, needs subgroups of 8 lanes, here ${subgroupLanes(gpu)}`,
    );
  }
  return variants.flatMap((variant) =>
    shapes
      .filter((shape) => variantFits(variant, form, shape))
      .map(([rows, inner, columns]) => [variant, rows, inner, columns] as const),
  );
}
