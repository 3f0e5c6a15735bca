import code from '../shaders/lim-debias.wgsl?raw';
import { defineKernel, type Dispatch, linearGrid, type TensorsOf } from './lib/kernel.ts';
import { expectShape, rank2 } from './lib/tensor.ts';

export const limDebiasKernel = defineKernel('lim-debias', code, {
  params: ['prompts', 'epochs'],
  tensors: { sums: 'f32', samples: 'u32', deficits: 'f32', scores: 'f32' },
});

/** What the kernel writes where float64 has to decide: the highest f32. */
export const noiseDrowns = 3.4028234663852886e38;

/**
 * Takes the binomial noise of the counts out of the LIM scores of a chunk. Math, and which scores
 * are undecided: `shaders/lim-debias.wgsl`.
 *
 * @throws ShapeError unless all shapes follow from the shape of `sums`.
 */
export function limDebias(tensors: TensorsOf<typeof limDebiasKernel>): Dispatch {
  const [prompts, epochs] = rank2('lim-debias', 'sums', tensors.sums);
  expectShape('lim-debias', 'samples', tensors.samples, [prompts, epochs]);
  expectShape('lim-debias', 'deficits', tensors.deficits, [4, epochs]);
  expectShape('lim-debias', 'scores', tensors.scores, [prompts]);
  const grid = linearGrid(Math.ceil(prompts / 64));
  return limDebiasKernel.bind(tensors, { prompts, epochs }, grid, {
    flops: () => 8 * prompts * epochs,
  });
}
