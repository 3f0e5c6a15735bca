import { rank2 } from '../../kernels/lib/tensor.ts';
import type { Gpu } from '../gpu/device.ts';
import { bufferUsage } from '../gpu/memory.ts';
import { isTensors, type MatrixTensors, type RewardMatrix } from './matrix.ts';

/** Host memory that one block of a matrix may take, per array. */
const BLOCK_BYTES = 1 << 24;

/** The whole matrix in blocks of rows, in order; one block where it is on the host already. */
export async function* blocksOf(
  gpu: Gpu,
  matrix: MatrixTensors | RewardMatrix,
): AsyncGenerator<RewardMatrix> {
  if (!isTensors(matrix)) {
    yield matrix;
    return;
  }
  const { sums, samples } = matrix;
  const [prompts, epochs] = rank2('lim', 'sums', sums);
  const most = Math.max(1, Math.floor(BLOCK_BYTES / (4 * epochs)));
  for (let first = 0; first < prompts; first += most) {
    const count = Math.min(most, prompts - first);
    const shape = [count, epochs];
    const skipped = first * epochs * 4;
    yield {
      prompts: count,
      epochs,
      sums: await gpu.read({ ...sums, shape, offset: sums.offset + skipped }),
      samples: await gpu.readU32({ ...samples, shape, offset: samples.offset + skipped }),
    };
  }
}

/** Some rows of the matrix, in the order asked for; from the device they come gathered, mapped at once. */
export async function someRows(
  gpu: Gpu,
  matrix: MatrixTensors | RewardMatrix,
  prompts: readonly number[],
): Promise<RewardMatrix> {
  if (!isTensors(matrix)) return pickRows(matrix, prompts);
  const { sums, samples } = matrix;
  const epochs = sums.shape[1] ?? 0;
  const width = epochs * 4;
  const gathered = {
    prompts: prompts.length,
    epochs,
    sums: new Float32Array(prompts.length * epochs),
    samples: new Uint32Array(prompts.length * epochs),
  };
  const most = Math.max(1, Math.floor(BLOCK_BYTES / width));
  for (let first = 0; first < prompts.length; first += most) {
    const batch = prompts.slice(first, first + most);
    const half = batch.length * width;
    const staging = gpu.device.createBuffer({
      label: 'lim rows',
      size: 2 * half,
      usage: bufferUsage.mapRead | bufferUsage.copyDst,
    });
    const encoder = gpu.device.createCommandEncoder({ label: 'lim rows' });
    for (const [i, prompt] of batch.entries()) {
      const at = prompt * width;
      const to = i * width;
      encoder.copyBufferToBuffer(sums.buffer, sums.offset + at, staging, to, width);
      encoder.copyBufferToBuffer(samples.buffer, samples.offset + at, staging, half + to, width);
    }
    gpu.device.queue.submit([encoder.finish()]);
    await staging.mapAsync(1);
    const bytes = staging.getMappedRange();
    gathered.sums.set(new Float32Array(bytes, 0, half / 4), first * epochs);
    gathered.samples.set(new Uint32Array(bytes, half, half / 4), first * epochs);
    staging.unmap();
    staging.destroy();
    gpu.check();
  }
  return gathered;
}

function pickRows(matrix: RewardMatrix, prompts: readonly number[]): RewardMatrix {
  const { epochs } = matrix;
  const sums = new Float64Array(prompts.length * epochs);
  const samples = new Uint32Array(prompts.length * epochs);
  for (const [i, prompt] of prompts.entries()) {
    const [from, to] = [prompt * epochs, (prompt + 1) * epochs];
    sums.set(matrix.sums.subarray(from, to), i * epochs);
    samples.set(matrix.samples.subarray(from, to), i * epochs);
  }
  return { prompts: prompts.length, epochs, sums, samples };
}
