import code from '../shaders/rmsnorm-backward-weight.wgsl?raw';
import { columnSum } from './column-sum.ts';
import { defineKernel, type Dispatch } from './lib/kernel.ts';
import { expectCapacity, expectShape, rank2, type Tensor } from './lib/tensor.ts';
import type { Size } from './lib/variable.ts';

export const rmsnormBackwardWeightKernel = defineKernel('rmsnorm-backward-weight', code, {
  params: ['rows', 'width', 'block_rows'],
  tensors: { x: 'f32', rstd: 'f32', dy: 'f32', partials: 'f32' },
});

/**
 * Adds the gradient of RMSNorm's weight to `dweight`, by blocks of rows and then over the blocks.
 * Math: `shaders/rmsnorm-backward-weight.wgsl`.
 *
 * @param tensors.partials Scratch, f32 (blocks, C). More blocks let more rows run in parallel.
 * @throws ShapeError when the tensors disagree on rows or width.
 */
export function rmsnormBackwardWeight(
  tensors: {
    readonly x: Tensor;
    readonly rstd: Tensor;
    readonly dy: Tensor;
    readonly partials: Tensor;
    readonly dweight: Tensor;
  },
  { rows }: { readonly rows: Size },
): Dispatch[] {
  const { x, rstd, dy, partials, dweight } = tensors;
  const [capacity, width] = rank2('rmsnorm-backward-weight', 'x', x);
  const [blocks] = rank2('rmsnorm-backward-weight', 'partials', partials);
  expectShape('rmsnorm-backward-weight', 'dy', dy, [capacity, width]);
  expectShape('rmsnorm-backward-weight', 'rstd', rstd, [capacity]);
  expectShape('rmsnorm-backward-weight', 'partials', partials, [blocks, width]);
  expectShape('rmsnorm-backward-weight', 'dweight', dweight, [width]);
  expectCapacity('rmsnorm-backward-weight', 'rows', rows, capacity);
  return [
    rmsnormBackwardWeightKernel.bind(
      { x, rstd, dy, partials },
      { rows, width, block_rows: Math.ceil(capacity / blocks) },
      [Math.ceil(width / 64), blocks],
    ),
    columnSum({ x: partials, out: dweight }, { rows: blocks, accumulate: true }),
  ];
}
