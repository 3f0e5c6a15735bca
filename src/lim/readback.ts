import type { Tensor } from '../../kernels/lib/tensor.ts';
import type { Gpu } from '../gpu/device.ts';
import { Readback, readBytes } from '../gpu/readback.ts';
import { type AnyMatrix, isTensors, type RewardMatrix, sampled, shapeOf } from './matrix.ts';

/** Most host memory of one block of a matrix, per array. */
const BLOCK_BYTES = 1 << 24;

/** Reads the whole matrix in blocks of rows, in order. A value counts as one sample. */
export async function* blocksOf(gpu: Gpu, matrix: AnyMatrix): AsyncGenerator<RewardMatrix> {
  const [prompts, epochs] = shapeOf(matrix);
  const most = Math.max(1, Math.floor(BLOCK_BYTES / (4 * epochs)));
  for (let first = 0; first < prompts; first += most) {
    yield await blockAt(gpu, matrix, first, Math.min(most, prompts - first));
  }
}

async function blockAt(
  gpu: Gpu,
  matrix: AnyMatrix,
  first: number,
  prompts: number,
): Promise<RewardMatrix> {
  const [, epochs] = shapeOf(matrix);
  const from = first * epochs;
  const to = from + prompts * epochs;
  if (!isTensors(matrix)) {
    if ('values' in matrix) {
      return sampled({ prompts, epochs, values: matrix.values.subarray(from, to) });
    }
    const [sums, samples] = [matrix.sums.subarray(from, to), matrix.samples.subarray(from, to)];
    return { prompts, epochs, sums, samples };
  }
  const blockOf = (tensor: Tensor): Tensor => ({
    ...tensor,
    shape: [prompts, epochs],
    offset: tensor.offset + from * 4,
  });
  if ('values' in matrix) {
    return sampled({ prompts, epochs, values: await gpu.read(blockOf(matrix.values), 'f32') });
  }
  const sums = await gpu.read(blockOf(matrix.sums), 'f32');
  return { prompts, epochs, sums, samples: await gpu.read(blockOf(matrix.samples), 'u32') };
}

/** Reads some rows of the matrix, in the order of `wanted`. A value counts as one sample. */
export async function someRows(
  gpu: Gpu,
  matrix: AnyMatrix,
  wanted: readonly number[],
): Promise<RewardMatrix> {
  const [, epochs] = shapeOf(matrix);
  const prompts = wanted.length;
  if (!isTensors(matrix)) {
    if ('values' in matrix) {
      const values = new Float32Array(prompts * epochs);
      pickRows(matrix.values, values, wanted);
      return sampled({ prompts, epochs, values });
    }
    const sums = new Float64Array(prompts * epochs);
    const samples = new Uint32Array(prompts * epochs);
    pickRows(matrix.sums, sums, wanted);
    pickRows(matrix.samples, samples, wanted);
    return { prompts, epochs, sums, samples };
  }
  if ('values' in matrix) {
    const [values] = await gatherRows(gpu, [matrix.values], wanted);
    return sampled({ prompts, epochs, values: new Float32Array(values ?? []) });
  }
  const [sums, samples] = await gatherRows(gpu, [matrix.sums, matrix.samples], wanted);
  return {
    prompts,
    epochs,
    sums: new Float32Array(sums ?? []),
    samples: new Uint32Array(samples ?? []),
  };
}

/**
 * Reads the same rows of each tensor. All tensors have the same width; each batch is mapped at
 * once.
 */
async function gatherRows(
  gpu: Gpu,
  tensors: readonly Tensor[],
  wanted: readonly number[],
): Promise<ArrayBuffer[]> {
  const epochs = tensors[0]?.shape[1] ?? 0;
  const width = epochs * 4;
  const gathered = tensors.map(() => new Uint8Array(wanted.length * width));
  const most = Math.max(1, Math.floor(BLOCK_BYTES / width));
  for (let first = 0; first < wanted.length; first += most) {
    const batch = wanted.slice(first, first + most);
    const rowsIn = (tensor: Tensor): Tensor[] =>
      batch.map((prompt) => ({
        ...tensor,
        shape: [epochs],
        offset: tensor.offset + prompt * width,
      }));
    const parts = Object.fromEntries(tensors.flatMap(rowsIn).map((row, i) => [String(i), row]));
    const staging = new Readback(gpu, 'lim rows', readBytes(parts));
    try {
      const rows = Object.values(await staging.read(parts));
      for (const [i, { buffer, byteOffset }] of rows.entries()) {
        const to = (first + (i % batch.length)) * width;
        gathered[Math.floor(i / batch.length)]?.set(new Uint8Array(buffer, byteOffset, width), to);
      }
    } finally {
      staging.destroy();
    }
  }
  return gathered.map(({ buffer }) => buffer);
}

function pickRows(
  from: Float64Array | Float32Array | Uint32Array,
  to: Float64Array | Float32Array | Uint32Array,
  wanted: readonly number[],
): void {
  const width = to.length / wanted.length;
  for (const [i, prompt] of wanted.entries()) {
    to.set(from.subarray(prompt * width, (prompt + 1) * width), i * width);
  }
}
