import type { Tensor } from '../../kernels/lib/tensor.ts';
import { bufferUsage } from '../gpu/memory.ts';
import { PassClock } from '../gpu/pass-clock.ts';
import type { MatrixTensors } from '../lim/matrix.ts';
import { scoreMatrix } from '../lim/score.ts';
import { type Bench, measure } from './record.ts';

/** Entries of the pattern in host memory that fills a matrix. */
const PATTERN = 2 ** 22;

/**
 * LIM scores of matrices on the device, in both forms, at two sizes: the paper's, and 10 million
 * prompts or as many as one buffer holds.
 */
export async function benchLim(bench: Bench): Promise<void> {
  const held = Math.floor(bench.gpu.limits.maxBufferSize / (21 * 4));
  const sizes = bench.tiny
    ? [[100, 3]]
    : [
        [8523, 21],
        [Math.min(10_000_000, held), 21],
      ];
  for (const [prompts = 0, epochs = 0] of sizes) {
    for (const form of ['samples', 'values'] as const) {
      await measureScores(bench, form, prompts, epochs);
    }
  }
}

async function measureScores(
  bench: Bench,
  form: 'samples' | 'values',
  prompts: number,
  epochs: number,
): Promise<void> {
  const { gpu } = bench;
  const shape = [prompts, epochs];
  const entries = prompts * epochs;
  // Scoring takes matrices larger than one binding, which `gpu.tensor` refuses.
  const large = (name: string, dtype: 'f32' | 'u32'): Tensor => {
    const usage = bufferUsage.storage | bufferUsage.copyDst;
    const buffer = gpu.device.createBuffer({ size: Math.ceil(entries / 4) * 16, usage });
    return { name, shape, dtype, buffer, offset: 0 };
  };
  // A hash spreads the number of right answers among 8 samples.
  const rewards = Float32Array.from(
    { length: Math.min(entries, PATTERN) },
    (_, i) => (Math.imul(i, 0x9e37_79b1) >>> 16) % 9,
  );
  const fill = (tensor: Tensor, pattern: Float32Array | Uint32Array): Tensor => {
    for (let first = 0; first < entries; first += PATTERN) {
      gpu.upload(tensor, pattern.subarray(0, Math.min(PATTERN, entries - first)), first);
    }
    return tensor;
  };
  const values = (): Tensor =>
    fill(
      large('bench values', 'f32'),
      rewards.map((right) => right / 8),
    );
  const sums = (): Tensor => fill(large('bench sums', 'f32'), rewards);
  const samples = (): Tensor =>
    fill(large('bench samples', 'u32'), new Uint32Array(rewards.length).fill(8));
  const matrix: MatrixTensors =
    form === 'values' ? { values: values() } : { sums: sums(), samples: samples() };
  const entryBytes = form === 'values' ? 4 : 8;
  const clock = gpu.features.has('timestamp-query') ? new PassClock(gpu) : undefined;
  gpu.passClock = clock;
  try {
    await measure(bench, {
      suite: 'lim',
      name: `LIM scores of ${form}, ${prompts} x ${epochs}`,
      shapes: { prompts, epochs },
      bound: 'copy',
      // The matrix is read once for the mean curve and once for the scores, which are written.
      bytes: 2 * entryBytes * entries + 4 * prompts,
      run: async () => {
        // No score reaches 2, so no score is computed again in float64, which would read the matrix
        // back.
        await scoreMatrix(gpu, matrix, { theta: 2 });
        const passes = await clock?.read();
        return passes === undefined ? {} : { parts: { 'GPU passes': passes } };
      },
    });
  } finally {
    gpu.passClock = undefined;
    clock?.destroy();
    await gpu.idle();
    gpu.destroy(...('values' in matrix ? [matrix.values] : [matrix.sums, matrix.samples]));
  }
}
