import { ConfigError } from '../config-error.ts';
import {
  float32OfBfloat16,
  float32OfHalves,
  halvesOf,
  bfloat16Of,
  largestHalf,
} from '../formats/half.ts';
import { float32Entry } from '../formats/safetensors.ts';
import { hfName, peftName } from './hugging-face/names.ts';
import type { PeftAdapter } from './hugging-face/peft.ts';
import { expectParameters } from './load-parameters.ts';
import type { ModelDirectory, WeightDType } from './model-directory.ts';
import { fitsHalf, parameterLayout } from './parameters.ts';
import type { TensorToSave } from './save-model.ts';

/** What an adapter did to one matrix. */
export interface MergedMatrix {
  /** Name of the matrix in files. */
  readonly name: string;
  /**
   * How much of the adapter rounding took: the Frobenius norm of what is stored less the exact sum,
   * over the norm of `s B A`. Undefined where the adapter adds nothing.
   */
  readonly error: number | undefined;
}

/**
 * The tensors of a model with its adapter in it: `W + s B A`, computed in float64 and rounded once
 * to f32, then to the type of the file. All other tensors are the base's. Each tensor is read and
 * made when it is written.
 *
 * @param onMatrix Told of each matrix when it has been made.
 * @throws SafetensorsError unless the files hold exactly the parameters that the config calls for;
 *   while a tensor is made, ConfigError when f16 cannot hold one of its numbers.
 */
export async function mergedTensors(
  model: ModelDirectory,
  adapter: Pick<PeftAdapter, 'plan' | 'tensors'>,
  dtype: WeightDType,
  onMatrix: (matrix: MergedMatrix) => void,
): Promise<TensorToSave[]> {
  await expectParameters(model, 'lm');
  const { config } = model;
  const { architecture } = config;
  const parts = parameterLayout(config, 'lm').stored.flatMap((stored) => stored.parts);
  return parts.map(({ name: part, shape }) => {
    const name = hfName(architecture, part);
    const own = adapter.plan.get(part);
    const bytes = async (): Promise<Uint8Array> => {
      const weight = await model.read(name);
      const factorOf = (factor: 'A' | 'B'): Float32Array => {
        const found = adapter.tensors.get(peftName(architecture, part, factor));
        if (!found) throw new RangeError(`no factor ${factor} of '${part}'`);
        return found;
      };
      if (own) {
        const [a, b] = [factorOf('A'), factorOf('B')];
        const { merged, error } = merge(weight, { ...own, a, b }, dtype);
        onMatrix({ name, error });
        expectFit(name, merged, dtype);
        return float32Entry(name, shape, merged, dtype).bytes;
      }
      expectFit(name, weight, dtype);
      return float32Entry(name, shape, weight, dtype).bytes;
    };
    return { name, shape, bytes };
  });
}

/** @throws ConfigError when f16 cannot hold a number. */
function expectFit(name: string, data: Float32Array, dtype: WeightDType): void {
  if (dtype !== 'F16') return;
  const past = data.find((value) => !fitsHalf(value));
  if (past === undefined) return;
  throw new ConfigError(`${name} comes to ${past}, and f16 holds at most ${largestHalf}`);
}

/** Two factors of a change: A f32 (rank, K), B f32 (N, rank). */
interface Factors {
  readonly rank: number;
  readonly scale: number;
  readonly a: Float32Array;
  readonly b: Float32Array;
}

/**
 * `W + s B A` of a matrix (N, K), row by row in float64, in f32.
 *
 * @param dtype The type that the error is measured in.
 */
export function merge(
  weight: Float32Array,
  { rank, scale, a, b }: Factors,
  dtype: WeightDType,
): { readonly merged: Float32Array; readonly error: number | undefined } {
  const columns = a.length / rank;
  const merged = new Float32Array(weight.length);
  const delta = new Float64Array(columns);
  let [squares, missed] = [0, 0];
  for (let start = 0, row = 0; start < weight.length; start += columns, row++) {
    delta.fill(0);
    for (let j = 0; j < rank; j++) {
      const factor = b[row * rank + j] ?? 0;
      const from = j * columns;
      for (let k = 0; k < columns; k++) delta[k] = (delta[k] ?? 0) + factor * (a[from + k] ?? 0);
    }
    const own = merged.subarray(start, start + columns);
    for (let k = 0; k < columns; k++) {
      own[k] = (weight[start + k] ?? 0) + scale * (delta[k] ?? 0);
    }
    const stored = storedAs(own, dtype);
    for (let k = 0; k < columns; k++) {
      const change = scale * (delta[k] ?? 0);
      squares += change ** 2;
      missed += ((stored[k] ?? 0) - ((weight[start + k] ?? 0) + change)) ** 2;
    }
  }
  return { merged, error: squares > 0 ? Math.sqrt(missed / squares) : undefined };
}

/** Numbers as a file of a type gives them back. */
function storedAs(data: Float32Array, dtype: WeightDType): Float32Array {
  switch (dtype) {
    case 'F32':
      return data;
    case 'F16':
      return float32OfHalves(halvesOf(data));
    case 'BF16':
      return float32OfBfloat16(bfloat16Of(data));
  }
}
