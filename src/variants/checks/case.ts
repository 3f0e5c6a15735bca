import type { Dispatch } from '../../../kernels/lib/kernel.ts';
import type { DType, Tensor } from '../../../kernels/lib/tensor.ts';
import type { Family } from '../../../kernels/lib/variants.ts';
import { blocksOf, numbersOfBlocks } from '../../../kernels/lib/blocks.ts';
import type { MatrixType } from '../../../kernels/lib/weight.ts';
import { float32OfHalves, halvesOf } from '../../formats/half.ts';
import type { Gpu } from '../../gpu/device.ts';
import { RandomStream } from '../../random.ts';

/** Which kernels a program is about to use. */
export interface KernelUse {
  /** Head size of the program's model: attention is compiled for it. */
  readonly headDim: number;
  /** Whether gradients are computed too. */
  readonly training: boolean;
  /** Storage of the matrices that layers multiply by. Default f32. */
  readonly storage?: MatrixType | undefined;
  /** Storage of the cache of keys and values; undefined when the program does not decode. */
  readonly cache?: 'f32' | 'f16' | undefined;
}

/** A small computation of one shape, and its expected results. */
export interface Probe {
  /** Uploads the inputs that the steps overwrite. */
  readonly begin?: () => void;
  /** The computation, which can be made in any variant of the family. */
  readonly steps: readonly Dispatch[];
  readonly expected: readonly {
    readonly out: Tensor<'f32'>;
    readonly values: () => Float64Array;
  }[];
}

/** How one family is checked on a device. */
export interface FamilyCheck {
  readonly family: Family;
  /** Whether a program uses kernels of the family. */
  readonly isUsed: (use: KernelUse) => boolean;
  /**
   * Probes that have whole blocks and cut blocks in every variant. Their pipelines are the ones
   * that the program takes later.
   *
   * @param inputs Makes the tensors of the probes.
   */
  readonly probes: (inputs: Inputs, use: KernelUse) => readonly Probe[];
}

/** A tensor of random numbers; `at` gives the same numbers on the host. */
export interface Input {
  readonly tensor: Tensor<MatrixType>;
  readonly at: (row: number, column: number) => number;
}

/** Makes the tensors of probes. */
export class Inputs {
  readonly gpu: Gpu;
  readonly tensors: Tensor[] = [];
  readonly #stream = new RandomStream(1, 'selfCheck');

  constructor(gpu: Gpu) {
    this.gpu = gpu;
  }

  empty<Type extends DType = 'f32'>(
    name: string,
    shape: readonly number[],
    dtype = 'f32' as Type,
  ): Tensor<Type> {
    const tensor = this.gpu.tensor(`self-check ${name}`, shape, dtype, 'activations');
    this.tensors.push(tensor);
    return tensor;
  }

  /** A matrix with the given rows. */
  filled(
    name: string,
    dtype: 'f32' | 'u32',
    rows: readonly (readonly number[])[],
  ): Tensor<'f32' | 'u32'> {
    const tensor = this.empty(name, [rows.length, rows[0]?.length ?? 0], dtype);
    const data = rows.flat();
    this.gpu.upload(tensor, dtype === 'u32' ? Uint32Array.from(data) : Float32Array.from(data));
    return tensor;
  }

  random(name: string, rows: number, columns: number, dtype: MatrixType = 'f32'): Input {
    const tensor = this.empty(name, [rows, columns], dtype);
    const drawn = Float32Array.from({ length: rows * columns }, () => this.#stream.normal());
    const { stored, data } = storedAs(dtype, drawn, columns);
    this.gpu.upload(tensor, stored);
    return { tensor, at: (row, column) => data[row * columns + column] ?? NaN };
  }

  destroy(): void {
    this.gpu.destroy(...this.tensors);
  }
}

/** What is uploaded of a matrix in a storage, and the numbers that it holds. */
function storedAs(dtype: MatrixType, drawn: Float32Array, width: number) {
  if (dtype === 'f32') return { stored: drawn, data: drawn };
  if (dtype === 'f16') {
    const stored = halvesOf(drawn);
    return { stored, data: float32OfHalves(stored) };
  }
  const stored = blocksOf(dtype, drawn, width);
  return { stored, data: numbersOfBlocks(dtype, stored, width) };
}
