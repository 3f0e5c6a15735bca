import { scoreMatrix } from '../lim/score.ts';
import { type Bench, measure } from './record.ts';

/** LIM scores of matrices that are on the device already: the paper's size, and a large one. */
export async function benchLim(bench: Bench): Promise<void> {
  const sizes = bench.tiny
    ? [[100, 3]]
    : [
        [8523, 21],
        [bench.gpu.kind === 'cpu' ? 500_000 : 1_500_000, 21],
      ];
  for (const [prompts = 0, epochs = 0] of sizes) await measureScores(bench, prompts, epochs);
}

async function measureScores(bench: Bench, prompts: number, epochs: number): Promise<void> {
  const { gpu } = bench;
  const shape = [prompts, epochs];
  const matrix = {
    sums: gpu.tensor('bench sums', shape, 'f32', 'rewards'),
    samples: gpu.tensor('bench samples', shape, 'u32', 'rewards'),
  };
  const entries = prompts * epochs;
  const rewards = new Float32Array(entries);
  // Of 8 samples, any number right; a hash spreads them.
  for (let i = 0; i < entries; i++) rewards[i] = (Math.imul(i, 0x9e37_79b1) >>> 16) % 9;
  gpu.upload(matrix.sums, rewards);
  gpu.upload(matrix.samples, new Uint32Array(entries).fill(8));
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
