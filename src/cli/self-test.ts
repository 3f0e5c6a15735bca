import { matmulForward } from '../../kernels/matmul-forward.ts';
import type { Gpu } from '../gpu/device.ts';
import { ExactCurve, exactScore } from '../lim/exact.ts';
import { scoreMatrix, scoreTolerance } from '../lim/score.ts';
import { RandomStream } from '../random.ts';

/** What came of computing the same twice, on an adapter and in float64. */
export interface SelfTest {
  readonly passed: boolean;
  /** Largest error of a 64 x 96 x 80 product, over the largest entry. */
  readonly matmulError: number;
  /** Largest error of LIM scores of 1,000 prompts, over max(1, |score|). */
  readonly reductionError: number;
  /** Compilation included. */
  readonly milliseconds: number;
}

/** Computes a matrix product and a reduction and compares them with float64. */
export async function selfTest(gpu: Gpu): Promise<SelfTest> {
  const started = performance.now();
  const matmulError = await productError(gpu);
  const reductionError = await scoreError(gpu);
  return {
    passed: matmulError < 1e-5 && reductionError < scoreTolerance,
    matmulError,
    reductionError,
    milliseconds: performance.now() - started,
  };
}

async function productError(gpu: Gpu): Promise<number> {
  const [rows, width, columns] = [64, 96, 80];
  const stream = new RandomStream(1, 'test');
  const random = (count: number) => Float32Array.from({ length: count }, () => stream.normal());
  const [x, weight] = [random(rows * width), random(columns * width)];
  const tensors = {
    x: gpu.tensor('x', [rows, width], 'f32', 'activations'),
    weight: gpu.tensor('weight', [columns, width], 'f32', 'weights'),
    out: gpu.tensor('out', [rows, columns], 'f32', 'activations'),
  };
  gpu.upload(tensors.x, x);
  gpu.upload(tensors.weight, weight);
  const plan = gpu.plan('self-test', matmulForward(tensors, { rows }));
  await gpu.run(plan);
  const got = await gpu.read(tensors.out);
  plan.destroy();
  gpu.destroy(tensors.x, tensors.weight, tensors.out);
  let worst = 0;
  let largest = 0;
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      let want = 0;
      for (let k = 0; k < width; k++) {
        want += (x[row * width + k] ?? 0) * (weight[column * width + k] ?? 0);
      }
      largest = Math.max(largest, Math.abs(want));
      const error = Math.abs((got[row * columns + column] ?? NaN) - want);
      worst = error <= worst ? worst : error; // NaN becomes the worst
    }
  }
  return worst / largest;
}

async function scoreError(gpu: Gpu): Promise<number> {
  const [prompts, epochs] = [1000, 7];
  const stream = new RandomStream(2, 'test');
  const samples = new Uint32Array(prompts * epochs).fill(8);
  const sums = Float32Array.from(samples, () => stream.below(9));
  const matrix = { prompts, epochs, sums, samples };
  // No score reaches 2: none is decided in float64.
  const { scores } = await scoreMatrix(gpu, matrix, { theta: 2 });
  const curve = new ExactCurve(epochs);
  curve.add(matrix);
  const deficits = curve.deficits();
  let worst = 0;
  for (const [prompt, score] of scores.entries()) {
    const want = exactScore(matrix, prompt, deficits);
    const error = Math.abs(score - want) / Math.max(1, Math.abs(want));
    worst = error <= worst ? worst : error;
  }
  return worst;
}
