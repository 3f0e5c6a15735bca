import code from '../shaders/decode-compact.wgsl?raw';
import { episodeColumns } from './lib/episodes.ts';
import { defineKernel, type Dispatch, type TensorsOf } from './lib/kernel.ts';
import { expectCapacity, expectShape, rank2 } from './lib/tensor.ts';
import type { Size } from './lib/variable.ts';

export const decodeCompactKernel = defineKernel('decode-compact', code, {
  params: ['rows', 'columns'],
  tensors: {
    status: 'u32',
    episodes: 'u32',
    current: 'u32',
    positions: 'u32',
    tokens: 'u32',
    logprobs: 'f32',
    origin: 'u32',
    partner: 'u32',
  },
});

/**
 * Brings the running rows of a decode to the front. Shapes: `shaders/decode-compact.wgsl`.
 *
 * @throws ShapeError when the shapes disagree.
 */
export function decodeCompact(
  tensors: TensorsOf<typeof decodeCompactKernel>,
  { rows }: { readonly rows: Size },
): Dispatch {
  const [capacity, columns] = rank2('decode-compact', 'tokens', tensors.tokens);
  const expect = (role: keyof typeof tensors, shape: readonly number[]): void =>
    expectShape('decode-compact', role, tensors[role], shape);
  expect('status', [capacity, 2]);
  expect('episodes', [capacity, episodeColumns]);
  expect('logprobs', [capacity, columns]);
  for (const role of ['current', 'positions', 'origin', 'partner'] as const) {
    expect(role, [capacity]);
  }
  expectCapacity('decode-compact', 'rows', rows, capacity);
  return decodeCompactKernel.bind(tensors, { rows, columns }, [1]);
}
