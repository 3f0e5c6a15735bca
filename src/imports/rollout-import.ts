import { ConfigError } from '../config-error.ts';
import { readAll, readText, type ByteSource } from '../formats/byte-source.ts';
import { baseName, fileIn } from '../formats/paths.ts';
import { recordsOf } from '../formats/records.ts';
import { readPrompts } from '../formats/prompts.ts';
import type { RewardTerm } from '../formats/rewards.ts';
import {
  type Detected,
  detectRollouts,
  newReadSummary,
  readCurves,
  readRollouts,
  type RolloutFormat,
  type RolloutRow,
} from '../formats/rollouts.ts';
import { readSafetensors, toFloat32, toInt32 } from '../formats/safetensors.ts';
import { TokenizerClient } from '../formats/tokenizer-client.ts';
import type { RewardMatrix } from '../lim/matrix.ts';
import type { Signal } from '../vocabulary/signals.ts';
import { RewardTable, type TablePrompt, type TableSummary } from '../lim/reward-table.ts';
import { counted } from '../look/wording.ts';
import { ImportError } from './import-error.ts';
import { type ImportFiles, readWith } from './import-files.ts';
import { isTimed, JudgedRows } from './judged-rows.ts';
import { fileSteps, type RolloutFiles } from './rollout-files.ts';
import { REWARDS, SCORES } from '../run-folder/names.ts';
import type { SourceSummary } from './score-summary.ts';

/** Largest reward matrix that is read from safetensors, in bytes. */
const largestMatrixFile = 4 * 2 ** 30;

/** Largest tokenizer.json that is read, in bytes. */
const largestTokenizer = 2 ** 28;

/** A matrix, and the prompt of each row. */
export interface Imported {
  readonly matrix: RewardMatrix;
  readonly prompts: readonly TablePrompt[];
  readonly summary: Partial<TableSummary & SourceSummary>;
}

export interface ImportOptions {
  readonly format: string;
  readonly signal: Signal;
  readonly epochs: number | undefined;
  readonly stepsPerEpoch: number | undefined;
  /** The only prompts that count; undefined counts all prompts of the files. */
  readonly pool: readonly TablePrompt[] | undefined;
  readonly reward: readonly RewardTerm[] | undefined;
  readonly allowPartial: boolean;
  /** Folder of the tokenizer, for files that hold prompts as token ids. */
  readonly tokenizer?: string | undefined;
}

/** Opens the tokenizer of a folder. @throws ImportError if the folder has none. */
async function openTokenizer(
  from: ImportFiles,
  folder: string | undefined,
): Promise<TokenizerClient | undefined> {
  if (folder === undefined) return undefined;
  const place = (name: string): string => fileIn(folder, name);
  const text = (name: string) =>
    readWith(from, place(name), async (source) => ({
      name: source.name,
      text: await readText(source, largestTokenizer),
    }));
  const config = (await from.info(place('tokenizer_config.json'))) !== undefined;
  return TokenizerClient.open({
    tokenizer: await text('tokenizer.json'),
    ...(config && { config: await text('tokenizer_config.json') }),
  });
}

/**
 * Texts of prompts that a file holds as token ids. Without a tokenizer the ids serve as the text.
 */
function tokenTexts(tokenizer: TokenizerClient | undefined, hasPool: boolean): TextOf {
  const known = new Map<string, string>();
  return async (tokens, where) => {
    const key = JSON.stringify(tokens);
    if (!tokenizer) {
      if (!hasPool) return key;
      throw new ImportError(
        `${where}: prompt_tokens holds token ids, which no prompt file has; ` +
          'name the folder of their tokenizer.json: --tokenizer',
      );
    }
    const found = known.get(key);
    if (found !== undefined) return found;
    const [text = ''] = await tokenizer.decode([tokens], { unknown: 'replace' });
    known.set(key, text);
    return text;
  };
}

/**
 * Reads rollouts of an engine, or a matrix made from them, and a summary for the report.
 *
 * @throws FormatError, ConfigError or ImportError naming the file and row at fault.
 */
export async function importRollouts(
  from: ImportFiles,
  found: RolloutFiles,
  options: ImportOptions,
): Promise<Imported> {
  const tokenizer = await openTokenizer(from, options.tokenizer);
  try {
    return await importFiles(
      from,
      found,
      options,
      tokenTexts(tokenizer, options.pool !== undefined),
    );
  } finally {
    await tokenizer?.close();
  }
}

type TextOf = (tokens: readonly number[], where: string) => Promise<string>;

async function importFiles(
  from: ImportFiles,
  found: RolloutFiles,
  options: ImportOptions,
  textOf: TextOf,
): Promise<Imported> {
  const { files } = found;
  const given: SourceSummary = {
    files: files.length,
    emptyFiles: 0,
    filesLeftOut: found.leftOut.length,
    leftOut: found.leftOut.slice(0, 20),
    cutRows: 0,
    cut: [],
    rewardColumns: [],
    verdictColumns: [],
    otherColumns: [],
    tokenPrompts: 0,
    timedRows: 0,
  };
  const source = { ...given, cut: [] as string[] };
  const onCut = options.allowPartial
    ? (where: string): void => {
        source.cutRows++;
        if (source.cut.length < 20) source.cut.push(where);
      }
    : undefined;
  const read = newReadSummary();
  const table = new RewardTable(options.pool);
  const steps = fileSteps(files);
  const timed = new JudgedRows();
  let format: Detected | undefined;
  for (const [i, file] of files.entries()) {
    const whole = await readWith(from, file, async (bytes): Promise<Imported | undefined> => {
      const detected = await formatToRead(bytes, options, onCut);
      if (detected === 'empty') {
        source.emptyFiles++;
        return undefined;
      }
      if (detected === 'safetensors' || detected === 'curves') {
        if (files.length > 1) throw new ImportError(`${file}: a reward matrix is scored alone`);
        if (detected === 'safetensors') return importSafetensors(from, bytes, options);
        return importCurves(bytes, onCut);
      }
      format = detected;
      const batches = readRollouts(bytes, detected, {
        reward: options.reward,
        summary: read,
        onCut,
      });
      let count = 0;
      for await (const rows of batches) {
        for (const row of rows) {
          count++;
          if (row.answered && !options.pool) {
            throw new ImportError(
              `${row.where}: content holds prompt and response in one text; ` +
                'name the prompts: --prompts pool.jsonl',
            );
          }
          if (row.tokens) source.tokenPrompts++;
          const sample = row.tokens ? { ...row, prompt: await textOf(row.tokens, row.where) } : row;
          if (isTimed(sample)) timed.add(sample);
          else if (isPlaced(sample)) table.add(sample);
          else table.add({ ...sample, step: steps[i] ?? i });
        }
      }
      if (count === 0) source.emptyFiles++;
      return undefined;
    });
    if (!whole) continue;
    if (options.epochs !== undefined && options.epochs !== whole.matrix.epochs) {
      throw new ConfigError(`${file}: holds ${whole.matrix.epochs} epochs, not ${options.epochs}`);
    }
    return { ...whole, summary: { ...whole.summary, ...source } };
  }
  if (format === undefined) {
    throw new ImportError(`${files[0] ?? ''}: no rows in ${counted(files.length, 'file')}`);
  }
  for (const row of timed.inEpochs()) table.add({ ...row, step: row.epoch });
  source.timedRows = timed.count;
  const { epochs, stepsPerEpoch } = options;
  const made = table.matrix(options.signal, { epochs, stepsPerEpoch });
  const columns = {
    rewardColumns: [...read.rewards],
    verdictColumns: [...read.verdicts],
    otherColumns: [...read.others].filter(
      (name) => !read.rewards.has(name) && !read.verdicts.has(name),
    ),
  };
  return {
    matrix: made.matrix,
    prompts: table.prompts,
    summary: { ...made.summary, ...source, ...columns },
  };
}

/** Whether a row says its step itself. */
const isPlaced = (row: RolloutRow): row is RolloutRow & { readonly step: number } =>
  row.step !== undefined;

/** The format to read a file in: the requested one, else the detected one. */
async function formatToRead(
  source: ByteSource,
  options: ImportOptions,
  onCut: ((where: string) => void) | undefined,
): Promise<Detected> {
  const { format } = options;
  if (format === 'safetensors') return format;
  const detected =
    format === 'auto' || format === 'jsonl'
      ? await detectRollouts(source, { onCut, look: false })
      : (format as RolloutFormat);
  // A file that was cut within its first row has no whole row.
  if (detected === 'empty' && onCut) await readThrough(source, onCut);
  return format === 'jsonl' && detected !== 'curves' && detected !== 'empty' ? format : detected;
}

/** Reads a file without whole rows to its end, so that `onCut` hears of the cut row. */
async function readThrough(source: ByteSource, onCut: (where: string) => void): Promise<void> {
  const rows = recordsOf(source, { onCut });
  while ((await rows.next()).done !== true) continue;
}

async function importSafetensors(
  from: ImportFiles,
  source: ByteSource,
  options: ImportOptions,
): Promise<Imported> {
  const { signal, pool } = options;
  const where = source.name;
  const file = readSafetensors(await readAll(source, largestMatrixFile), where);
  const entry = file.tensors.get(signal);
  if (!entry) throw new ConfigError(`${where}: has no tensor '${signal}'`);
  const [prompts, epochs] = entry.shape;
  if (entry.shape.length !== 2 || prompts === undefined || epochs === undefined) {
    throw new ConfigError(
      `${where}: tensor '${signal}' must be (prompts, epochs), is (${entry.shape.join(', ')})`,
    );
  }
  const means = toFloat32(entry, where);
  const counts = file.tensors.get('samples');
  if (counts && counts.shape.join() !== entry.shape.join()) {
    throw new ConfigError(`${where}: tensor 'samples' must have the shape of '${signal}'`);
  }
  const samples = counts
    ? Uint32Array.from(toInt32(counts, where))
    : Uint32Array.from(means, (value) => (Number.isNaN(value) ? 0 : 1));
  const sums = Float64Array.from(means, (value, i) => {
    const count = samples[i] ?? 0;
    if (count === 0) return 0;
    if (Number.isFinite(value)) return value * count;
    const place = `[${Math.floor(i / epochs)}, ${i % epochs}]`;
    throw new ConfigError(`${where}: tensor '${signal}' ${place} is ${value}`);
  });
  const names = pool ?? (await runPrompts(from, where, prompts));
  if (names && names.length !== prompts) {
    throw new ConfigError(`${where}: has ${prompts} rows, the prompt file ${names.length}`);
  }
  return {
    matrix: { prompts, epochs, sums, samples },
    prompts:
      names ?? Array.from({ length: prompts }, (_, i) => ({ prompt: `row ${i}`, id: String(i) })),
    summary: { prompts, epochs, missingEntries: samples.filter((count) => count === 0).length },
  };
}

/** The prompts of a run's matrix, from the score file beside the matrix. */
async function runPrompts(
  from: ImportFiles,
  matrix: string,
  rows: number,
): Promise<TablePrompt[] | undefined> {
  if (baseName(matrix) !== REWARDS) return undefined;
  const beside = `${matrix.slice(0, -REWARDS.length)}${SCORES}`;
  if ((await from.info(beside))?.kind !== 'file') return undefined;
  return readWith(from, beside, async (source) => {
    const names = (await readPrompts(source)).rows;
    return names.length === rows ? [...names] : undefined;
  });
}

async function importCurves(
  source: ByteSource,
  onCut: ((where: string) => void) | undefined,
): Promise<Imported> {
  const prompts: TablePrompt[] = [];
  const means: number[] = [];
  let epochs: number | undefined;
  for await (const row of readCurves(source, { onCut })) {
    epochs ??= row.curve.length;
    if (row.curve.length !== epochs) {
      throw new ConfigError(`${row.where}: rewards must hold ${epochs} numbers as in row 1`);
    }
    const { prompt, messages, id, answer } = row;
    prompts.push({ prompt, ...(messages && { messages }), id, answer });
    for (const value of row.curve) means.push(value ?? NaN);
  }
  const samples = Uint32Array.from(means, (value) => (Number.isNaN(value) ? 0 : 1));
  const sums = Float64Array.from(means, (value) => (Number.isNaN(value) ? 0 : value));
  return {
    matrix: { prompts: prompts.length, epochs: epochs ?? 0, sums, samples },
    prompts,
    summary: {
      prompts: prompts.length,
      epochs: epochs ?? 0,
      missingEntries: samples.filter((count) => count === 0).length,
    },
  };
}
