import { defineCommand } from 'citty';
import { comparable, identityOf } from '../formats/conversation.ts';
import { readPrompts, type PromptRow, type RowLayout } from '../formats/prompts.ts';
import { readScores, type ScoreRow } from '../formats/score-file.ts';
import { placesOf, readSubset } from '../formats/subset-rows.ts';
import { exportFormats, subsetFile } from '../formats/subsets.ts';
import { fieldOf } from '../formats/json.ts';
import { ExactCurve, exactScore } from '../lim/exact.ts';
import type { RewardMatrix } from '../lim/matrix.ts';
import { rewardsInMemory } from '../lim/pool-rewards.ts';
import { type Cut, type Scored, scoreTolerance } from '../selection/cut.ts';
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
import { counted } from '../look/wording.ts';
import { methodFileName } from '../run-folder/names.ts';
import { isSubsetFile, pathOfSubset } from '../selection/file.ts';
import { lim } from '../selection/lim.ts';
import { isMethodName, methodForms, methodOf, type MethodName } from '../selection/methods.ts';
import { commonArgs, numberOption, optionalNumber, outArg, UsageError } from './arguments.ts';
import { expectFileOut } from './output.ts';
import { withSource } from './sources.ts';
import { system } from './system.ts';

export const command = defineCommand({
  meta: { name: 'select', description: 'the subset that a method keeps of scored prompts' },
  args: {
    scores: { type: 'positional', description: 'score file, as limr score writes', required: true },
    method: {
      type: 'string',
      valueHint: 'name',
      default: 'lim',
      description: `how to choose: ${methodForms} (linear: our own definition)`,
    },
    threshold: {
      type: 'string',
      valueHint: 'T',
      description:
        'keep score >= T (default 0.6, linear 0.7; most others keep as many as lim keeps at T)',
    },
    count: { type: 'string', valueHint: 'N', description: 'keep the N highest, or draw N' },
    seed: { type: 'string', default: '0', description: 'seed of methods that draw at random' },
    samples: {
      type: 'string',
      valueHint: 'N',
      description: 'answers behind every reward, for lim-debiased where the file does not tell',
    },
    prompts: {
      type: 'string',
      valueHint: 'file',
      description: 'prompt file whose rows are kept, instead of the score rows',
    },
    export: {
      type: 'enum',
      options: [...exportFormats],
      description: "write for another engine (default: the input's own format)",
    },
    out: outArg('subset file to write (default under runs/)'),
    json: commonArgs.json,
  },
  async run({ args }) {
    const host = await system();
    const name = methodNamed(args.method);
    const path = args.scores;
    const layoutPath = args.prompts ?? path;
    const { rows, layout } = await withSource(path, readScores);
    const pool =
      args.prompts === undefined ? undefined : await withSource(args.prompts, readPrompts);
    const target: RowLayout = pool?.layout ?? layout;
    const format = args.export;
    const extension = format === undefined ? target : format === 'parquet' ? format : 'jsonl';
    const out =
      args.out ?? (args.json ? undefined : `runs/subset-${methodFileName(name)}.${extension}`);
    if (out !== undefined) await expectFileOut(out, [path, layoutPath]);
    const selection = await choose(rows, name, args, (text) => host.stderr(text));
    const kept = keptRows(rows, selection, pool?.rows);
    await host.stderr(
      `${selection.method}: ${selection.indices.length} of ${counted(rows.length, 'prompt')} (${selection.rule})\n`,
    );
    if (pool) {
      const found = kept.length;
      await host.stderr(`${counted(kept.length, 'row')} of ${layoutPath}\n`);
      if (found === 0 && selection.indices.length > 0) {
        throw new UsageError(`${layoutPath}: none of the prompts kept is in this file`);
      }
    }
    if (kept.length === 0) await host.stderr('no prompt is kept: the subset is empty\n');
    if (out !== undefined) {
      await host.write(out, await subsetFile(kept, target, format));
      await host.stderr(`subset: ${out}\n`);
    }
    if (args.json) {
      const { method, rule } = selection;
      const prompts = rows.length;
      const records = kept.map(({ record }) => record);
      await host.stdout(
        `${JSON.stringify({ method, rule, prompts, kept: selection.indices.length, rows: records })}\n`,
      );
    }
  },
});

function methodNamed(name: string): MethodName {
  if (isMethodName(name)) return name;
  throw new UsageError(`--method must be ${methodForms}, got '${name}'`);
}

interface SelectArgs {
  readonly threshold?: string | undefined;
  readonly count?: string | undefined;
  readonly seed: string;
  readonly samples?: string | undefined;
}

async function choose(
  rows: readonly ScoreRow[],
  name: MethodName,
  args: SelectArgs,
  warn: (text: string) => Promise<void>,
): Promise<Selection> {
  const method = methodOf(name);
  if (!isStatic(method)) {
    throw new UsageError(`--method ${name}: it chooses while it trains, from no scores`);
  }
  const count = optionalNumber('count', args.count, { min: 0, integer: true });
  const threshold = optionalNumber('threshold', args.threshold);
  if (count !== undefined && threshold !== undefined) {
    throw new UsageError('--threshold and --count exclude each other');
  }
  if (isSubsetFile(name) && (count !== undefined || threshold !== undefined)) {
    throw new UsageError(`--method ${name}: the file lists the prompts, it takes no size`);
  }
  const listed = isSubsetFile(name)
    ? placesOf(await withSource(pathOfSubset(name), readSubset), rows, 'the score file')
    : undefined;
  const { scored, differing } = limScores(rows);
  const answers = optionalNumber('samples', args.samples, { min: 2, max: 1e6, integer: true });
  const epochs = rows.find(({ curve }) => curve)?.curve?.length ?? 0;
  if (method.epochs !== undefined && method.epochs > epochs && epochs > 0) {
    throw new UsageError(
      `--method ${name}: it reads ${method.epochs} data epochs, this file has ${epochs}`,
    );
  }
  const known: SelectionPool = {
    prompts: rows.length,
    seed: numberOption('seed', args.seed, { min: 0, max: 0xffff_ffff, integer: true }),
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
    throw new UsageError(`--method ${name} needs ${needs[need]}, which ${pool.source} lacks`);
  }
  const selection = await select(method, pool, await cutOf(method));
  if (differing() > 0) {
    await warn(
      `${differing()} scores at the cut do not follow from their rewards: taken as they are\n`,
    );
  }
  return selection;
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
 * @throws UsageError naming the row whose share is none of so many answers.
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
    throw new UsageError(
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
    throw new UsageError('--samples: the file has no rewards');
  }
  if (given !== undefined && rows.some(({ samples }) => samples)) {
    throw new UsageError('--samples: the file has its own numbers of samples');
  }
  const scored = curvesOf(withScores(rows)) ?? matrix;
  const rewards = {
    ...rewardsInMemory(matrix),
    scoreLim: rewardsInMemory(scored).scoreLim,
  };
  if (!matrix.sums.every((share) => share >= 0 && share <= 1)) {
    if (given === undefined) return { rewards };
    throw new UsageError('--samples: the rewards are no shares of right answers');
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
function keptRows(
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
