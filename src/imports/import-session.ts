// An import that a reader looks at: the matrix or the scores of somebody's files, cut anywhere.
import { isBundle } from '../bundle/bundle.ts';
import { bytesSource } from '../formats/byte-source.ts';
import { jsonRows } from '../formats/json-rows.ts';
import { FormatError } from '../formats/format-error.ts';
import { fieldOf } from '../formats/json.ts';
import { promptFields, type PromptRow, readPrompts, type RowLayout } from '../formats/prompts.ts';
import { recordsOf } from '../formats/records.ts';
import { parseRewardTerms } from '../formats/rewards.ts';
import { detectRollouts } from '../formats/rollouts.ts';
import { holdsScoresAlone, readScores, type ScoreRow } from '../formats/score-file.ts';
import { type ExportFormat, subsetFile } from '../formats/subsets.ts';
import { AdapterError, type Gpu, openGpu } from '../gpu/device.ts';
import type { ThetaBound } from '../lim/bound.ts';
import { type HostScores, scoreOnHost } from '../lim/host-score.ts';
import { type RewardMatrix, rowOf, unsolvedSignal } from '../lim/matrix.ts';
import type { TableSummary } from '../lim/reward-table.ts';
import { type LimResult, scoreMatrix } from '../lim/score.ts';
import type { MethodName } from '../selection/methods.ts';
import type { MissingRule, Signal } from '../vocabulary/signals.ts';
import { withBundles } from './bundled-files.ts';
import { type ImportFiles, readWith } from './import-files.ts';
import { chooseRows, type ChosenRows, keptRows } from './row-choice.ts';
import { rolloutFiles } from './rollout-files.ts';
import { type Imported, importRollouts } from './rollout-import.ts';
import { scoreRows } from './score-rows.ts';
import { scoreSummary, type SourceSummary } from './score-summary.ts';

/** How files are read: the options of `limr score`. */
export interface ImportSettings {
  readonly format: string;
  readonly signal: Signal;
  readonly rule: MissingRule;
  readonly theta: number;
  readonly epochs?: number | undefined;
  readonly stepsPerEpoch?: number | undefined;
  /** The column of rewards, or a weighted sum of several, as `a=1,b=0.5`. */
  readonly reward?: string | undefined;
  readonly allowPartial: boolean;
  /** Path of the pool: only its prompts count, and scores come in its order. */
  readonly prompts?: string | undefined;
}

/** What was read, and what came out: plain data, without texts. */
export interface ImportedScores {
  /** `scores`: the file holds scores and no curves, which are taken as they are. */
  readonly kind: 'matrix' | 'scores';
  readonly prompts: number;
  /** Data epochs; 0 for scores alone. */
  readonly epochs: number;
  /** Mean signals, row-major (prompts, epochs), NaN where missing; empty for scores alone. */
  readonly values: Float32Array;
  /** One score per prompt, NaN for none. */
  readonly scores: Float64Array;
  /** Mean signal per data epoch; empty for scores alone. */
  readonly meanCurve: Float64Array;
  readonly signal: Signal;
  readonly theta: number;
  /** Prompts with a score of at least `theta`. */
  readonly kept: number;
  readonly unscored: number;
  /** The adapter that computed the scores; undefined if float64 on the processor did, or nothing. */
  readonly adapter: string | undefined;
  /** Why no adapter computed the scores; undefined if one did, or there was nothing to compute. */
  readonly noAdapter: string | undefined;
  readonly bound: ThetaBound | undefined;
  readonly summary: Partial<TableSummary & SourceSummary>;
  /** The lines that `limr score` prints. */
  readonly text: string;
}

/** A row as a table shows it. */
export interface ImportedRow {
  readonly place: number;
  readonly prompt: string;
  readonly id: string | undefined;
  readonly score: number;
}

/** Where a selection is cut. */
export type ImportCut = { readonly threshold: number } | { readonly count: number };

/** A subset as a file. */
export interface SubsetContent {
  readonly extension: RowLayout;
  readonly content: Uint8Array | Iterable<string>;
  readonly rows: number;
}

interface Pool {
  readonly rows: readonly PromptRow[];
  readonly layout: RowLayout;
}

interface ScoreFile {
  readonly rows: readonly ScoreRow[];
  readonly layout: RowLayout;
}

/** Files that were read, and all that is asked of them afterwards. */
export class ImportSession {
  readonly scores: ImportedScores;
  readonly #imported: Imported | undefined;
  readonly #result: Pick<LimResult, 'rule' | 'scores'>;
  readonly #pool: Pool | undefined;
  #rows: ScoreFile | undefined;

  private constructor(
    scores: ImportedScores,
    imported: Imported | undefined,
    result: Pick<LimResult, 'rule' | 'scores'>,
    pool: Pool | undefined,
    rows: ScoreFile | undefined,
  ) {
    this.scores = scores;
    this.#imported = imported;
    this.#result = result;
    this.#pool = pool;
    this.#rows = rows;
  }

  /**
   * Reads files as `limr score` does and scores them, on an adapter if there is one.
   *
   * @param paths Files and folders, in the order of reading.
   * @throws ImportError, FormatError, ConfigError, SafetensorsError or ShapeError naming the file and
   *   row at fault.
   */
  static async open(
    given: ImportFiles,
    paths: readonly string[],
    settings: ImportSettings,
  ): Promise<ImportSession> {
    const { signal, rule, theta } = settings;
    const from = await withBundles(given, paths);
    const pool =
      settings.prompts === undefined
        ? undefined
        : await readWith(from, settings.prompts, readPrompts);
    const [only] = paths;
    if (only !== undefined && paths.length === 1 && (await isScoreFile(from, only, settings))) {
      return ImportSession.#taken(await readWith(from, only, readScores), settings, pool);
    }
    const imported = await importRollouts(from, await rolloutFiles(from, paths), {
      format: settings.format,
      signal,
      epochs: settings.epochs,
      stepsPerEpoch: settings.stepsPerEpoch,
      pool: pool?.rows,
      reward: settings.reward === undefined ? undefined : parseRewardTerms(settings.reward),
      allowPartial: settings.allowPartial,
    });
    const { matrix } = imported;
    const found = await scoresOf(matrix, settings);
    const { result } = found;
    const summary = {
      ...imported.summary,
      signal,
      rule,
      theta,
      kept: result.kept.length,
      unscored: result.unscored.length,
      meanCurve: [...result.meanCurve],
      bound: result.bound,
    };
    const values = new Float32Array(matrix.prompts * matrix.epochs);
    for (let p = 0; p < matrix.prompts; p++) values.set(rowOf(matrix, p), p * matrix.epochs);
    const scores: ImportedScores = {
      kind: 'matrix',
      prompts: matrix.prompts,
      epochs: matrix.epochs,
      values,
      scores: result.scores,
      meanCurve: result.meanCurve,
      signal,
      theta,
      kept: result.kept.length,
      unscored: result.unscored.length,
      adapter: found.adapter,
      noAdapter: found.noAdapter,
      bound: result.bound,
      summary: imported.summary,
      text: scoreSummary(summary),
    };
    return new ImportSession(scores, imported, { rule, scores: result.scores }, pool, undefined);
  }

  /** Scores that a file holds, taken as they are. */
  static #taken(
    rows: ScoreFile,
    { signal, theta, rule }: ImportSettings,
    pool: Pool | undefined,
  ): ImportSession {
    const scores = Float64Array.from(rows.rows, ({ score }) => score);
    const taken: ImportedScores = {
      kind: 'scores',
      prompts: scores.length,
      epochs: 0,
      values: new Float32Array(0),
      scores,
      meanCurve: new Float64Array(0),
      signal,
      theta,
      kept: scores.filter((score) => score >= theta).length,
      unscored: scores.filter(Number.isNaN).length,
      adapter: undefined,
      noAdapter: undefined,
      bound: undefined,
      summary: { prompts: scores.length },
      text: '',
    };
    return new ImportSession(taken, undefined, { rule, scores }, pool, rows);
  }

  /** Rows by their places in the order of the prompts. */
  rowsAt(places: readonly number[]): ImportedRow[] {
    const known = this.#imported?.prompts ?? this.#rows?.rows ?? [];
    return places.flatMap((place) => {
      const row = known[place];
      if (!row) return [];
      const { prompt, id } = row;
      return [{ place, prompt, id, score: this.#result.scores[place] ?? NaN }];
    });
  }

  /** The text of the score file that `limr score` writes. */
  scoreText(): Iterable<string> {
    const imported = this.#imported;
    return jsonRows(
      imported
        ? scoreRows(imported, this.#result)
        : (this.#rows?.rows ?? []).map((row) => row.record),
    );
  }

  /**
   * The rows that `limr select` keeps.
   *
   * @throws ImportError or SelectionError naming what is wrong with the cut.
   */
  async choose(cut: ImportCut, method: MethodName = 'lim'): Promise<ChosenRows> {
    return chooseRows((await this.#scored()).rows, method, cut);
  }

  /**
   * The file that `limr select` writes: rows of the pool if there is one, else of the score file.
   *
   * @throws FormatError naming the row that lacks what the format needs.
   */
  async subset(cut: ImportCut, format?: ExportFormat): Promise<SubsetContent> {
    const { rows, layout } = await this.#scored();
    const { selection } = await chooseRows(rows, 'lim', cut);
    const kept = keptRows(rows, selection, this.#pool?.rows);
    const target = this.#pool?.layout ?? layout;
    const extension = format === undefined ? target : format === 'parquet' ? format : 'jsonl';
    return { extension, rows: kept.length, content: await subsetFile(kept, target, format) };
  }

  /** The score file as `limr select` reads it. */
  async #scored(): Promise<ScoreFile> {
    if (!this.#rows) {
      const text = new Blob([...this.scoreText()]);
      const bytes = new Uint8Array(await text.arrayBuffer());
      this.#rows = await readScores(bytesSource('scores.json', bytes));
    }
    return this.#rows;
  }
}

/** What a file is for: an import, a pool of prompts to train on, or a finished run to look at. */
export type FileUse = 'import' | 'prompts' | 'bundle';

/**
 * What a file is for, by its first row.
 *
 * @throws FormatError naming the file and what it lacks, if it is neither.
 */
export async function useOf(from: ImportFiles, path: string): Promise<FileUse> {
  return readWith(from, path, async (source) => {
    if (await isBundle(source)) return 'bundle';
    if (await holdsScoresAlone(source)) return 'import';
    let refusal: unknown;
    try {
      await detectRollouts(source, { onCut: () => undefined });
      return 'import';
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
      refusal = error;
    }
    for await (const { record } of recordsOf(source, { onCut: () => undefined })) {
      if (promptFields.some((name) => fieldOf(record, name) !== undefined)) return 'prompts';
      break;
    }
    throw refusal;
  });
}

async function isScoreFile(
  from: ImportFiles,
  path: string,
  { format }: ImportSettings,
): Promise<boolean> {
  if (format !== 'auto' || (await from.info(path))?.kind !== 'file') return false;
  return readWith(from, path, holdsScoresAlone);
}

interface Found {
  readonly result: HostScores;
  readonly adapter: string | undefined;
  readonly noAdapter: string | undefined;
}

/** Scores on an adapter, or in float64 where there is none. */
async function scoresOf(
  matrix: RewardMatrix,
  { signal, rule, theta }: ImportSettings,
): Promise<Found> {
  const how = { rule, theta, unsolved: unsolvedSignal[signal] };
  let gpu: Gpu;
  try {
    gpu = await openGpu({ limits: 'max' });
  } catch (error) {
    if (!(error instanceof AdapterError)) throw error;
    return { adapter: undefined, noAdapter: error.message, result: scoreOnHost(matrix, how) };
  }
  try {
    return {
      adapter: gpu.name,
      noAdapter: undefined,
      result: await scoreMatrix(gpu, matrix, how),
    };
  } finally {
    await gpu.close();
  }
}
