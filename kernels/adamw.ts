import code from '../shaders/adamw.wgsl?raw';
import half from '../shaders/lib/half.wgsl?raw';
import { ShapeError } from './lib/errors.ts';
import { defineKernel, type Dispatch, type TensorsOf } from './lib/kernel.ts';
import { expectShape, rank1 } from './lib/tensor.ts';
import type { Size } from './lib/variable.ts';

export const adamwKernel = defineKernel('adamw', [half, code], {
  params: [
    'vector_count',
    'decay_vectors',
    'halves_start',
    'halves_end',
    'per_thread',
    'step_size',
    'root_correction',
    'decay',
    'beta1',
    'complement1',
    'beta2',
    'complement2',
    'epsilon',
  ],
  tensors: {
    gradients: 'f32',
    state: 'f32',
    weights: 'f32',
    first_moments: 'f32',
    second_moments: 'f32',
    halves: 'f16',
  },
});

/**
 * One AdamW update of a page of parameters. Math and shapes: `shaders/adamw.wgsl`.
 *
 * @param tensors.halves Bound but not touched where `halvesStart` equals `halvesEnd`.
 * @param hyper.decayEnd Elements from the page's start to which weight decay applies.
 * @param hyper.halvesStart First element that has a copy in `halves`; `halvesEnd` is the element
 *   after the last. No element has a copy when both are left out.
 * @param hyper.stepSize `lr / (1 - beta1^t)`, t counting updates from 1.
 * @param hyper.rootCorrection `sqrt(1 - beta2^t)`.
 * @param hyper.decay `lr * weightDecay`.
 * @throws ShapeError unless the page and its parts are multiples of 4 and all tensors agree.
 */
export function adamw(
  tensors: TensorsOf<typeof adamwKernel>,
  hyper: {
    readonly decayEnd: number;
    readonly halvesStart?: number;
    readonly halvesEnd?: number;
    readonly stepSize: Size;
    readonly rootCorrection: Size;
    readonly decay: Size;
    readonly beta1: number;
    readonly beta2: number;
    readonly epsilon: number;
  },
): Dispatch {
  const count = rank1('adamw', 'weights', tensors.weights);
  for (const role of ['gradients', 'first_moments', 'second_moments'] as const) {
    expectShape('adamw', role, tensors[role], [count]);
  }
  expectShape('adamw', 'state', tensors.state, [4]);
  if (count % 4 !== 0) throw new ShapeError(`adamw: a page of ${count} elements is not 4 * n`);
  const { decayEnd, halvesStart = 0, halvesEnd = 0 } = hyper;
  for (const [name, end] of Object.entries({ decayEnd, halvesStart, halvesEnd })) {
    if (end >= 0 && end <= count && end % 4 === 0) continue;
    throw new ShapeError(`adamw: ${name} ${end} is not 4 * n within the ${count} of a page`);
  }
  const copied = halvesEnd - halvesStart;
  if (copied !== 0) expectShape('adamw', 'halves', tensors.halves, [copied]);
  const vectors = count / 4;
  const perThread = Math.max(4, Math.ceil(vectors / (64 * 32_768)));
  return adamwKernel.bind(
    tensors,
    {
      vector_count: vectors,
      decay_vectors: decayEnd / 4,
      halves_start: halvesStart / 4,
      halves_end: halvesEnd / 4,
      per_thread: perThread,
      step_size: hyper.stepSize,
      root_correction: hyper.rootCorrection,
      decay: hyper.decay,
      beta1: hyper.beta1,
      complement1: 1 - hyper.beta1,
      beta2: hyper.beta2,
      complement2: 1 - hyper.beta2,
      epsilon: hyper.epsilon,
    },
    [Math.ceil(vectors / (64 * perThread))],
    { flops: () => 15 * count },
  );
}
