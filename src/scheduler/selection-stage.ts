import { ConfigError } from '../config-error.ts';
import type { ExperimentConfig } from '../config.ts';
import { counted } from '../look/wording.ts';
import type { Gpu } from '../gpu/device.ts';
import { describeBound, thetaBound } from '../lim/bound.ts';
import { unsolvedSignal } from '../lim/matrix.ts';
import { scoreMatrix, type LimResult } from '../lim/score.ts';
import { rewardsOnDevice } from '../lim/pool-rewards.ts';
import type { RewardMatrixTensors } from '../ppo/trainer.ts';
import type { LimSummary, SeedResults, SelectionSummary } from '../results.ts';
import { trainingOrder } from '../run-plan.ts';
import type { Cut } from '../selection/cut.ts';
import { type Need, needs, select, type SelectionPool } from '../selection/method.ts';
import { lim as limMethod } from '../selection/lim.ts';
import { methodEntries, methodLabel, selectionOf } from '../selection/methods.ts';
import type { PoolPrompt, Task } from '../tasks/task.ts';
import type { Pool } from './pool.ts';
import type { Selections } from './progress.ts';
import { readMatrix, type HostMatrix } from './reward-matrix.ts';

/** The pool's scores and LIM's selection. */
interface ScoredPool {
  readonly result: LimResult;
  /** The input of the other methods. */
  readonly from: SelectionPool;
  /** The scores that were compared with the cut; NaN if a prompt has none. */
  readonly scores: Float64Array;
  readonly kept: number[];
}

/** The outcome of a FULL pass. */
export interface SelectionStage {
  readonly scores: Float64Array;
  readonly selections: Selections;
  readonly summary: SeedResults & { readonly lim: LimSummary };
  /** Sentences that a reader of the results must know. */
  readonly warnings: readonly string[];
  /** The reward matrix behind the scores. */
  readonly matrix: HostMatrix;
}

/** What a selection reads, beside the config and the pool. */
export interface SelectionInputs {
  /** The matrix that the rollouts of FULL filled. */
  readonly matrix: RewardMatrixTensors;
  /** As in `SelectionPool`. */
  readonly listed?: SelectionPool['listed'];
  readonly answers?: SelectionPool['answers'];
}

/**
 * Checks before a run that its task tells what its methods need to know of prompts.
 *
 * @throws ConfigError naming method and need.
 */
export function expectSelectable(
  config: ExperimentConfig,
  seed: number,
  task: Pick<Task, 'name' | 'pool'>,
): void {
  const chosen = config.experiment.methods.flatMap((name) => selectionOf(name) ?? []);
  const wants = (need: Need) => chosen.find((method) => method.needs.includes(need));
  if (!wants('keys')) return;
  const { keys } = knownKeys({ prompts: task.pool(seed) });
  const lacks = keys ? wants('strata') : wants('keys');
  if (!lacks || keys?.every(({ origin }) => origin !== undefined)) return;
  throw new ConfigError(
    `experiment.methods: ${lacks.name} needs ${needs[keys ? 'strata' : 'keys']}, ` +
      `which the task ${task.name} does not tell`,
  );
}

/** Scores a pool on the GPU, from the buffers that the rollouts filled, and selects from it. */
export async function selectFromPool(
  gpu: Gpu,
  config: ExperimentConfig,
  pool: Pool,
  inputs: SelectionInputs,
): Promise<SelectionStage> {
  const { matrix: tensors } = inputs;
  const scored = await scorePool(gpu, config, pool, inputs);
  const { scores } = scored;
  const matrix = await readMatrix(gpu, tensors);
  const { selections, warnings } = await selectAll(config, scored);
  const entries = methodEntries(selections);
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
  { matrix: tensors, listed, answers }: SelectionInputs,
): Promise<ScoredPool> {
  const sums = lim.signal === 'accuracy' ? tensors.accuracySums : tensors.rewardSums;
  const matrix = { sums, samples: tensors.samples };
  const result = await scoreMatrix(gpu, matrix, {
    theta: lim.theta,
    rule: lim.compat,
    unsolved: unsolvedSignal[lim.signal],
  });
  const scored = pool.size - result.unscored.length;
  const from: SelectionPool = {
    prompts: pool.size,
    seed: pool.seed,
    scores: result,
    rewards: rewardsOnDevice(gpu, matrix, lim.compat),
    shares: rewardsOnDevice(gpu, { ...matrix, sums: tensors.accuracySums }, lim.compat),
    counted: true,
    ...knownKeys(pool),
    ...(listed && { listed }),
    ...(answers && { answers }),
    source: 'this run',
  };
  const cut: Cut =
    lim.count === undefined ? { threshold: lim.theta } : { count: Math.min(lim.count, scored) };
  const chosen = await select(limMethod, from, cut);
  return { result, from, scores: chosen.scores ?? result.scores, kept: [...chosen.indices] };
}

/**
 * Selects the prompts of every method that chooses before it trains. A method that gets fewer prompts than it asked
 * for adds a warning.
 */
async function selectAll(
  config: ExperimentConfig,
  { from, kept }: ScoredPool,
): Promise<{ selections: Selections; warnings: string[] }> {
  const selections: Selections = {};
  const warnings: string[] = [];
  for (const name of trainingOrder(config)) {
    if (name === 'lim') {
      selections.lim = kept;
      continue;
    }
    const method = selectionOf(name);
    if (!method) continue;
    const cut = method.arm?.(kept.length, config.lim) ?? { count: kept.length };
    const { indices, shortfall } = await select(method, { ...from, limKept: kept }, cut);
    selections[name] = [...indices];
    if (shortfall !== undefined) {
      const asked = 'count' in cut ? `, not ${cut.count}` : '';
      warnings.push(
        `seed ${from.seed}: ${methodLabel(name)} kept ${countedPrompts(indices.length)}${asked}: ` +
          `${shortfall}${indices.length === 0 ? ', so that it is not trained' : ''}`,
      );
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

/** A sentence if LIM keeps nothing, or less than was asked for. */
function limShortfall(
  { lim: { theta, count } }: ExperimentConfig,
  seed: number,
  { scores, kept }: ScoredPool,
): string[] {
  if (kept.length > 0) {
    return count !== undefined && kept.length < count
      ? [
          `seed ${seed}: LIM kept ${countedPrompts(kept.length)}, not ${count}: no other has a score`,
        ]
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

/** The keys of a pool, if the task tells of every prompt whether its key is wrong on purpose. */
function knownKeys({
  prompts,
}: {
  readonly prompts: readonly PoolPrompt[];
}): Pick<SelectionPool, 'keys'> {
  const keys = prompts.flatMap(({ origin, wrongKey }) =>
    wrongKey === undefined ? [] : [{ ...(origin === undefined ? {} : { origin }), wrongKey }],
  );
  return keys.length === prompts.length ? { keys } : {};
}

/** Columns with more values than this tell rows apart rather than kinds of rows. */
const MOST_VALUES = 24;

function summarize(pool: Pool, indices: readonly number[]): SelectionSummary {
  const byOrigin = { easy: 0, learnable: 0, hard: 0 };
  let wrongKeys = 0;
  const byColumn = new Map(kindColumns(pool).map((column) => [column, new Map<string, number>()]));
  for (const index of indices) {
    const { origin, wrongKey, columns = {} } = pool.at(index);
    if (origin !== undefined) byOrigin[origin]++;
    if (wrongKey) wrongKeys++;
    for (const [column, counts] of byColumn) {
      const value = Object.hasOwn(columns, column) ? (columns[column] ?? '') : '';
      counts.set(value, (counts.get(value) ?? 0) + 1);
    }
  }
  const has = (field: 'origin' | 'wrongKey'): boolean =>
    pool.prompts.some((prompt) => prompt[field] !== undefined);
  return {
    prompts: indices.length,
    ...(has('origin') ? { byOrigin } : {}),
    ...(has('wrongKey') ? { wrongKeys } : {}),
    ...(byColumn.size > 0
      ? {
          byColumn: Object.fromEntries(
            [...byColumn].map(([column, counts]) => [column, Object.fromEntries(counts)]),
          ),
        }
      : {}),
  };
}

/** The columns that sort the pool's rows into a few kinds. */
function kindColumns({ prompts }: Pool): string[] {
  const values = new Map<string, Set<string>>();
  for (const { columns = {} } of prompts) {
    for (const [column, value] of Object.entries(columns)) {
      const found = values.get(column) ?? new Set();
      values.set(column, found.add(value));
    }
  }
  return [...values].flatMap(([column, found]) => (found.size <= MOST_VALUES ? [column] : []));
}

/** The quantiles of the scores at 0, 5, ..., 100 %. */
function quantiles(scores: Float64Array): number[] {
  const sorted = scores.filter((score) => !Number.isNaN(score)).sort();
  if (sorted.length === 0) return [];
  return Array.from(
    { length: 21 },
    (_, i) => sorted[Math.round((i / 20) * (sorted.length - 1))] ?? NaN,
  );
}

const countedPrompts = (prompts: number): string =>
  prompts === 0 ? 'no prompt' : counted(prompts, 'prompt');
