import { limDebias, noiseDrowns } from '../../kernels/lim-debias.ts';
import { limFill } from '../../kernels/lim-fill.ts';
import { limMean, stripesOf } from '../../kernels/lim-mean.ts';
import { limReduce, rowsPerPass } from '../../kernels/lim-reduce.ts';
import { deficitBytes, limScore, noScore, scoreLanes } from '../../kernels/lim-score.ts';
import { ShapeError } from '../../kernels/lib/errors.ts';
import { matrixColumns } from '../../kernels/matrix-columns.ts';
import type { Tensor } from '../../kernels/lib/tensor.ts';
import type { Gpu } from '../gpu/device.ts';
import { copyStep, type Step } from '../gpu/plan.ts';
import { debiasTolerance, isClose, scoreTolerance } from '../selection/cut.ts';
import type { MissingRule } from '../vocabulary/signals.ts';
import { thetaBound, type ThetaBound } from './bound.ts';
import { fillRows } from './fill.ts';
import { ExactCurve, exactScore } from './exact.ts';
import { type Chunk, type ChunkOptions, chunksOf, type Own, runOnce } from './chunks.ts';
import {
  type AnyMatrix,
  firstEpochs,
  isTensors,
  type MatrixTensors,
  type RewardMatrix,
  shapeOf,
} from './matrix.ts';
import { blocksOf, someRows } from './readback.ts';

export interface LimOptions extends ChunkOptions {
  /**
   * The threshold: prompts that score at least this much are kept. Default 0.6, as in the paper.
   */
  readonly theta?: number;
  readonly rule?: MissingRule;
  /**
   * Signal of a never-solved prompt, for the bound; see `unsolvedSignal`. Default 0, for accuracy.
   */
  readonly unsolved?: number;
  /** Number of the first data epochs that count. Default: all. */
  readonly epochs?: number;
  /**
   * Whether the binomial noise of the counts is taken out of the scores: `shaders/lim-debias.wgsl`.
   * The matrix must hold sums and samples of right answers. Default: false.
   */
  readonly debias?: boolean;
}

/** The result of LIM on a reward matrix. */
export interface LimResult {
  readonly rule: MissingRule;
  readonly theta: number;
  /**
   * One score per prompt. NaN if the prompt has none: never present, dropped, or 0 / 0 on an
   * all-ones curve.
   */
  readonly scores: Float64Array;
  /** Mean signal per data epoch; NaN where no prompt is present. */
  readonly meanCurve: Float64Array;
  /** Number of prompts in the mean of each epoch. */
  readonly entries: Uint32Array;
  /** Prompts with score >= theta, ascending. */
  readonly kept: readonly number[];
  /** Prompts without a score, ascending. */
  readonly unscored: readonly number[];
  /** Number of prompts so close to theta that float64 decided. */
  readonly decidedExactly: number;
  readonly bound: ThetaBound;
  /** Scores differ from float64 scores by at most this times max(1, |score|). */
  readonly tolerance: number;
  /**
   * Computes float64 scores of some prompts, by reading the matrix again. The scored tensors or
   * arrays must not have changed since.
   */
  readonly exact: (prompts: readonly number[]) => Promise<Float64Array>;
}

/**
 * Computes LIM scores of a reward matrix on the GPU in three passes: fill (if the rule fills), mean
 * curve, scores. Scores are f32. Scores within `scoreTolerance` of theta are computed again in
 * float64, so that rounding never decides who is kept. Only then is the matrix read back: in blocks
 * for the curve, and by rows for those prompts.
 *
 * @param matrix Tensors, or host arrays (uploaded in chunks), of sums and samples or of values.
 *   Epochs that were not run count as missing.
 * @throws ShapeError if sizes contradict each other, there is nothing to score, or the counts to
 *   debias are missing.
 */
export async function scoreMatrix(
  gpu: Gpu,
  given: AnyMatrix,
  options: LimOptions = {},
): Promise<LimResult> {
  const { theta = 0.6, rule = 'corrected', unsolved = 0, debias = false } = options;
  const [prompts, columns] = shapeOf(given);
  const { epochs = columns } = options;
  if (epochs > columns) {
    throw new ShapeError(`lim: ${epochs} data epochs wanted, the matrix has ${columns}`);
  }
  if (debias && 'values' in given) {
    throw new ShapeError('lim: to debias, the number of samples behind each entry must be known');
  }
  const matrix = isTensors(given) ? given : firstEpochs(given, epochs);
  const tolerance = debias ? debiasTolerance : scoreTolerance;
  if (!(prompts > 0 && epochs > 0)) {
    throw new ShapeError(`lim: nothing to score in ${prompts} prompts x ${epochs} epochs`);
  }
  const owned: Tensor[] = [];
  const own: Own = (name, shape, dtype, purpose = 'rewards') => {
    const tensor = gpu.tensor(name, shape, dtype, purpose);
    owned.push(tensor);
    return tensor;
  };
  const chunks = chunksOf(gpu, matrix, options, { fills: rule === 'limr', epochs }, own);
  try {
    const { curve, entries, scores } = await runPasses(gpu, chunks, { epochs, rule, debias }, own);
    const reached = [...curve].filter((_, k) => (entries[k] ?? 0) > 0);

    let exactDeficits: Float64Array | undefined;
    const settle = (rows: RewardMatrix): RewardMatrix => {
      const counted = firstEpochs(rows, epochs);
      return rule === 'limr' ? fillRows(counted) : counted;
    };
    const exact = async (wanted: readonly number[]): Promise<Float64Array> => {
      if (wanted.length === 0) return new Float64Array(0);
      if (!exactDeficits) {
        const sum = new ExactCurve(epochs);
        for await (const block of blocksOf(gpu, matrix)) sum.add(settle(block));
        exactDeficits = sum.deficits();
      }
      const known = exactDeficits;
      const rows = settle(await someRows(gpu, matrix, wanted));
      return Float64Array.from(wanted, (_, i) => exactScore(rows, i, known, debias));
    };

    const { above, close, unscored } = triage(scores, theta, tolerance);
    const settled = await exact(close);
    for (const [i, prompt] of close.entries()) scores[prompt] = settled[i] ?? NaN;
    const raised = close.filter((prompt) => (scores[prompt] ?? NaN) >= theta);
    return {
      rule,
      theta,
      scores,
      meanCurve: curve.map((deficit, k) => ((entries[k] ?? 0) > 0 ? 1 - deficit : NaN)),
      entries,
      kept: raised.length === 0 ? above : [...above, ...raised].sort((a, b) => a - b),
      unscored,
      tolerance,
      decidedExactly: close.length,
      bound: thetaBound(
        exactDeficits?.filter((_, k) => (entries[k] ?? 0) > 0) ?? reached,
        theta,
        unsolved,
      ),
      exact,
    };
  } finally {
    await gpu.idle();
    gpu.destroy(...owned);
  }
}

/**
 * Sorts prompts into those above theta, those that float64 must decide, and those without a score.
 * Scores of the last group become NaN.
 */
function triage(scores: Float64Array, theta: number, tolerance: number) {
  const above: number[] = [];
  const close: number[] = [];
  const unscored: number[] = [];
  // A cheap first test, as the loop runs over all prompts: every close score is within `near`.
  const near = 2 * tolerance * Math.max(1, Math.abs(theta));
  for (let prompt = 0; prompt < scores.length; prompt++) {
    const score = scores[prompt] ?? NaN;
    if (score > noScore) {
      const open = Math.abs(score - theta) <= near && isClose(score, theta, tolerance);
      if (open || score === noiseDrowns) close.push(prompt);
      else if (score >= theta) above.push(prompt);
    } else {
      scores[prompt] = NaN;
      unscored.push(prompt);
    }
  }
  return { above, close, unscored };
}

/** The results of the passes on the device. */
interface Passes {
  /** 1 - mean signal per epoch. */
  readonly curve: Float64Array;
  readonly entries: Uint32Array;
  readonly scores: Float64Array;
}

/** The steps and scores of one chunk. */
interface ChunkPasses {
  readonly chunk: Chunk;
  /** Cuts and fills the rows. */
  readonly prepare: readonly Step[];
  readonly mean: Step;
  readonly score: readonly Step[];
  readonly scores: Tensor;
}

/**
 * Runs all passes. If every chunk has its own memory, the passes are one plan, and for a small
 * matrix one submit. A streamed matrix is loaded twice: for its curve and for its scores.
 */
async function runPasses(
  gpu: Gpu,
  chunks: readonly Chunk[],
  { epochs, rule, debias }: Required<Pick<LimOptions, 'epochs' | 'rule' | 'debias'>>,
  own: Own,
): Promise<Passes> {
  const stripes = chunks.map((chunk) => stripesOf(chunk.count, epochs));
  const partials = partialSums(own, sum(stripes), epochs);
  const { steps: curveSteps, deficits, entries } = curveOf(own, partials, epochs);
  const lanes = scoreLanes(gpu.kind, epochs);
  const passes = chunks.map((chunk, i): ChunkPasses => {
    const scores = own('lim scores', [chunk.count], 'f32');
    return {
      chunk,
      prepare: [
        ...(chunk.whole ? columnSteps(chunk.whole, chunk.raw) : []),
        ...(rule === 'limr' ? [limFill(chunk.raw, chunk.used)] : []),
      ],
      mean: limMean({ ...chunk.used, ...partials }, { firstStripe: sum(stripes.slice(0, i)) }),
      score: [
        limScore({ ...chunk.used, deficits, scores }, { lanes }),
        ...(debias && 'sums' in chunk.used ? [limDebias({ ...chunk.used, deficits, scores })] : []),
      ],
      scores,
    };
  });
  if (chunks.some(({ load }) => load)) {
    for (const { chunk, prepare, mean } of passes) {
      chunk.load?.();
      await runOnce(gpu, 'lim mean', [...prepare, mean]);
    }
    await runOnce(gpu, 'lim curve', curveSteps);
    for (const { chunk, prepare, score } of passes) {
      chunk.load?.();
      await runOnce(gpu, 'lim scores', [...prepare, ...score]);
    }
  } else {
    await runOnce(gpu, 'lim', [
      ...passes.flatMap(({ prepare, mean }) => [...prepare, mean]),
      ...curveSteps,
      ...passes.flatMap(({ score }) => score),
    ]);
  }
  const scores = new Float64Array(sum(chunks.map(({ count }) => count)));
  for (const { chunk, scores: found } of passes) {
    scores.set(await gpu.read(found, 'f32'), chunk.first);
  }
  return {
    curve: Float64Array.from(await gpu.read({ ...deficits, shape: [1, epochs] }, 'f32')),
    entries: await gpu.read(entries, 'u32'),
    scores,
  };
}

/** Copies the first columns of each tensor. */
function columnSteps(whole: MatrixTensors, raw: MatrixTensors): Step[] {
  if ('values' in whole && 'values' in raw) return [matrixColumns(whole.values, raw.values)];
  if (!('sums' in whole && 'sums' in raw)) throw new ShapeError('lim: a copy of another form');
  return [matrixColumns(whole.sums, raw.sums), matrixColumns(whole.samples, raw.samples)];
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, x) => total + x, 0);

interface PartialSums {
  readonly partials: Tensor;
  readonly entries: Tensor;
}

const partialSums = (own: Own, rows: number, epochs: number): PartialSums => ({
  partials: own('lim partials', [rows, epochs], 'f32'),
  entries: own('lim entries', [rows, epochs], 'u32'),
});

/**
 * Adds up partial sums to the curve: (4, K) deficits, the same row four times, as the score kernels
 * read them.
 */
function curveOf(
  own: Own,
  partials: PartialSums,
  epochs: number,
): { readonly steps: Step[]; readonly deficits: Tensor; readonly entries: Tensor } {
  const steps: Step[] = [];
  let level = partials;
  let rows = level.partials.shape[0] ?? 0;
  do {
    rows = Math.ceil(rows / rowsPerPass);
    const next = partialSums(own, rows, epochs);
    const outputs = { out_partials: next.partials, out_entries: next.entries };
    steps.push(limReduce({ ...level, ...outputs }, { divide: rows === 1 }));
    level = next;
  } while (rows > 1);
  const held = own('lim deficits', [deficitBytes(epochs) / 4], 'f32', 'uniforms');
  const deficits = { ...held, shape: [4, epochs] };
  for (let row = 0; row < 4; row++) {
    const offset = deficits.offset + row * epochs * 4;
    steps.push(copyStep(level.partials, { ...deficits, shape: [1, epochs], offset }));
  }
  return { steps, deficits, entries: level.entries };
}
