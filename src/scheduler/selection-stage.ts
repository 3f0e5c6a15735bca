import type { ExperimentConfig } from '../config.ts';
import type { MethodName } from '../vocabulary/methods.ts';
import type { Gpu } from '../gpu/device.ts';
import { describeBound, thetaBound } from '../lim/bound.ts';
import { unsolvedSignal, type RewardMatrix } from '../lim/matrix.ts';
import { scoreMatrix, type LimResult } from '../lim/score.ts';
import { selectLim, selectLinear, selectRandom } from '../lim/selection.ts';
import type { RewardMatrixTensors } from '../ppo/trainer.ts';
import type { LimSummary, SeedResults, SelectionSummary } from '../results.ts';
import { trainingOrder } from '../run-plan.ts';
import type { Pool } from './pool.ts';
import type { Selections } from './progress.ts';
import { readMatrix, type HostMatrix } from './reward-matrix.ts';

/** The pool's scores and what LIM keeps of it. */
interface ScoredPool {
  readonly result: LimResult;
  /** As they were compared with the cut; NaN where a prompt has none. */
  readonly scores: Float64Array;
  readonly kept: number[];
}

/** What comes of a FULL pass. */
export interface SelectionStage {
  readonly scores: Float64Array;
  readonly selections: Selections;
  readonly summary: SeedResults & { readonly lim: LimSummary };
  /** What a reader of the results must know of them. */
  readonly warnings: readonly string[];
  /** What they came from. */
  readonly matrix: HostMatrix;
}

/** Scores a pool on the GPU from the buffers that the rollouts filled, and selects from it. */
export async function selectFromPool(
  gpu: Gpu,
  config: ExperimentConfig,
  pool: Pool,
  tensors: RewardMatrixTensors,
): Promise<SelectionStage> {
  const { lim, experiment } = config;
  const scored = await scorePool(gpu, config, pool, tensors);
  const { scores, kept } = scored;
  const matrix = await readMatrix(gpu, tensors);
  const { selections, warnings } = await select(config, pool, kept, {
    prompts: pool.size,
    epochs: experiment.epochs,
    sums: lim.signal === 'accuracy' ? matrix.accuracySums : matrix.rewardSums,
    samples: matrix.samples,
  });
  const entries = Object.entries(selections) as [MethodName, number[]][];
  return {
    scores,
    selections,
    summary: {
      seed: pool.seed,
      lim: limSummary(config, scored),
      pool: summarize(pool, pool.all),
      selections: Object.fromEntries(
        entries.map(([method, indices]) => [method, summarize(pool, indices)]),
      ),
      scoreQuantiles: quantiles(scores),
    },
    warnings: [...limShortfall(config, pool.seed, scored), ...warnings],
    matrix,
  };
}

async function scorePool(
  gpu: Gpu,
  { lim }: ExperimentConfig,
  pool: Pool,
  tensors: RewardMatrixTensors,
): Promise<ScoredPool> {
  const sums = lim.signal === 'accuracy' ? tensors.accuracySums : tensors.rewardSums;
  const result = await scoreMatrix(
    gpu,
    { sums, samples: tensors.samples },
    { theta: lim.theta, rule: lim.compat, unsolved: unsolvedSignal[lim.signal] },
  );
  const scored = pool.size - result.unscored.length;
  const chosen = await selectLim(
    result,
    lim.count === undefined ? { threshold: lim.theta } : { count: Math.min(lim.count, scored) },
  );
  return { result, scores: chosen.scores ?? result.scores, kept: [...chosen.indices] };
}

/** Prompts of every method but FULL, and a sentence for each that got fewer than it asked for. */
async function select(
  config: ExperimentConfig,
  { seed, size }: Pool,
  kept: number[],
  matrix: RewardMatrix,
): Promise<{ selections: Selections; warnings: string[] }> {
  const selections: Selections = {};
  const warnings: string[] = [];
  for (const method of trainingOrder(config)) {
    if (method === 'lim') selections.lim = kept;
    if (method === 'rand') selections.rand = [...selectRandom(size, kept.length, seed).indices];
    if (method === 'linear') {
      const count = Math.round(config.lim.linearShare * kept.length);
      const { indices, shortfall } = await selectLinear(matrix, { count });
      selections.linear = [...indices];
      if (shortfall !== undefined) {
        warnings.push(
          `seed ${seed}: LINEAR kept ${counted(indices.length)}, not ${count}: ${shortfall}` +
            (indices.length === 0 ? ', so that it is not trained' : ''),
        );
      }
    }
  }
  return { selections, warnings };
}

function limSummary({ lim }: ExperimentConfig, { result, scores, kept }: ScoredPool): LimSummary {
  const lowest = kept.reduce((least, prompt) => Math.min(least, scores[prompt] ?? NaN), Infinity);
  const byCount = lim.count !== undefined && kept.length > 0;
  const bound = byCount
    ? thetaBound(
        [...result.meanCurve].flatMap((mean) => (Number.isNaN(mean) ? [] : [1 - mean])),
        lowest,
        unsolvedSignal[lim.signal],
      )
    : result.bound;
  const cut = byCount
    ? `the cut at the ${lim.count ?? 0} highest, down to a score of ${lowest.toFixed(3)},`
    : `theta ${lim.theta}`;
  const works = bound.rejectsNeverSolved && bound.rejectsAlwaysSolved;
  return {
    signal: lim.signal,
    compat: lim.compat,
    theta: lim.theta,
    ...(lim.count === undefined ? {} : { count: lim.count }),
    ...(byCount ? { lowestKept: lowest } : {}),
    kept: kept.length,
    meanCurve: [...result.meanCurve],
    neverSolved: bound.neverSolvedScore,
    alwaysSolved: bound.alwaysSolvedScore,
    warning: works ? '' : describeBound(bound, cut),
  };
}

/** A sentence where LIM keeps nothing, or less than was asked for. */
function limShortfall(
  { lim: { theta, count } }: ExperimentConfig,
  seed: number,
  { scores, kept }: ScoredPool,
): string[] {
  if (kept.length > 0) {
    return count !== undefined && kept.length < count
      ? [`seed ${seed}: LIM kept ${counted(kept.length)}, not ${count}: no other has a score`]
      : [];
  }
  const highest = scores.reduce((most, score) => (score > most ? score : most), -Infinity);
  const most = Number.isFinite(highest) ? `the highest is ${highest.toFixed(3)}` : 'there is none';
  const why =
    count === undefined ? `no score reaches theta ${theta} (${most})` : 'none has a score';
  return [
    `seed ${seed}: LIM kept no prompt, for ${why}; ` +
      'selections that take their size from it are empty too, and none of them is trained',
  ];
}

function summarize(pool: Pool, indices: readonly number[]): SelectionSummary {
  const byOrigin = { easy: 0, learnable: 0, hard: 0 };
  let wrongKeys = 0;
  for (const index of indices) {
    const prompt = pool.at(index);
    byOrigin[prompt.origin]++;
    if (prompt.wrongKey) wrongKeys++;
  }
  return { prompts: indices.length, byOrigin, wrongKeys };
}

/** Scores at 0, 5, ..., 100 % of the scored prompts. */
function quantiles(scores: Float64Array): number[] {
  const sorted = scores.filter((score) => !Number.isNaN(score)).sort();
  if (sorted.length === 0) return [];
  return Array.from(
    { length: 21 },
    (_, i) => sorted[Math.round((i / 20) * (sorted.length - 1))] ?? NaN,
  );
}

const counted = (prompts: number): string =>
  prompts === 0 ? 'no prompt' : `${prompts} prompt${prompts === 1 ? '' : 's'}`;
