import { ShapeError } from '../../kernels/lib/errors.ts';
import type { MatrixTensors } from '../../kernels/lib/reward-matrix.ts';
import { expectShape, rank2, type Tensor } from '../../kernels/lib/tensor.ts';
import type { Signal } from '../vocabulary/signals.ts';

export type { MatrixTensors } from '../../kernels/lib/reward-matrix.ts';

/**
 * A reward matrix in host memory, row-major (prompts, data epochs). An entry is the number of
 * samples of a prompt in a data epoch, and the sum of the signal over those samples. An entry
 * without samples is missing.
 */
export interface RewardMatrix {
  readonly prompts: number;
  readonly epochs: number;
  readonly sums: Float64Array | Float32Array;
  readonly samples: Uint32Array;
}

/**
 * A reward matrix with one number per entry, such as a table of mean rewards. A number is finite,
 * or NaN if the entry is missing. This form takes half the memory of sums and samples, and less
 * time to score.
 */
export interface ValueMatrix {
  readonly prompts: number;
  readonly epochs: number;
  readonly values: Float32Array;
}

/** A matrix that can be scored: in host memory or on the device, in either form. */
export type AnyMatrix = RewardMatrix | ValueMatrix | MatrixTensors;

/** The signal of a prompt that is never solved (and always well formed, for the reward). */
export const unsolvedSignal: Readonly<Record<Signal, number>> = { accuracy: 0, reward: -0.5 };

/** A prompt's mean signal in each data epoch; NaN where it is missing. */
export function rowOf(matrix: RewardMatrix | ValueMatrix, prompt: number): Float64Array {
  const { epochs } = matrix;
  const row = prompt * epochs;
  if ('values' in matrix) return Float64Array.from(matrix.values.subarray(row, row + epochs));
  const { sums, samples } = matrix;
  return Float64Array.from({ length: epochs }, (_, k) => {
    const count = samples[row + k] ?? 0;
    return count > 0 ? (sums[row + k] ?? 0) / count : NaN;
  });
}

export const isTensors = (matrix: AnyMatrix): matrix is MatrixTensors =>
  'shape' in ('values' in matrix ? matrix.values : matrix.sums);

/** The numbers of prompts and epochs. @throws ShapeError if the arrays contradict each other. */
export function shapeOf(matrix: AnyMatrix): [number, number] {
  if (isTensors(matrix)) {
    if ('values' in matrix) return rank2('lim', 'values', matrix.values);
    const shape = rank2('lim', 'sums', matrix.sums);
    expectShape('lim', 'samples', matrix.samples, shape);
    return shape;
  }
  const { prompts, epochs } = matrix;
  const arrays =
    'values' in matrix ? { values: matrix.values } : { sums: matrix.sums, samples: matrix.samples };
  for (const [role, { length }] of Object.entries(arrays)) {
    if (length !== prompts * epochs) {
      throw new ShapeError(`lim: ${role} must be (${prompts}, ${epochs}), got ${length} numbers`);
    }
  }
  return [prompts, epochs];
}

/** The first columns of a matrix in host memory. */
export function firstEpochs<Matrix extends RewardMatrix | ValueMatrix>(
  matrix: Matrix,
  epochs: number,
): Matrix {
  if (epochs === matrix.epochs) return matrix;
  const cut = <Numbers extends Float64Array | Float32Array | Uint32Array>(from: Numbers): Numbers =>
    from.filter((_, i) => i % matrix.epochs < epochs) as Numbers;
  return 'values' in matrix
    ? { ...matrix, epochs, values: cut(matrix.values) }
    : { ...matrix, epochs, sums: cut(matrix.sums), samples: cut(matrix.samples) };
}

/** Applies a function to each tensor of a matrix. */
export const mapTensors = (matrix: MatrixTensors, to: (tensor: Tensor) => Tensor): MatrixTensors =>
  'values' in matrix
    ? { values: to(matrix.values) }
    : { sums: to(matrix.sums), samples: to(matrix.samples) };

/** The same matrix as sums and samples, with one sample for each entry that is not missing. */
export function sampled({ prompts, epochs, values }: ValueMatrix): RewardMatrix {
  return {
    prompts,
    epochs,
    sums: values.map((value) => (Number.isNaN(value) ? 0 : value)),
    samples: Uint32Array.from(values, (value) => (Number.isNaN(value) ? 0 : 1)),
  };
}
