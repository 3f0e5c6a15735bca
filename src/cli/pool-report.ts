// `limr report` of rollouts or of a score file: of somebody's training, without one of ours.
import type { ArgsDef } from 'citty';
import { fieldOf, isRecord, type JsonRecord } from '../formats/json.ts';
import { baseName } from '../formats/paths.ts';
import { type PromptRow, readPrompts } from '../formats/prompts.ts';
import { parseRewardTerms } from '../formats/rewards.ts';
import { detectRollouts } from '../formats/rollouts.ts';
import { holdsScoresAlone, readScores, type ScoreRow } from '../formats/score-file.ts';
import { rolloutFiles } from '../imports/rollout-files.ts';
import { importRollouts } from '../imports/rollout-import.ts';
import { chooseRows } from '../imports/row-choice.ts';
import { scoreRows } from '../imports/score-rows.ts';
import { scoreSummary } from '../imports/score-summary.ts';
import { describeBound, thetaBound } from '../lim/bound.ts';
import { ExactCurve, exactScore } from '../lim/exact.ts';
import { type RewardMatrix, unsolvedSignal } from '../lim/matrix.ts';
import type { PoolChoice, ReportedPool } from '../report/pool-page.ts';
import type { ScoredPrompt } from '../results.ts';
import { type Signal, signals } from '../vocabulary/signals.ts';
import { numberOption, optionalNumber, UsageError } from './arguments.ts';
import { withSource } from './sources.ts';
import { system } from './system.ts';

/** The options of `limr report` that say how rollouts are read, as `limr score` has them. */
export const poolArgs = {
  prompts: {
    type: 'string',
    valueHint: 'file',
    description: 'rollouts: the pool, whose prompts alone count',
  },
  signal: {
    type: 'enum',
    options: [...signals],
    default: 'accuracy',
    description: 'rollouts: the share of right samples, or the rewards themselves',
  },
  theta: { type: 'string', default: '0.6', description: 'rollouts: threshold of LIM scores' },
  reward: {
    type: 'string',
    valueHint: 'column',
    description: 'rollouts: column of the reward, where there are several',
  },
  epochs: { type: 'string', valueHint: 'K', description: 'rollouts: their data epochs' },
  'steps-per-epoch': {
    type: 'string',
    valueHint: 'S',
    description: 'rollouts: steps in a data epoch',
  },
  'allow-partial': {
    type: 'boolean',
    description: 'rollouts: leave out a last row that was cut while it was written',
  },
} as const satisfies ArgsDef;

/** What those options were given. */
export interface PoolArgs {
  readonly prompts?: string | undefined;
  readonly signal: Signal;
  readonly theta: string;
  readonly reward?: string | undefined;
  readonly epochs?: string | undefined;
  readonly 'steps-per-epoch'?: string | undefined;
  readonly 'allow-partial'?: boolean | undefined;
}

/** The methods whose choice a pool's report shows. */
const methods = ['lim', 'hvar', 'near'] as const;

/** Scored prompts, and how their files were read. */
interface ReadPool {
  readonly rows: readonly ScoreRow[];
  readonly reading: readonly string[];
}

/**
 * What a report on rollout files tells, on folders of them, or on one score file.
 *
 * @throws UsageError, ImportError, FormatError or ConfigError naming the option, the file or the row.
 */
export async function readPool(paths: readonly string[], args: PoolArgs): Promise<ReportedPool> {
  const theta = numberOption('theta', args.theta, { max: 1 });
  const [first = ''] = paths;
  const pool = await promptRows(args.prompts);
  const { rows, reading } =
    paths.length === 1 && (await isScoreFile(first))
      ? await scoredPool(first)
      : await rolledPool(paths, args, { theta, pool });
  const epochs = rows.find(({ curve }) => curve)?.curve?.length;
  if (epochs === undefined) {
    throw new UsageError(`${first}: has scores without rewards, of which there is little to tell`);
  }
  const signal = args.signal;
  const curve = meanCurveOf(rows, epochs);
  const bound = thetaBound(
    curve.flatMap((mean) => (Number.isNaN(mean) ? [] : 1 - mean)),
    theta,
    unsolvedSignal[signal],
  );
  const choices: PoolChoice[] = [];
  for (const method of methods) {
    const { selection } = await chooseRows(rows, method, { threshold: theta });
    choices.push({ method, kept: selection.indices, rule: selection.rule });
  }
  const counts = rows.every(({ samples }) => samples)
    ? Uint32Array.from(rows.flatMap(({ samples }) => samples ?? []))
    : undefined;
  const kinds = kindsOf(rows, pool);
  return {
    name: baseName(first),
    prompts: rows.map(promptOf),
    lim: {
      signal,
      compat: 'corrected',
      theta,
      kept: choices[0]?.kept.length ?? 0,
      meanCurve: curve,
      neverSolved: bound.neverSolvedScore,
      alwaysSolved: bound.alwaysSolvedScore,
      warning: '',
    },
    choices,
    samples: counts,
    reading,
    bound: describeBound(bound),
    ...(kinds ? { kinds } : {}),
  };
}

const promptRows = async (path: string | undefined): Promise<readonly PromptRow[] | undefined> =>
  path === undefined
    ? undefined
    : withSource(path, async (source) => (await readPrompts(source)).rows);

/** Fields that say which benchmark or source a prompt is of; the first that sorts the pool counts. */
const kindFields = 'benchmark data_source dataset source'.split(' ');
/** Most kinds that get a figure each. */
const MOST_KINDS = 12;

/** What the rows of the scores, or of the prompt file, say of each prompt's benchmark or source. */
function kindsOf(
  rows: readonly ScoreRow[],
  pool: readonly PromptRow[] | undefined,
): ReportedPool['kinds'] {
  const records = new Map<string, JsonRecord>();
  for (const { id, prompt, record } of pool ?? []) {
    records.set(prompt, record);
    if (id !== undefined) records.set(`id ${id}`, record);
  }
  const recordOf = ({ id, prompt, record }: ScoreRow): JsonRecord =>
    (id === undefined ? undefined : records.get(`id ${id}`)) ?? records.get(prompt) ?? record;
  for (const field of kindFields) {
    const of = rows.map((row) => {
      const record = recordOf(row);
      const columns = fieldOf(record, 'columns');
      const value = fieldOf(record, field) ?? (isRecord(columns) ? fieldOf(columns, field) : '');
      return typeof value === 'string' ? value : '';
    });
    const kinds = new Set(of).size;
    if (kinds > 1 && kinds <= MOST_KINDS) return { field, of };
  }
  return undefined;
}

/** Whether a path is a file of scores, as `limr score` and runs write them. */
async function isScoreFile(path: string): Promise<boolean> {
  if ((await (await system()).info(path))?.kind !== 'file') return false;
  return withSource(path, async (source) => {
    if (await holdsScoresAlone(source)) return true;
    return (await detectRollouts(source, { look: false })) === 'curves';
  });
}

async function scoredPool(path: string): Promise<ReadPool> {
  const { rows } = await withSource(path, readScores);
  return { rows, reading: [`Scores and rewards as ${baseName(path)} has them.`] };
}

async function rolledPool(
  paths: readonly string[],
  args: PoolArgs,
  { theta, pool }: { readonly theta: number; readonly pool: readonly PromptRow[] | undefined },
): Promise<ReadPool> {
  const host = await system();
  const { signal, reward } = args;
  const counts = { min: 1, max: 1_000_000, integer: true };
  const found = await rolloutFiles(host, paths);
  const imported = await importRollouts(host, found, {
    format: 'auto',
    signal,
    epochs: optionalNumber('epochs', args.epochs, counts),
    stepsPerEpoch: optionalNumber('steps-per-epoch', args['steps-per-epoch'], counts),
    pool,
    reward: reward === undefined ? undefined : parseRewardTerms(reward),
    allowPartial: args['allow-partial'] ?? false,
  });
  const { matrix, summary } = imported;
  const exact = new ExactCurve(matrix.epochs);
  exact.add(matrix);
  const deficits = exact.deficits();
  const scores = Float64Array.from({ length: matrix.prompts }, (_, p) =>
    exactScore(matrix, p, deficits),
  );
  const records = [...scoreRows(imported, { rule: 'corrected', scores })];
  const rows = records.map((record, p): ScoreRow => {
    const { prompt, messages, id, answer, samples } = record;
    return {
      where: `prompt ${p + 1}`,
      prompt,
      messages,
      id,
      answer,
      score: scores[p] ?? NaN,
      curve: record.rewards.map((value) => value ?? NaN),
      samples,
      record,
    };
  });
  const seen = seenEpochs(matrix);
  const text = scoreSummary({
    ...summary,
    signal,
    rule: 'corrected',
    theta,
    kept: scores.filter((score) => score >= theta).length,
    unscored: scores.filter(Number.isNaN).length,
    meanCurve: Array.from(deficits, (deficit, k) => (seen[k] === true ? 1 - deficit : NaN)),
    bound: thetaBound(
      deficits.filter((_, k) => seen[k]),
      theta,
      unsolvedSignal[signal],
    ),
  });
  await host.stderr(text);
  const lines = text.trim().split('\n');
  // The curve, the cut and its bound have places of their own on the page.
  return { rows, reading: lines.slice(0, -3).map((line) => line.trim()) };
}

/** Whether any prompt was rolled out in each data epoch. */
const seenEpochs = ({ epochs, prompts, samples }: RewardMatrix): boolean[] =>
  Array.from({ length: epochs }, (_, k) =>
    Array.from({ length: prompts }, (_, p) => p).some((p) => (samples[p * epochs + k] ?? 0) > 0),
  );

/** The mean of each data epoch over the prompts that have an entry; NaN where none has. */
const meanCurveOf = (rows: readonly ScoreRow[], epochs: number): number[] =>
  Array.from({ length: epochs }, (_, k) => {
    const seen = rows.flatMap(({ curve, score }) => {
      const value = curve?.[k] ?? NaN;
      return Number.isNaN(score) || Number.isNaN(value) ? [] : value;
    });
    return seen.reduce((sum, value) => sum + value, 0) / seen.length;
  });

function promptOf(
  { prompt, id, score, curve = [], record }: ScoreRow,
  place: number,
): ScoredPrompt {
  const index = fieldOf(record, 'index');
  const own = id ?? (typeof index === 'number' ? String(index) : undefined);
  return {
    prompt,
    id: place,
    ...(own === undefined ? {} : { rowId: own }),
    score: Number.isNaN(score) ? null : score,
    rewards: curve.map((value) => (Number.isNaN(value) ? null : value)),
  };
}
