import entryCode from '../shaders/lib/lim-entry.wgsl?raw';
import code from '../shaders/curve-score.wgsl?raw';
import { defineKernel, type Dispatch, linearGrid } from './lib/kernel.ts';
import { bindMatrix, type MatrixTensors } from './lib/reward-matrix.ts';
import { expectShape, type Tensor } from './lib/tensor.ts';

export const curveScoreKernel = defineKernel('curve-score', [entryCode, code], {
  params: ['prompts', 'epochs'],
  tensors: { sums: 'f32', samples: 'u32', scores: 'f32' },
});

/** The statistics, by the numbers that the shader knows them by. */
const statistics = { mean: 0, variance: 1, group: 2 } as const;

/** A statistic of a prompt's curve: `shaders/curve-score.wgsl`. */
export type CurveStatistic = keyof typeof statistics;

/**
 * A statistic of each curve of a chunk of the reward matrix. Math: `shaders/curve-score.wgsl`.
 *
 * @throws ShapeError unless all shapes follow from the matrix's shape.
 */
export function curveScore(
  tensors: MatrixTensors & { readonly scores: Tensor },
  { statistic }: { readonly statistic: CurveStatistic },
): Dispatch {
  const { prompts, epochs, sums, samples, form } = bindMatrix('curve-score', tensors);
  const { scores } = tensors;
  expectShape('curve-score', 'scores', scores, [prompts]);
  const grid = linearGrid(Math.ceil(prompts / 64));
  return curveScoreKernel.bind({ sums, samples, scores }, { prompts, epochs }, grid, {
    constants: { ...form, STATISTIC: statistics[statistic] },
    flops: () => (statistic === 'variance' ? 5 : 3) * prompts * epochs,
  });
}
