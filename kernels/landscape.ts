import code from '../shaders/landscape.wgsl?raw';
import { ShapeError } from './lib/errors.ts';
import { defineKernel, type KernelInfo } from './lib/kernel.ts';
import { expectShape, rank2, type Tensor } from './lib/tensor.ts';

export const landscapeKernel = defineKernel('landscape', code, {
  params: [
    'prompts',
    'epochs',
    'bins',
    'chosen',
    'low',
    'cut',
    'glide',
    'width',
    'depth',
    'height',
    'lift',
    'least',
    'gap_x',
    'gap_z',
  ],
  tensors: { view: 'f32', sums: 'f32', samples: 'u32', order: 'u32' },
});

/** Rows of `view`: four of the camera, nine of the ramp, four colours more. */
export const VIEW_ROWS = 17;
/** Vertices of a bar. */
const BAR_VERTICES = 30;

/** What is bound to draw a landscape. */
export interface LandscapeTensors {
  readonly view: Tensor;
  readonly sums: Tensor;
  readonly samples: Tensor;
  readonly order: Tensor;
}

/** A prepared drawing: pipeline, bind group and params are its owner's. */
export interface Drawing {
  readonly kernel: KernelInfo;
  /** In binding order. */
  readonly tensors: readonly Tensor[];
  readonly prompts: number;
  readonly epochs: number;
  readonly vertices: number;
  /** Instances for a number of bins. */
  readonly instances: (bins: number) => number;
}

/**
 * A landscape of a reward matrix. Geometry, colours and flags: `shaders/landscape.wgsl`.
 *
 * @throws ShapeError unless `sums` and `samples` have one shape (P, K), `order` is (2, P) and `view`
 *   (17, 4).
 */
export function landscape({ view, sums, samples, order }: LandscapeTensors): Drawing {
  const [prompts, epochs] = rank2('landscape', 'sums', sums);
  if (prompts === 0 || epochs === 0 || prompts >= 2 ** 30) {
    throw new ShapeError(
      `landscape: ${prompts} prompts and ${epochs} epochs: from 1 to 2^30 - 1 prompts can be drawn`,
    );
  }
  expectShape('landscape', 'samples', samples, [prompts, epochs]);
  expectShape('landscape', 'order', order, [2, prompts]);
  expectShape('landscape', 'view', view, [VIEW_ROWS, 4]);
  return {
    kernel: landscapeKernel,
    tensors: [view, sums, samples, order],
    prompts,
    epochs,
    vertices: BAR_VERTICES,
    instances: (bins) => bins * epochs + 2,
  };
}
