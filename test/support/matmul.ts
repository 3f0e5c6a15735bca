import type { Gpu } from '../../src/gpu/device.ts';
import { halvesOf, tensorOf } from './gpu.ts';

/** A weight as f32, or as the halves nearest to it, and the numbers that are then stored. */
export function storedWeight(
  gpu: Gpu,
  data: Float32Array,
  shape: [number, number],
  halves = false,
) {
  if (!halves) return { tensor: tensorOf(gpu, 'weight', data, shape), numbers: data };
  const { tensor, rounded } = halvesOf(gpu, 'weight', data, shape);
  return { tensor, numbers: rounded };
}
