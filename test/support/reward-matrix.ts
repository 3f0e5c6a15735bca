import type { MatrixTensors } from '../../kernels/lib/reward-matrix.ts';
import type { Tensor } from '../../kernels/lib/tensor.ts';
import type { Gpu } from '../../src/gpu/device.ts';
import { RandomStream } from '../../src/random.ts';
import { tensorOf } from './gpu.ts';

/** A reward matrix as the trainer fills one. */
export interface TestMatrix {
  readonly prompts: number;
  readonly epochs: number;
  readonly sums: Float32Array;
  readonly samples: Uint32Array;
}

/** The two forms of a reward matrix. */
export const forms = ['samples', 'values'] as const;
export type Form = (typeof forms)[number];

/** The same matrix as one number an entry, NaN where there is no sample. */
export const valuesOf = ({ sums, samples }: Pick<TestMatrix, 'sums' | 'samples'>): Float32Array =>
  sums.map((sum, i) => (samples[i] === 0 ? NaN : sum / samples[i]));

/** The matrix on the device. */
export function matrixOf(gpu: Gpu, matrix: TestMatrix, form: Form): MatrixTensors {
  const shape = [matrix.prompts, matrix.epochs];
  if (form === 'values') return { values: tensorOf(gpu, 'values', valuesOf(matrix), shape) };
  return {
    sums: tensorOf(gpu, 'sums', matrix.sums, shape),
    samples: tensorOf(gpu, 'samples', matrix.samples, shape),
  };
}

/** Its tensors, to be destroyed. */
export const tensorsIn = (matrix: MatrixTensors): Tensor[] =>
  'values' in matrix ? [matrix.values] : [matrix.sums, matrix.samples];

/**
 * Prompts of every kind: always solved, never solved, learnt on the way; some entries missing.
 *
 * @param missing Share of entries that are missing.
 */
export function rewardMatrix(
  prompts: number,
  epochs: number,
  seed: number,
  missing = 0.1,
): TestMatrix {
  const stream = new RandomStream(seed, 'test');
  const sums = new Float32Array(prompts * epochs);
  const samples = new Uint32Array(prompts * epochs);
  for (let p = 0; p < prompts; p++) {
    const kind = p % 4;
    const middle = stream.float() * epochs;
    for (let k = 0; k < epochs; k++) {
      if (stream.float() < missing) continue;
      const i = p * epochs + k;
      samples[i] = 8;
      const chance = kind === 0 ? 1 : kind === 1 ? 0 : 1 / (1 + Math.exp(middle - k));
      sums[i] = kind < 2 ? chance * 8 : Math.round(chance * 6) + stream.below(3);
    }
  }
  return { prompts, epochs, sums, samples };
}
