import code from '../shaders/grad-norm-partial.wgsl?raw';
import { ShapeError } from './lib/errors.ts';
import { defineKernel, type Dispatch, type TensorsOf } from './lib/kernel.ts';
import { expectCapacity, rank1 } from './lib/tensor.ts';

export const gradNormPartialKernel = defineKernel('grad-norm-partial', code, {
  params: ['vector_count', 'per_thread', 'first_partial'],
  tensors: { gradients: 'f32', partials: 'f32' },
});

const mostWorkgroups = 256;

const workgroupsOf = (elements: number): number =>
  Math.min(mostWorkgroups, Math.ceil(elements / 256));

/** Partial sums of a page of gradients; `partials` must have room for them. */
export const gradNormPartialCount = (elements: number): number => 64 * workgroupsOf(elements);

/**
 * Sums of squares over a page of gradients. Math and shapes: `shaders/grad-norm-partial.wgsl`.
 *
 * @param options.firstPartial Where this page's `gradNormPartialCount` partial sums begin.
 * @throws ShapeError unless the page is a multiple of 4 and its partial sums fit.
 */
export function gradNormPartial(
  tensors: TensorsOf<typeof gradNormPartialKernel>,
  options: { readonly firstPartial: number },
): Dispatch {
  const count = rank1('grad-norm-partial', 'gradients', tensors.gradients);
  const partials = rank1('grad-norm-partial', 'partials', tensors.partials);
  if (count % 4 !== 0) {
    throw new ShapeError(`grad-norm-partial: a page of ${count} elements is not 4 * n`);
  }
  const end = options.firstPartial + gradNormPartialCount(count);
  expectCapacity('grad-norm-partial', 'partials', end, partials);
  const workgroups = workgroupsOf(count);
  return gradNormPartialKernel.bind(
    tensors,
    {
      vector_count: count / 4,
      per_thread: Math.ceil(count / 4 / (64 * workgroups)),
      first_partial: options.firstPartial,
    },
    [workgroups],
    { flops: () => 2 * count },
  );
}
