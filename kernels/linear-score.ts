import entryCode from '../shaders/lib/lim-entry.wgsl?raw';
import code from '../shaders/linear-score.wgsl?raw';
import { defineKernel, type Dispatch, linearGrid } from './lib/kernel.ts';
import { bindMatrix, type MatrixTensors } from './lib/reward-matrix.ts';
import { expectShape, type Tensor } from './lib/tensor.ts';

export const linearScoreKernel = defineKernel('linear-score', [entryCode, code], {
  params: ['prompts', 'epochs'],
  tensors: { sums: 'f32', samples: 'u32', scores: 'f32' },
});

/** Rise of the fitted line over the run above which LINEAR counts a curve as rising. */
export const linearRise = 0.1;

/** The score of a curve that does not rise; scores of other curves are in [0, 1]. */
export const notRising = -1;

/** What the kernel writes where float64 has to decide. */
export const undecided = 2;

/**
 * LINEAR scores of a chunk of the reward matrix. Math, and which scores are undecided:
 * `shaders/linear-score.wgsl`.
 *
 * @throws ShapeError unless all shapes follow from the matrix's shape.
 */
export function linearScore(tensors: MatrixTensors & { readonly scores: Tensor }): Dispatch {
  const { prompts, epochs, sums, samples, form } = bindMatrix('linear-score', tensors);
  const { scores } = tensors;
  expectShape('linear-score', 'scores', scores, [prompts]);
  const grid = linearGrid(Math.ceil(prompts / 64));
  return linearScoreKernel.bind({ sums, samples, scores }, { prompts, epochs }, grid, {
    constants: { ...form, RISE: linearRise },
    flops: () => 12 * prompts * epochs,
  });
}
