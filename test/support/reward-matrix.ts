import type { MatrixTensors } from '../../kernels/lib/reward-matrix.ts';
import type { Tensor } from '../../kernels/lib/tensor.ts';
import type { Gpu } from '../../src/gpu/device.ts';
import { RandomStream } from '../../src/random.ts';
import { tensorOf } from './gpu.ts';

/** A reward matrix, as the trainer fills it. */
export interface TestMatrix {
  readonly prompts: number;
  readonly epochs: number;
  readonly sums: Float32Array;
  readonly samples: Uint32Array;
}

/** The two forms of a reward matrix. */
export const forms = ['samples', 'values'] as const;
export type Form = (typeof forms)[number];

/** The matrix with one number per entry; NaN without samples. */
export const valuesOf = ({ sums, samples }: Pick<TestMatrix, 'sums' | 'samples'>): Float32Array =>
  sums.map((sum, i) => (samples[i] === 0 ? NaN : sum / samples[i]));

/** Uploads the matrix to the device. */
export function matrixOf(gpu: Gpu, matrix: TestMatrix, form: Form): MatrixTensors {
  const shape = [matrix.prompts, matrix.epochs];
  if (form === 'values') return { values: tensorOf(gpu, 'values', valuesOf(matrix), shape) };
  return {
    sums: tensorOf(gpu, 'sums', matrix.sums, shape),
    samples: tensorOf(gpu, 'samples', matrix.samples, shape),
  };
}

/** The tensors of a matrix, to destroy them. */
export const tensorsIn = (matrix: MatrixTensors): Tensor[] =>
  'values' in matrix ? [matrix.values] : [matrix.sums, matrix.samples];

/**
 * A matrix with prompts of every kind: always solved, never solved, learnt on the way. Some entries
 * are missing.
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
