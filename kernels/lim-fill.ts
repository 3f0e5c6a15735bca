import code from '../shaders/lim-fill.wgsl?raw';
import valuesCode from '../shaders/lim-fill/values.wgsl?raw';
import { ShapeError } from './lib/errors.ts';
import { defineKernel, type Dispatch, linearGrid } from './lib/kernel.ts';
import { bitsOf, type MatrixTensors } from './lib/reward-matrix.ts';
import { expectShape, rank2 } from './lib/tensor.ts';

export const limFillKernel = defineKernel('lim-fill', code, {
  params: ['prompts', 'epochs'],
  tensors: { sums: 'f32', samples: 'u32', filled_sums: 'f32', filled_samples: 'u32' },
});

const valuesKernel = defineKernel('lim-fill/values', valuesCode, {
  params: ['prompts', 'epochs'],
  tensors: { values: 'u32', filled_values: 'u32' },
});

/**
 * The released script's filling and dropping, over a chunk of the reward matrix. Rules:
 * `shaders/lim-fill.wgsl`.
 *
 * @param filled Overwritten; it has the form of `matrix`.
 * @throws ShapeError unless both have one form and all tensors have one shape.
 */
export function limFill(matrix: MatrixTensors, filled: MatrixTensors): Dispatch {
  if ('values' in matrix && 'values' in filled) {
    const [prompts, epochs] = rank2('lim-fill', 'values', matrix.values);
    expectShape('lim-fill', 'filled values', filled.values, [prompts, epochs]);
    const tensors = { values: bitsOf(matrix.values), filled_values: bitsOf(filled.values) };
    return valuesKernel.bind(tensors, { prompts, epochs }, linearGrid(Math.ceil(prompts / 64)));
  }
  if ('sums' in matrix && 'sums' in filled) {
    const { sums, samples } = matrix;
    const [prompts, epochs] = rank2('lim-fill', 'sums', sums);
    expectShape('lim-fill', 'samples', samples, [prompts, epochs]);
    expectShape('lim-fill', 'filled sums', filled.sums, [prompts, epochs]);
    expectShape('lim-fill', 'filled samples', filled.samples, [prompts, epochs]);
    const tensors = { sums, samples, filled_sums: filled.sums, filled_samples: filled.samples };
    return limFillKernel.bind(tensors, { prompts, epochs }, linearGrid(Math.ceil(prompts / 64)));
  }
  throw new ShapeError('lim-fill: the matrix and what is filled differ in form');
}
