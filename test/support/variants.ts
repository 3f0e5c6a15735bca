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

/**
 * Every variant with each shape that it fits.
 *
 * @param includes Whether a variant computes a shape. Default: each does.
 */
export const variantCases = <Id extends string>(
  family: Family<MatmulShape, unknown, Id>,
  shapes: readonly MatmulShape[],
  includes: (variant: Id, shape: MatmulShape) => boolean = () => true,
): (readonly [Id, number, number, number])[] =>
  family.ids.flatMap((variant) =>
    shapes
      .filter((shape) => family.fits(variant, shape) && includes(variant, shape))
      .map(([rows, inner, columns]) => [variant, rows, inner, columns] as const),
  );

/**
 * False of the tiles of 128 and of 32: they are the program of those of 64 with another constant, and
 * a software adapter compiles each form of them for seconds.
 */
export const isOneOfTiles = (variant: string): boolean => !/^tiles(128|32)$/.test(variant);

/** Names of the kernels of a plan's steps. */
export const kernelsOf = ({ steps }: ReturnType<Gpu['plan']>): string[] =>
  steps.flatMap((step) => (step.op === 'dispatch' ? step.kernel.name : []));
