import { blocksOf } from '../../kernels/lib/blocks.ts';
import type { Gpu } from '../../src/gpu/device.ts';
import type { BaseStorage } from '../../src/vocabulary/storages.ts';
import { numbersOfBlocks } from '../reference/blocks.ts';
import { halvesOf, tensorOf } from './gpu.ts';

/** A weight in a storage, and the numbers actually stored. */
export function storedWeight(
  gpu: Gpu,
  data: Float32Array,
  shape: [number, number],
  storage: BaseStorage = 'f32',
) {
  if (storage === 'f32') return { tensor: tensorOf(gpu, 'weight', data, shape), numbers: data };
  if (storage !== 'f16') {
    const words = blocksOf(storage, data, shape[1]);
    const tensor = gpu.tensor('weight', shape, storage, 'activations');
    gpu.upload(tensor, words);
    return { tensor, numbers: numbersOfBlocks(storage, words, shape[1]) };
  }
  const { tensor, rounded } = halvesOf(gpu, 'weight', data, shape);
  return { tensor, numbers: rounded };
}
