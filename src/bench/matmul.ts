import type { MatmulShape } from '../../kernels/lib/matmul-shape.ts';
import type { Gpu } from '../gpu/device.ts';
import {
  backwardInputCase,
  backwardWeightCase,
  forwardCase,
  type MatmulCase,
} from '../variants/matmul-cases.ts';
import { measureVariants, type VariantTiming } from '../variants/tuning.ts';

/** Rows, inner and outer features of the layers of two models. */
export const matmulShapes = {
  /** B16 T64 C128 F344 V512: qkv, attention output, gate and up, down, head. */
  reference: [
    [1024, 128, 384],
    [1024, 128, 128],
    [1024, 128, 688],
    [1024, 344, 128],
    [1024, 128, 512],
  ],
  /** Layers of a small experiment: C64 F172 V18. */
  small: [
    [1000, 64, 192],
    [1000, 64, 64],
    [1000, 64, 344],
    [1000, 172, 64],
    [1000, 64, 18],
  ],
} as const satisfies Readonly<Record<string, readonly MatmulShape[]>>;

/** Every product of layers of the given shapes. */
export const casesOf = (shapes: readonly MatmulShape[]): MatmulCase[] =>
  shapes.flatMap((shape) => [
    forwardCase(shape),
    backwardInputCase(shape),
    backwardWeightCase(shape),
  ]);

/** One line of the kernel suite. */
export interface MatmulResult {
  readonly name: string;
  readonly shape: MatmulShape;
  readonly adapter: string;
  readonly rounds: number;
  readonly medianMs: number;
  /** Fastest and slowest round. */
  readonly spreadMs: readonly [number, number];
  readonly gigaflops: number;
}

const resultOf = (gpu: Gpu, timing: VariantTiming<MatmulShape>): MatmulResult => ({
  name: `${timing.family}/${timing.variant} ${timing.shape.join('x')}`,
  shape: timing.shape,
  adapter: gpu.name,
  rounds: timing.milliseconds.length,
  medianMs: timing.medianMs,
  spreadMs: [Math.min(...timing.milliseconds), Math.max(...timing.milliseconds)],
  gigaflops: timing.gigaflops,
});

/**
 * The matmul part of the kernel suite: every variant at the given shapes. The variants take turns.
 *
 * @param onResult Called after each case, for output while it runs.
 */
export async function benchMatmuls(
  gpu: Gpu,
  options: {
    readonly shapes?: readonly MatmulShape[];
    readonly rounds?: number;
    readonly milliseconds?: number;
    readonly onResult?: (result: MatmulResult) => void;
  } = {},
): Promise<MatmulResult[]> {
  const {
    shapes = [...matmulShapes.reference, ...matmulShapes.small],
    onResult,
    ...rest
  } = options;
  const results: MatmulResult[] = [];
  for (const entry of casesOf(shapes)) {
    for (const timing of await measureVariants(gpu, [entry], rest)) {
      const result = resultOf(gpu, timing);
      results.push(result);
      onResult?.(result);
    }
  }
  return results;
}
