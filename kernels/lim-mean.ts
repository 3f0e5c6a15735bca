import entryCode from '../shaders/lib/lim-entry.wgsl?raw';
import code from '../shaders/lim-mean.wgsl?raw';
import { defineKernel, type Dispatch, linearGrid, type TensorsOf } from './lib/kernel.ts';
import { bindMatrix, type MatrixTensors } from './lib/reward-matrix.ts';
import { expectCapacity, expectShape, rank2 } from './lib/tensor.ts';

export const limMeanKernel = defineKernel('lim-mean', [entryCode, code], {
  params: ['prompts', 'epochs', 'stripes', 'first_stripe', 'step'],
  tensors: { sums: 'f32', samples: 'u32', partials: 'f32', entries: 'u32' },
});

/** Prompts of one stripe. */
const STRIPE = 64;

/** Rows between two prompts of a stripe: a multiple of 4 rows, and at least 256 bytes. */
const stepOf = (epochs: number): number => 4 * Math.ceil(16 / epochs);

/** Rows of partial sums that a chunk gives. */
export function stripesOf(prompts: number, epochs: number): number {
  const step = stepOf(epochs);
  return step * Math.ceil(prompts / (STRIPE * step));
}

/**
 * Partial sums of the mean curve over a chunk of the reward matrix. Math: `shaders/lim-mean.wgsl`.
 *
 * @param place.firstStripe Row of `partials` at which the chunk's `stripesOf(P, K)` rows begin,
 *   right after another chunk's rows.
 * @throws ShapeError unless `samples` matches `sums`, and both outputs hold the rows written.
 */
export function limMean(
  tensors: MatrixTensors & Pick<TensorsOf<typeof limMeanKernel>, 'partials' | 'entries'>,
  place: { readonly firstStripe: number },
): Dispatch {
  const { prompts, epochs, sums, samples, form } = bindMatrix('lim-mean', tensors);
  const { partials, entries } = tensors;
  const [held] = rank2('lim-mean', 'partials', partials);
  for (const role of ['partials', 'entries'] as const) {
    expectShape('lim-mean', role, tensors[role], [held, epochs]);
  }
  const stripes = stripesOf(prompts, epochs);
  expectCapacity('lim-mean', 'firstStripe + stripes', place.firstStripe + stripes, held);
  const step = stepOf(epochs);
  const params = { prompts, epochs, stripes, first_stripe: place.firstStripe, step };
  const grid = linearGrid(Math.ceil((stripes * epochs) / 256));
  return limMeanKernel.bind({ sums, samples, partials, entries }, params, grid, {
    constants: form,
    flops: () => 4 * prompts * epochs,
  });
}
