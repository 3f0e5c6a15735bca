import { type Family, subgroupLanes } from '../../kernels/lib/variants.ts';
import type { MatmulShape } from '../../kernels/lib/matmul-shape.ts';
import type { Gpu } from '../../src/gpu/device.ts';

/** The condition and the reason to skip a variant that this adapter cannot run. */
export const notHere = <Id extends string>(
  gpu: Gpu,
  family: Family<never, unknown, Id>,
  variant: Id,
): [boolean, string] => [
  !family.runnableOn(gpu).includes(variant),
  `not for subgroups of ${subgroupLanes(gpu)} lanes`,
];

/** Every variant with each shape that it fits. */
export const variantCases = <Id extends string>(
  family: Family<MatmulShape, unknown, Id>,
  shapes: readonly MatmulShape[],
): (readonly [Id, number, number, number])[] =>
  family.ids.flatMap((variant) =>
    shapes
      .filter((shape) => family.fits(variant, shape))
      .map(([rows, inner, columns]) => [variant, rows, inner, columns] as const),
  );

/** Names of the kernels of a plan's steps. */
export const kernelsOf = ({ steps }: ReturnType<Gpu['plan']>): string[] =>
  steps.flatMap((step) => (step.op === 'dispatch' ? step.kernel.name : []));
