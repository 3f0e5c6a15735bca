import type { Tensor } from '../../kernels/lib/tensor.ts';

/** The reward matrix as the trainer holds it: `sums` f32 and `samples` u32, both (P, K). */
export interface MatrixTensors {
  readonly sums: Tensor;
  readonly samples: Tensor;
}

/**
 * A reward matrix in host memory, row-major (prompts, data epochs): how often each prompt was
 * sampled in each data epoch, and the sum of the signal over those samples. No samples = missing.
 */
export interface RewardMatrix {
  readonly prompts: number;
  readonly epochs: number;
  readonly sums: Float64Array | Float32Array;
  readonly samples: Uint32Array;
}

/** What is averaged: 1 for a right answer and else 0, or the reward itself. */
export type Signal = 'accuracy' | 'reward';

/** The signal of a prompt that is never solved (and always well formed, for the reward). */
export const unsolvedSignal: Readonly<Record<Signal, number>> = { accuracy: 0, reward: -0.5 };

/** A prompt's mean signal in each data epoch, NaN where it is missing. */
export function rowOf(matrix: RewardMatrix, prompt: number): Float64Array {
  const { epochs, sums, samples } = matrix;
  return Float64Array.from({ length: epochs }, (_, k) => {
    const i = prompt * epochs + k;
    const count = samples[i] ?? 0;
    return count > 0 ? (sums[i] ?? 0) / count : NaN;
  });
}

export const isTensors = (matrix: MatrixTensors | RewardMatrix): matrix is MatrixTensors =>
  'buffer' in matrix.sums && 'shape' in matrix.sums;
