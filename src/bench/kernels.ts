import type { VariantChoices } from '../../kernels/lib/variants.ts';
import { configFrom, drawnConfig } from '../config.ts';
import type { Gpu } from '../gpu/device.ts';
import { backwardInputCase, forwardCase } from '../variants/matmul-cases.ts';
import type { KernelUse } from '../variants/self-check.ts';
import { type TuningCase, tuneVariants } from '../variants/tuning.ts';
import { benchMatmuls, casesOf, matmulShapes } from './matmul.ts';
import type { Bench } from './record.ts';

/** Every matmul variant at the shapes of two models, turn by turn. */
export async function benchKernels(bench: Bench): Promise<void> {
  const { gpu, roofs, tiny } = bench;
  const found = await benchMatmuls(gpu, {
    rounds: bench.repeats,
    ...(tiny ? { shapes: [[8, 4, 4]], milliseconds: 0 } : {}),
  });
  for (const { name, shape, adapter, rounds, medianMs, spreadMs, gigaflops } of found) {
    const [rows, inner, columns] = shape;
    await bench.report({
      suite: 'kernels',
      name,
      shapes: { rows, inner, columns },
      adapter,
      host: bench.host,
      runs: rounds,
      firstMs: null,
      medianMs,
      spreadMs,
      tokensPerSecond: null,
      flops: 2 * rows * inner * columns,
      bytes: 4 * (rows * inner + inner * columns + rows * columns),
      roof: { kind: 'matmul', share: gigaflops / roofs.matmulGigaflops },
    });
  }
}

const standardModel = () =>
  drawnConfig(configFrom('standard', undefined, 'bench'), 'the benchmark').model;

/**
 * The kernels that the suites use and that must compute right: the kernels of `standard`, forward
 * and backward, and of decoding.
 */
export const benchedUse = (): KernelUse => ({
  headDim: standardModel().headDim,
  training: true,
  cache: 'f32',
});

/** Measures the matmul variants at the shapes that experiments and the reference training use. */
export function tuneKernels(
  gpu: Gpu,
  { tiny, repeats }: { readonly tiny: boolean; readonly repeats: number },
): Promise<VariantChoices> {
  const { hiddenSize, intermediateSize, heads, kvHeads, headDim } = standardModel();
  const fused = (heads + 2 * kvHeads) * headDim;
  // Rows of a decode step, a micro-batch and a prefill.
  const experiment = [256, 512, 2048].flatMap(
    (rows) =>
      [
        [rows, hiddenSize, fused],
        [rows, heads * headDim, hiddenSize],
        [rows, hiddenSize, 2 * intermediateSize],
        [rows, intermediateSize, hiddenSize],
      ] as const,
  );
  const shapes = tiny ? ([[8, 4, 4]] as const) : [...matmulShapes.reference, ...experiment];
  const halves = shapes.flatMap((shape) => [
    forwardCase(shape, 'f16'),
    backwardInputCase(shape, 'f16'),
  ]);
  const cases = [...casesOf(shapes), ...halves] as readonly TuningCase[];
  return tuneVariants(gpu, cases, benchedUse(), {
    rounds: repeats,
    milliseconds: tiny ? 0 : 40,
  });
}
