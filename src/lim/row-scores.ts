import { noScore } from '../../kernels/lim-score.ts';
import { type CurveStatistic, curveScore } from '../../kernels/curve-score.ts';
import { linearScore, undecided } from '../../kernels/linear-score.ts';
import { ShapeError } from '../../kernels/lib/errors.ts';
import type { Tensor } from '../../kernels/lib/tensor.ts';
import type { Gpu } from '../gpu/device.ts';
import type { Step } from '../gpu/plan.ts';
import type { Scored } from '../selection/cut.ts';
import { linearRise } from '../selection/linear.ts';
import type { CurveScore } from '../selection/method.ts';
import { type ChunkOptions, chunksOf, type Own, runOnce } from './chunks.ts';
import { type AnyMatrix, type MatrixTensors, rowOf, shapeOf } from './matrix.ts';
import { someRows } from './readback.ts';

/** A kernel that computes one score for each row of a reward matrix. */
interface RowKernel {
  /** The step that scores a chunk. It writes `noScore` for a prompt without a score. */
  readonly step: (tensors: MatrixTensors & { readonly scores: Tensor }) => Step;
  /** What the kernel writes where f32 is too coarse for the score, if it ever is. */
  readonly undecided?: number;
}

function statistic(name: CurveStatistic): RowKernel {
  return { step: (tensors) => curveScore(tensors, { statistic: name }) };
}

const kernels: Readonly<Record<CurveScore['kernel'], RowKernel>> = {
  'linear-score': { step: (tensors) => linearScore(tensors, { rise: linearRise }), undecided },
  'curve-mean': statistic('mean'),
  'curve-variance': statistic('variance'),
  'curve-group': statistic('group'),
};

/**
 * Scores every prompt on the device; scores that f32 cannot decide are settled in float64. Only the
 * scores are read back, and the rows that `exact` scores. The matrix must not change while `exact`
 * may be called. A prompt without a score gets NaN.
 *
 * @throws ShapeError if sizes contradict each other or there is nothing to score.
 */
export async function scoreRows(
  gpu: Gpu,
  matrix: AnyMatrix,
  { kernel, exact: exactScore, tolerance }: CurveScore,
  options: ChunkOptions = {},
): Promise<Required<Scored> & { readonly scores: Float64Array }> {
  const { step: stepOf, undecided: open } = kernels[kernel];
  const [prompts, epochs] = shapeOf(matrix);
  if (!(prompts > 0 && epochs > 0)) {
    throw new ShapeError(`${kernel}: nothing to score in ${prompts} prompts x ${epochs} epochs`);
  }
  const owned: Tensor[] = [];
  const own: Own = (name, shape, dtype, purpose = 'rewards') => {
    const tensor = gpu.tensor(name, shape, dtype, purpose);
    owned.push(tensor);
    return tensor;
  };
  const scores = new Float64Array(prompts);
  try {
    const chunks = chunksOf(gpu, matrix, options, { fills: false }, own).map((chunk) => {
      const found = own(`${kernel} scores`, [chunk.count], 'f32');
      return { chunk, found, step: stepOf({ ...chunk.used, scores: found }) };
    });
    if (chunks.some(({ chunk }) => chunk.load)) {
      for (const { chunk, step } of chunks) {
        chunk.load?.();
        await runOnce(gpu, kernel, [step]);
      }
    } else {
      await runOnce(
        gpu,
        kernel,
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
  const exact = async (wanted: readonly number[]): Promise<Float64Array> => {
    if (wanted.length === 0) return new Float64Array(0);
    const rows = await someRows(gpu, matrix, wanted);
    return Float64Array.from(wanted, (_, i) => exactScore(rowOf(rows, i)));
  };
  const unsettled: number[] = [];
  for (const [prompt, value] of scores.entries()) {
    if (value <= noScore) scores[prompt] = NaN;
    else if (value === open) unsettled.push(prompt);
  }
  const settled = await exact(unsettled);
  for (const [i, prompt] of unsettled.entries()) scores[prompt] = settled[i] ?? NaN;
  return { scores, exact, tolerance };
}
