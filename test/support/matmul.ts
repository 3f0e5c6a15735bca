import type { Gpu } from '../../src/gpu/device.ts';
import { halvesOf, tensorOf } from './gpu.ts';

/** A weight stored as f32, or as the nearest halves, and the numbers actually stored. */
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
