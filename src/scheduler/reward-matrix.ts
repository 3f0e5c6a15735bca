import type { Tensor } from '../../kernels/lib/tensor.ts';
import type { Gpu } from '../gpu/device.ts';
import type { RewardMatrixTensors } from '../ppo/trainer.ts';

/** The reward matrix on the host, (prompts, epochs), row-major. */
export interface HostMatrix {
  readonly accuracySums: Float32Array;
  readonly rewardSums: Float32Array;
  readonly samples: Uint32Array;
}

export async function readMatrix(gpu: Gpu, matrix: RewardMatrixTensors): Promise<HostMatrix> {
  const [accuracySums, rewardSums, samples] = await Promise.all([
    gpu.read(matrix.accuracySums, 'f32'),
    gpu.read(matrix.rewardSums, 'f32'),
    gpu.read(matrix.samples, 'u32'),
  ]);
  return { accuracySums, rewardSums, samples };
}

export function uploadMatrix(gpu: Gpu, matrix: RewardMatrixTensors, from: HostMatrix): void {
  gpu.upload(matrix.accuracySums, from.accuracySums);
  gpu.upload(matrix.rewardSums, from.rewardSums);
  gpu.upload(matrix.samples, from.samples);
}

export function clearMatrix({ device }: Gpu, matrix: RewardMatrixTensors): void {
  const encoder = device.createCommandEncoder();
  const tensors: readonly Tensor[] = Object.values(matrix);
  for (const tensor of tensors) encoder.clearBuffer(tensor.buffer);
  device.queue.submit([encoder.finish()]);
}

/** The means of a matrix's cells; NaN where a prompt was not sampled. */
export interface MeanMatrix {
  readonly accuracy: Float32Array;
  readonly reward: Float32Array;
}

export function meansOf({ accuracySums, rewardSums, samples }: HostMatrix): MeanMatrix {
  const means = (sums: Float32Array): Float32Array =>
    sums.map((sum, i) => ((samples[i] ?? 0) === 0 ? NaN : sum / (samples[i] ?? 1)));
  return { accuracy: means(accuracySums), reward: means(rewardSums) };
}

/** One column of a matrix with `epochs` columns: a value for each prompt. */
export function columnOf(
  { accuracy, reward }: MeanMatrix,
  epochs: number,
  epoch: number,
): MeanMatrix {
  const column = (means: Float32Array): Float32Array =>
    Float32Array.from({ length: means.length / epochs }, (_, prompt) => {
      const value = means[prompt * epochs + epoch];
      if (value === undefined) throw new RangeError(`a matrix of ${epochs} epochs has no ${epoch}`);
      return value;
    });
  return { accuracy: column(accuracy), reward: column(reward) };
}
