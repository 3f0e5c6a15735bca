import { noScore } from '../../kernels/lim-score.ts';
import { ShapeError } from '../../kernels/lib/errors.ts';
import type { Tensor } from '../../kernels/lib/tensor.ts';
import type { Gpu } from '../gpu/device.ts';
import type { Step } from '../gpu/plan.ts';
import { type ChunkOptions, chunksOf, type Own, runOnce } from './chunks.ts';
import { type AnyMatrix, type MatrixTensors, rowOf, shapeOf } from './matrix.ts';
import { someRows } from './readback.ts';

/** A score that depends only on the prompt's own row of the reward matrix. */
export interface RowScore {
  /** Label of the plan on the device. */
  readonly name: string;
  /** The step that scores a chunk. It writes `noScore` for a prompt without a score. */
  readonly step: (tensors: MatrixTensors & { readonly scores: Tensor }) => Step;
  /** The float64 score of a curve. Missing epochs are NaN; the score is NaN if there is none. */
  readonly exact: (curve: Float64Array) => number;
}

/**
 * Scores every prompt on the device. Only the scores are read back, and the rows that `exact`
 * scores in float64.
 *
 * @throws ShapeError if sizes contradict each other or there is nothing to score.
 */
export async function scoreRows(
  gpu: Gpu,
  matrix: AnyMatrix,
  score: RowScore,
  options: ChunkOptions = {},
): Promise<{
  /** Scores as the kernel computed them; NaN if a prompt has no score. */
  readonly scores: Float64Array;
  /** Float64 scores of some prompts. The matrix must not have changed since. */
  readonly exact: (prompts: readonly number[]) => Promise<Float64Array>;
}> {
  const [prompts, epochs] = shapeOf(matrix);
  if (!(prompts > 0 && epochs > 0)) {
    throw new ShapeError(
      `${score.name}: nothing to score in ${prompts} prompts x ${epochs} epochs`,
    );
  }
  const owned: Tensor[] = [];
  const own: Own = (name, shape, dtype, purpose = 'rewards') => {
    const tensor = gpu.tensor(name, shape, dtype, purpose);
    owned.push(tensor);
    return tensor;
  };
  const scores = new Float64Array(prompts);
  try {
    const chunks = chunksOf(gpu, matrix, options, false, own).map((chunk) => {
      const found = own(`${score.name} scores`, [chunk.count], 'f32');
      return { chunk, found, step: score.step({ ...chunk.used, scores: found }) };
    });
    if (chunks.some(({ chunk }) => chunk.load)) {
      for (const { chunk, step } of chunks) {
        chunk.load?.();
        await runOnce(gpu, score.name, [step]);
      }
    } else {
      await runOnce(
        gpu,
        score.name,
        chunks.map(({ step }) => step),
      );
    }
    for (const { chunk, found } of chunks) {
      scores.set(await gpu.read(found, 'f32'), chunk.first);
    }
  } finally {
    await gpu.idle();
    gpu.destroy(...owned);
  }
  for (const [prompt, value] of scores.entries()) if (value <= noScore) scores[prompt] = NaN;
  return {
    scores,
    async exact(wanted) {
      if (wanted.length === 0) return new Float64Array(0);
      const rows = await someRows(gpu, matrix, wanted);
      return Float64Array.from(wanted, (_, i) => score.exact(rowOf(rows, i)));
    },
  };
}
