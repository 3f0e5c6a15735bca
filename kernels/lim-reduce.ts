import code from '../shaders/lim-reduce.wgsl?raw';
import { defineKernel, type Dispatch, linearGrid, type TensorsOf } from './lib/kernel.ts';
import { expectShape, rank2 } from './lib/tensor.ts';

export const limReduceKernel = defineKernel('lim-reduce', code, {
  params: ['rows', 'epochs', 'stripes', 'divide'],
  tensors: { partials: 'f32', entries: 'u32', out_partials: 'f32', out_entries: 'u32' },
});

/** Rows that one thread adds up, in a pass that leaves one row for each `rowsPerPass` rows. */
export const rowsPerPass = 64;

/**
 * Adds up partial sums in one pass, to as many rows as the outputs have. Math:
 * `shaders/lim-reduce.wgsl`.
 *
 * @param hyper.divide Whether this is the last pass, whose sums become means.
 * @throws ShapeError unless the inputs match, and the outputs have the same width.
 */
export function limReduce(
  tensors: TensorsOf<typeof limReduceKernel>,
  hyper: { readonly divide: boolean },
): Dispatch {
  const [rows, epochs] = rank2('lim-reduce', 'partials', tensors.partials);
  expectShape('lim-reduce', 'entries', tensors.entries, [rows, epochs]);
  const [stripes] = rank2('lim-reduce', 'out_partials', tensors.out_partials);
  for (const role of ['out_partials', 'out_entries'] as const) {
    expectShape('lim-reduce', role, tensors[role], [stripes, epochs]);
  }
  const params = { rows, epochs, stripes, divide: hyper.divide ? 1 : 0 };
  return limReduceKernel.bind(tensors, params, linearGrid(Math.ceil((stripes * epochs) / 64)), {
    flops: () => rows * epochs,
  });
}
