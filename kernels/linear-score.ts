import entryCode from '../shaders/lib/lim-entry.wgsl?raw';
import code from '../shaders/linear-score.wgsl?raw';
import { defineKernel, type Dispatch, linearGrid } from './lib/kernel.ts';
import { bindMatrix, type MatrixTensors } from './lib/reward-matrix.ts';
import { expectShape, type Tensor } from './lib/tensor.ts';

export const linearScoreKernel = defineKernel('linear-score', [entryCode, code], {
  params: ['prompts', 'epochs'],
  tensors: { sums: 'f32', samples: 'u32', scores: 'f32' },
});

/** What the kernel writes where float64 has to decide. */
export const undecided = 2;

/**
 * LINEAR scores of a chunk of the reward matrix. Math, and which scores are undecided:
 * `shaders/linear-score.wgsl`.
 *
 * @param options.rise Rise of the fitted line over the run above which a curve counts as rising.
 * @throws ShapeError unless all shapes follow from the matrix's shape.
 */
export function linearScore(
  tensors: MatrixTensors & { readonly scores: Tensor },
  { rise }: { readonly rise: number },
): Dispatch {
  const { prompts, epochs, sums, samples, form } = bindMatrix('linear-score', tensors);
  const { scores } = tensors;
  expectShape('linear-score', 'scores', scores, [prompts]);
  const grid = linearGrid(Math.ceil(prompts / 64));
  return linearScoreKernel.bind({ sums, samples, scores }, { prompts, epochs }, grid, {
    constants: { ...form, RISE: rise },
    flops: () => 12 * prompts * epochs,
  });
}
