import type { Tensor } from '../../kernels/lib/tensor.ts';
import { bufferUsage } from '../gpu/memory.ts';
import { scoreMatrix } from '../lim/score.ts';
import { type Bench, measure } from './record.ts';

/** Host memory of the pattern that fills a matrix. */
const PATTERN = 2 ** 22;

/**
 * LIM scores of matrices that are on the device already: the paper's size, and 10 million prompts, or as
 * many as one buffer holds.
 */
export async function benchLim(bench: Bench): Promise<void> {
  const held = Math.floor(bench.gpu.limits.maxBufferSize / (21 * 4));
  const sizes = bench.tiny
    ? [[100, 3]]
    : [
        [8523, 21],
        [Math.min(10_000_000, held), 21],
      ];
  for (const [prompts = 0, epochs = 0] of sizes) await measureScores(bench, prompts, epochs);
}

async function measureScores(bench: Bench, prompts: number, epochs: number): Promise<void> {
  const { gpu } = bench;
  const shape = [prompts, epochs];
  const entries = prompts * epochs;
  // Scoring goes past what one binding holds, where `gpu.tensor` stops.
  const large = (name: string, dtype: 'f32' | 'u32'): Tensor => {
    const usage = bufferUsage.storage | bufferUsage.copyDst;
    const buffer = gpu.device.createBuffer({ size: Math.ceil(entries / 4) * 16, usage });
    return { name, shape, dtype, buffer, offset: 0 };
  };
  const matrix = { sums: large('bench sums', 'f32'), samples: large('bench samples', 'u32') };
  // Of 8 samples, any number right; a hash spreads them.
  const rewards = Float32Array.from(
    { length: Math.min(entries, PATTERN) },
    (_, i) => (Math.imul(i, 0x9e37_79b1) >>> 16) % 9,
  );
  const counts = new Uint32Array(rewards.length).fill(8);
  for (let first = 0; first < entries; first += PATTERN) {
    const count = Math.min(PATTERN, entries - first);
    gpu.upload(matrix.sums, rewards.subarray(0, count), first);
    gpu.upload(matrix.samples, counts.subarray(0, count), first);
  }
  try {
    await measure(bench, {
      suite: 'lim',
      name: `LIM scores, ${prompts} x ${epochs}`,
      shapes: { prompts, epochs },
      bound: 'copy',
      // Sums and samples once for the mean curve and once for the scores, which are written.
      bytes: 2 * 8 * entries + 4 * prompts,
      run: async () => {
        // No score reaches 2: none is computed again in float64, which would read the matrix back.
        await scoreMatrix(gpu, matrix, { theta: 2 });
        return undefined;
      },
    });
  } finally {
    await gpu.idle();
    gpu.destroy(matrix.sums, matrix.samples);
  }
}
