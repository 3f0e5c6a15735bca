import { comparable, identityOf } from '../formats/conversation.ts';
import { fieldOf } from '../formats/json.ts';
import type { PromptRow } from '../formats/prompts.ts';
import type { ScoreRow } from '../formats/score-file.ts';
import { placesOf, type SubsetRow } from '../formats/subset-rows.ts';
import { ExactCurve, exactScore } from '../lim/exact.ts';
import type { RewardMatrix } from '../lim/matrix.ts';
import { rewardsInMemory } from '../lim/pool-rewards.ts';
import { type Cut, type Scored, scoreTolerance } from '../selection/cut.ts';
import { isSubsetFile, pathOfSubset } from '../selection/file.ts';
import { lim } from '../selection/lim.ts';
import {
  isStatic,
  lacking,
  needs,
  select,
  type PromptKey,
  type Selection,
  type SelectionPool,
  type StaticMethod,
} from '../selection/method.ts';
import { methodOf, type MethodName } from '../selection/methods.ts';
import { ImportError } from './import-error.ts';

/** How `limr select` and the page choose rows of a score file. */
export interface ChoiceOptions {
  readonly threshold?: number | undefined;
  readonly count?: number | undefined;
  /** Seed of methods that draw at random, in [0, 2^32). */
  readonly seed?: number;
  /** Answers behind every reward, for a file that does not tell. */
  readonly samples?: number | undefined;
  /** Reads the list of prompts that a method names as a file. */
  readonly readList?: (path: string) => Promise<readonly SubsetRow[]>;
}

/** The rows that are chosen of a score file. */
export interface ChosenRows {
  readonly selection: Selection;
  /** Scores at the cut that do not follow from their rewards, and were taken as they are. */
  readonly differing: number;
}

/**
 * Chooses rows of a score file. Scores near a threshold are computed again in float64 where the file
 * has their curves.
 *
 * @throws ImportError naming the option or the row at fault; SelectionError if a count is too large.
 */
export async function chooseRows(
  rows: readonly ScoreRow[],
  name: MethodName,
  options: ChoiceOptions = {},
): Promise<ChosenRows> {
  const { threshold, count, samples: answers, readList } = options;
  const method = methodOf(name);
  if (!isStatic(method)) {
    throw new ImportError(`--method ${name}: it chooses while it trains, from no scores`);
  }
  if (count !== undefined && threshold !== undefined) {
    throw new ImportError('--threshold and --count exclude each other');
  }
  if (isSubsetFile(name) && (count !== undefined || threshold !== undefined)) {
    throw new ImportError(`--method ${name}: the file lists the prompts, it takes no size`);
  }
  const listed =
    isSubsetFile(name) && readList
      ? placesOf(await readList(pathOfSubset(name)), rows, 'the score file')
      : undefined;
  const { scored, differing } = limScores(rows);
  const epochs = rows.find(({ curve }) => curve)?.curve?.length ?? 0;
  if (method.epochs !== undefined && method.epochs > epochs && epochs > 0) {
    throw new ImportError(
      `--method ${name}: it reads ${method.epochs} data epochs, this file has ${epochs}`,
    );
  }
  const known: SelectionPool = {
    prompts: rows.length,
    seed: options.seed ?? 0,
    scores: scored,
    ...rewardsOf(rows, answers),
    ...keysOf(rows),
    ...(listed && { listed: () => listed }),
    source: 'this file',
  };
  const cutOf = async ({ usualSize }: StaticMethod): Promise<Cut> => {
    if (count !== undefined) return { count };
    if (usualSize === 'all' || usualSize === 'own') return { count: rows.length };
    if (usualSize !== 'as LIM') return { threshold: threshold ?? usualSize.threshold };
    return { count: (await limKept()).length };
  };
  const limKept = async (): Promise<readonly number[]> =>
    (await select(lim, known, await cutOf(lim))).indices;
  const pool = method.needs.includes('limKept') ? { ...known, limKept: await limKept() } : known;
  const need = lacking(method, pool);
  if (need !== undefined) {
    throw new ImportError(`--method ${name} needs ${needs[need]}, which ${pool.source} lacks`);
  }
  const selection = await select(method, pool, await cutOf(method));
  return { selection, differing: differing() };
}

/**
 * LIM scores of a file. Scores of f32 precision near the threshold are computed again in float64
 * from the curves in the file, if the file has curves and the scores follow from them.
 */
function limScores(rows: readonly ScoreRow[]): {
  readonly scored: Scored;
  /** Number of recomputed scores, so far, that do not follow from their curves. */
  readonly differing: () => number;
} {
  const scores = rows.map(({ score }) => score);
  const scoredRows = withScores(rows);
  if (!rows.some(({ curve }) => curve !== undefined)) {
    return { scored: { scores }, differing: () => 0 };
  }
  let differing = 0;
  const exact = (prompts: readonly number[]): Promise<Float64Array> => {
    const matrix = prompts.length > 0 ? curvesOf(scoredRows) : undefined;
    if (!matrix) return Promise.resolve(Float64Array.from(prompts, (p) => scores[p] ?? NaN));
    const curve = new ExactCurve(matrix.epochs);
    curve.add(matrix);
    const deficits = curve.deficits();
    return Promise.resolve(
      Float64Array.from(prompts, (p) => {
        const stored = scores[p] ?? NaN;
        const again = exactScore(matrix, p, deficits);
        if (Math.abs(again - stored) <= scoreTolerance * Math.max(1, Math.abs(stored)))
          return again;
        differing++;
        return stored;
      }),
    );
  };
  return { scored: { scores, exact }, differing: () => differing };
}

/** The curves of a score file as a matrix with one sample per entry; undefined without curves. */
function curvesOf(rows: readonly Pick<ScoreRow, 'curve'>[]): RewardMatrix | undefined {
  const epochs = rows.find(({ curve }) => curve !== undefined)?.curve?.length;
  if (epochs === undefined) return undefined;
  const sums = new Float64Array(rows.length * epochs);
  const samples = new Uint32Array(rows.length * epochs);
  for (const [p, { curve }] of rows.entries()) {
    for (const [k, value] of (curve ?? []).entries()) {
      if (Number.isNaN(value)) continue;
      sums[p * epochs + k] = value;
      samples[p * epochs + k] = 1;
    }
  }
  return { prompts: rows.length, epochs, sums, samples };
}

/**
 * The same matrix as counts of right answers; undefined if the number of answers is not known.
 *
 * @param given Number of answers behind every share, from the option.
 * @throws ImportError naming the row whose share is none of so many answers.
 */
function countsOf(
  matrix: RewardMatrix,
  rows: readonly ScoreRow[],
  given: number | undefined,
): RewardMatrix | undefined {
  if (given === undefined && !rows.every(({ curve, samples }) => !curve || samples)) {
    return undefined;
  }
  const { prompts, epochs } = matrix;
  const samples = matrix.samples.map((present, i) =>
    present === 0 ? 0 : (given ?? rows[Math.floor(i / epochs)]?.samples?.[i % epochs] ?? 0),
  );
  const sums = Float64Array.from(matrix.sums, (share, i) => {
    const count = samples[i] ?? 0;
    const right = Math.round(share * count);
    if (Math.abs(share * count - right) <= 1e-4) return right;
    const where = rows[Math.floor(i / epochs)]?.where ?? '';
    throw new ImportError(
      `${where}: rewards[${i % epochs}] is ${share}, no share of ${count} answers`,
    );
  });
  return { prompts, epochs, sums, samples };
}

/** What a pool knows of the rewards in a score file. */
function rewardsOf(
  rows: readonly ScoreRow[],
  given: number | undefined,
): Pick<SelectionPool, 'rewards' | 'shares' | 'counted'> {
  const matrix = curvesOf(rows);
  if (!matrix) {
    if (given === undefined) return {};
    throw new ImportError('--samples: the file has no rewards');
  }
  if (given !== undefined && rows.some(({ samples }) => samples)) {
    throw new ImportError('--samples: the file has its own numbers of samples');
  }
  const scored = curvesOf(withScores(rows)) ?? matrix;
  const rewards = {
    ...rewardsInMemory(matrix),
    scoreLim: rewardsInMemory(scored).scoreLim,
  };
  if (!matrix.sums.every((share) => share >= 0 && share <= 1)) {
    if (given === undefined) return { rewards };
    throw new ImportError('--samples: the rewards are no shares of right answers');
  }
  const counts = countsOf(scored, rows, given);
  if (!counts) return { rewards, shares: rewards };
  const shares = { ...rewards, scoreLim: rewardsInMemory(counts).scoreLim };
  // A single answer tells nothing of its noise.
  return { rewards, shares, counted: !counts.samples.includes(1) };
}

/** A prompt without a score is in no mean: it was dropped, or has no entry. */
const withScores = (rows: readonly ScoreRow[]): ScoreRow[] =>
  rows.map((row) => (Number.isNaN(row.score) ? { ...row, curve: undefined } : row));

/** What a run's score file tells of each prompt's key; nothing in other files. */
function keysOf(rows: readonly ScoreRow[]): Pick<SelectionPool, 'keys'> {
  const keys = rows.flatMap(({ record }): PromptKey[] => {
    const [origin, wrongKey] = [fieldOf(record, 'origin'), fieldOf(record, 'wrongKey')];
    if (typeof wrongKey !== 'boolean') return [];
    return [{ ...(typeof origin === 'string' ? { origin } : {}), wrongKey }];
  });
  return keys.length === rows.length && rows.length > 0 ? { keys } : {};
}

/**
 * The rows to write: rows of the prompt file, matched by id or text, else rows of the score file.
 */
export function keptRows(
  rows: readonly ScoreRow[],
  selection: Selection,
  pool: readonly PromptRow[] | undefined,
): PromptRow[] {
  const chosen = selection.indices.flatMap((index) => rows[index] ?? []);
  if (!pool) return chosen;
  const ids = new Set(chosen.flatMap(({ id }) => id ?? []));
  const own = new Set(chosen.filter(({ id }) => id === undefined).map(identityOf));
  const whole = new Set(chosen.map(identityOf));
  // A score file may hold only the last turn of a conversation.
  const turns = new Set(
    chosen.filter(({ messages }) => !messages).map(({ prompt }) => comparable(prompt)),
  );
  // A row with an id is matched by the id if the scores have ids, else by its conversation.
  return pool.filter((row) => {
    if (row.id !== undefined && ids.size > 0) return ids.has(row.id) || own.has(identityOf(row));
    return whole.has(identityOf(row)) || turns.has(comparable(row.prompt));
  });
}
