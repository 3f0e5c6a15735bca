import { expectShape, rank2, type Tensor } from './tensor.ts';

/** The reward matrix as the trainer holds it: `sums` f32 and `samples` u32, both (P, K). */
export interface SampleTensors {
  readonly sums: Tensor;
  readonly samples: Tensor;
}

/** A reward matrix with one number per entry: `values` f32 (P, K), finite, or NaN where missing. */
export interface ValueTensors {
  readonly values: Tensor;
}

/** A reward matrix on the device. */
export type MatrixTensors = SampleTensors | ValueTensors;

/** A matrix in the form that shaders with `lib/lim-entry.wgsl` bind. */
interface BoundMatrix extends SampleTensors {
  readonly prompts: number;
  readonly epochs: number;
  /** Override constants that name the form. */
  readonly form: Readonly<Record<string, number>>;
}

/** @throws ShapeError unless `sums` and `samples` have one shape of rank 2, or `values` has rank 2. */
export function bindMatrix(kernel: string, matrix: MatrixTensors): BoundMatrix {
  if ('values' in matrix) {
    const { values } = matrix;
    const [prompts, epochs] = rank2(kernel, 'values', values);
    return {
      prompts,
      epochs,
      sums: values,
      samples: bitsOf(values),
      form: { VALUES: 1 },
    };
  }
  const { sums, samples } = matrix;
  const [prompts, epochs] = rank2(kernel, 'sums', sums);
  expectShape(kernel, 'samples', samples, [prompts, epochs]);
  return { prompts, epochs, sums, samples, form: { VALUES: 0 } };
}

/** The same memory as u32. */
export const bitsOf = (values: Tensor): Tensor => ({ ...values, dtype: 'u32' });
