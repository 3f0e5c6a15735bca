import code from '../shaders/decode-advance.wgsl?raw';
import { episodeColumns } from './lib/episodes.ts';
import { defineKernel, type Dispatch, type TensorsOf } from './lib/kernel.ts';
import { expectCapacity, expectShape, rank1 } from './lib/tensor.ts';
import { type Size, valueOf } from './lib/variable.ts';

export const decodeAdvanceKernel = defineKernel('decode-advance', code, {
  params: ['rows'],
  tensors: { episodes: 'u32', status: 'u32', positions: 'u32' },
});

/**
 * Moves a decode on by one token. Shapes: `shaders/decode-advance.wgsl`.
 *
 * @throws ShapeError when the shapes disagree.
 */
export function decodeAdvance(
  tensors: TensorsOf<typeof decodeAdvanceKernel>,
  { rows }: { readonly rows: Size },
): Dispatch {
  const capacity = rank1('decode-advance', 'positions', tensors.positions);
  expectShape('decode-advance', 'episodes', tensors.episodes, [capacity, episodeColumns]);
  expectShape('decode-advance', 'status', tensors.status, [capacity, 2]);
  expectCapacity('decode-advance', 'rows', rows, capacity);
  return decodeAdvanceKernel.bind(tensors, { rows }, () => [Math.ceil(valueOf(rows) / 64)]);
}
