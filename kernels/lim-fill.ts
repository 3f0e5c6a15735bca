import code from '../shaders/lim-fill.wgsl?raw';
import { defineKernel, type Dispatch, linearGrid, type TensorsOf } from './lib/kernel.ts';
import { expectShape, rank2 } from './lib/tensor.ts';

export const limFillKernel = defineKernel('lim-fill', code, {
  params: ['prompts', 'epochs'],
  tensors: { sums: 'f32', samples: 'u32', filled_sums: 'f32', filled_samples: 'u32' },
});

/**
 * The released script's filling and dropping, over a chunk of the reward matrix. Rules:
 * `shaders/lim-fill.wgsl`.
 *
 * @throws ShapeError unless all four have the shape of `sums`.
 */
export function limFill(tensors: TensorsOf<typeof limFillKernel>): Dispatch {
  const [prompts, epochs] = rank2('lim-fill', 'sums', tensors.sums);
  for (const role of ['samples', 'filled_sums', 'filled_samples'] as const) {
    expectShape('lim-fill', role, tensors[role], [prompts, epochs]);
  }
  const grid = linearGrid(Math.ceil(prompts / 64));
  return limFillKernel.bind(tensors, { prompts, epochs }, grid);
}
