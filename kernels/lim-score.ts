import code from '../shaders/lim-score.wgsl?raw';
import { defineKernel, type Dispatch, linearGrid, type TensorsOf } from './lib/kernel.ts';
import { expectShape, rank2 } from './lib/tensor.ts';

export const limScoreKernel = defineKernel('lim-score', code, {
  params: ['prompts', 'epochs'],
  tensors: { sums: 'f32', samples: 'u32', deficits: 'f32', scores: 'f32' },
});

/** What the kernel writes where a prompt has no score: the lowest f32. */
export const noScore = -3.4028234663852886e38;

/** Threads that share four prompts: one on a CPU, on a GPU enough to read their rows coalesced. */
export function scoreLanes(kind: 'cpu' | 'gpu', epochs: number): number {
  if (kind === 'cpu' || epochs < 16) return 1;
  return epochs < 64 ? 4 : epochs < 256 ? 16 : 32;
}

/**
 * LIM scores of a chunk of the reward matrix. Math and what has no score: `shaders/lim-score.wgsl`.
 *
 * @param tuning.lanes Threads per four prompts, a power of two up to 64.
 * @throws ShapeError unless all shapes follow from that of `sums`.
 */
export function limScore(
  tensors: TensorsOf<typeof limScoreKernel>,
  tuning: { readonly lanes: number },
): Dispatch {
  const [prompts, epochs] = rank2('lim-score', 'sums', tensors.sums);
  expectShape('lim-score', 'samples', tensors.samples, [prompts, epochs]);
  expectShape('lim-score', 'deficits', tensors.deficits, [4, epochs]);
  expectShape('lim-score', 'scores', tensors.scores, [prompts]);
  const rows = tuning.lanes === 1 ? 64 : 256 / tuning.lanes;
  const grid = linearGrid(Math.ceil(prompts / (4 * rows)));
  return limScoreKernel.bind(tensors, { prompts, epochs }, grid, {
    constants: { LANES: tuning.lanes, ROWS: rows },
    flops: () => 8 * prompts * epochs,
  });
}
