import code from '../shaders/lim-mean.wgsl?raw';
import { defineKernel, type Dispatch, linearGrid, type TensorsOf } from './lib/kernel.ts';
import { expectCapacity, expectShape, rank2 } from './lib/tensor.ts';

export const limMeanKernel = defineKernel('lim-mean', code, {
  params: ['prompts', 'epochs', 'stripes', 'first_stripe'],
  tensors: { sums: 'f32', samples: 'u32', partials: 'f32', entries: 'u32' },
});

/** Numbers that one thread of lim-mean or lim-reduce adds up. */
export const rowsPerStripe = 64;

/** Rows that a pass leaves of `rows`. */
export const stripesOf = (rows: number): number => Math.max(1, Math.ceil(rows / rowsPerStripe));

/**
 * Partial sums of the mean curve over a chunk of the reward matrix. Math: `shaders/lim-mean.wgsl`.
 *
 * @param place.firstStripe Row of `partials` where the chunk's own `stripesOf(P)` rows begin.
 * @throws ShapeError unless `samples` matches `sums`, and both outputs hold the rows written.
 */
export function limMean(
  tensors: TensorsOf<typeof limMeanKernel>,
  place: { readonly firstStripe: number },
): Dispatch {
  const [prompts, epochs] = rank2('lim-mean', 'sums', tensors.sums);
  expectShape('lim-mean', 'samples', tensors.samples, [prompts, epochs]);
  const [held] = rank2('lim-mean', 'partials', tensors.partials);
  for (const role of ['partials', 'entries'] as const) {
    expectShape('lim-mean', role, tensors[role], [held, epochs]);
  }
  const stripes = stripesOf(prompts);
  expectCapacity('lim-mean', 'firstStripe + stripes', place.firstStripe + stripes, held);
  const params = { prompts, epochs, stripes, first_stripe: place.firstStripe };
  return limMeanKernel.bind(tensors, params, linearGrid(Math.ceil((stripes * epochs) / 64)), {
    flops: () => 4 * prompts * epochs,
  });
}
