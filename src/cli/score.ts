import { defineCommand } from 'citty';
import { ConfigError } from '../config-error.ts';
import { readAll, readText, type ByteSource } from '../formats/byte-source.ts';
import { readPrompts } from '../formats/prompts.ts';
import { recordsOf } from '../formats/records.ts';
import { parseRewardTerms, type RewardTerm } from '../formats/rewards.ts';
import {
  type Detected,
  detectRollouts,
  newReadSummary,
  readCurves,
  readRollouts,
  rolloutFormats,
  type RolloutFormat,
} from '../formats/rollouts.ts';
import { readSafetensors, toFloat32, toInt32 } from '../formats/safetensors.ts';
import { TokenizerClient } from '../formats/tokenizer-client.ts';
import { fillRows } from '../lim/fill.ts';
import { type RewardMatrix, rowOf, type Signal, unsolvedSignal } from '../lim/matrix.ts';
import { RewardTable, type TablePrompt, type TableSummary } from '../lim/reward-table.ts';
import { type LimResult, scoreMatrix } from '../lim/score.ts';
import { openCommandGpu } from './adapter.ts';
import { commonArgs, numberOption, optionalNumber, outArg, UsageError } from './arguments.ts';
import { expectFileOut, jsonRows, rowJson } from './output.ts';
import { fileSteps, rolloutFiles, type RolloutFiles } from './rollout-files.ts';
import { scoreSummary, type SourceSummary } from './score-summary.ts';
import { baseName, withSource } from './sources.ts';
import { system } from './system.ts';

/** Largest reward matrix that is read from safetensors, in bytes. */
const largestMatrixFile = 4 * 2 ** 30;

/** Largest tokenizer.json that is read, in bytes. */
const largestTokenizer = 2 ** 28;

/** A matrix with the prompts its rows belong to. */
interface Imported {
  readonly matrix: RewardMatrix;
  readonly prompts: readonly TablePrompt[];
  readonly summary: Partial<TableSummary & SourceSummary>;
}

interface ImportOptions {
  readonly format: string;
  readonly signal: Signal;
  readonly epochs: number | undefined;
  readonly stepsPerEpoch: number | undefined;
  readonly pool: readonly TablePrompt[] | undefined;
  readonly reward: readonly RewardTerm[] | undefined;
  readonly allowPartial: boolean;
  /** The text of a prompt that a file has as token ids. */
  readonly textOf: (tokens: readonly number[], where: string) => Promise<string>;
}

export const command = defineCommand({
  meta: { name: 'score', description: "LIM scores of somebody's rollouts, or of a reward matrix" },
  args: {
    path: {
      type: 'positional',
      description:
        'rollout files, folders of them or above them, a run, or a reward matrix ' +
        '(JSON, JSONL, parquet, Arrow, tables of wandb, safetensors)',
      required: true,
    },
    format: {
      type: 'enum',
      options: ['auto', ...rolloutFormats, 'safetensors'],
      default: 'auto',
      description: 'whose files these are; auto looks at what is in them',
    },
    signal: {
      type: 'enum',
      options: ['accuracy', 'reward'],
      default: 'accuracy',
      description:
        'score the share of right samples (by the column correct or acc, else rewards of 1), ' +
        'or the rewards themselves',
    },
    epochs: { type: 'string', valueHint: 'K', description: 'data epochs in the rollouts' },
    'steps-per-epoch': { type: 'string', valueHint: 'S', description: 'steps in a data epoch' },
    compat: {
      type: 'enum',
      options: ['none', 'limr'],
      default: 'none',
      description: "limr: fill and drop missing entries as LIMR's script does",
    },
    theta: {
      type: 'string',
      default: '0.6',
      description: 'threshold that the summary counts by',
    },
    prompts: {
      type: 'string',
      valueHint: 'file',
      description: 'the pool: only its prompts count, and scores come in its order',
    },
    reward: {
      type: 'string',
      valueHint: 'column',
      description: 'column of the reward, where there are several; a=1,b=0.5 sums them',
    },
    'allow-partial': {
      type: 'boolean',
      description: 'leave out a last row that was cut while it was written, and say how many',
    },
    tokenizer: {
      type: 'string',
      valueHint: 'folder',
      description: 'with tokenizer.json, for rollouts that hold prompts as token ids',
    },
    out: outArg('score file to write (default runs/scores.json)'),
    ...commonArgs,
  },
  async run({ args }) {
    const host = await system();
    const theta = numberOption('theta', args.theta, { max: 1 });
    const counts = { min: 1, max: 1_000_000, integer: true };
    const out = args.out ?? (args.json ? undefined : 'runs/scores.json');
    const promptFile = args.prompts;
    const reward = args.reward === undefined ? undefined : parseRewardTerms(args.reward);
    const found = await rolloutFiles(args._);
    const { files } = found;
    if (out !== undefined) {
      // Of the files of a folder only one of this name can be the file to write.
      const named = files.filter((file) => baseName(file) === baseName(out));
      const given = promptFile === undefined ? args._ : [...args._, promptFile];
      await expectFileOut(out, [...given, ...named]);
    }
    const pool =
      promptFile === undefined
        ? undefined
        : await withSource(promptFile, async (source) => (await readPrompts(source)).rows);
    const tokenizer = await openTokenizer(args.tokenizer);
    let imported: Imported;
    try {
      imported = await importAll(found, {
        format: args.format,
        signal: args.signal,
        epochs: optionalNumber('epochs', args.epochs, counts),
        stepsPerEpoch: optionalNumber('steps-per-epoch', args['steps-per-epoch'], counts),
        pool,
        reward,
        allowPartial: args['allow-partial'] ?? false,
        textOf: tokenTexts(tokenizer, pool !== undefined),
      });
    } finally {
      await tokenizer?.close();
    }
    const gpu = await openCommandGpu(args);
    const rule = args.compat === 'limr' ? 'limr' : 'corrected';
    let result: LimResult;
    try {
      result = await scoreMatrix(gpu, imported.matrix, {
        rule,
        theta,
        unsolved: unsolvedSignal[args.signal],
      });
    } finally {
      await gpu.close();
    }
    const summary = {
      ...imported.summary,
      signal: args.signal,
      rule,
      theta,
      kept: result.kept.length,
      unscored: result.unscored.length,
      decidedInFloat64: result.decidedExactly,
      meanCurve: [...result.meanCurve],
      bound: result.bound,
      adapter: gpu.name,
    };
    await host.stderr(scoreSummary(summary));
    if (out !== undefined) {
      await host.write(out, jsonRows(scoreRows(imported, result)));
      await host.stderr(`scores: ${out}\n`);
    }
    if (args.json) {
      const rows = [...scoreRows(imported, result)];
      await host.stdout(`${rowJson({ summary, scores: rows })}\n`);
    }
  },
});

/** The tokenizer of a folder. @throws UsageError where it has none. */
async function openTokenizer(folder: string | undefined): Promise<TokenizerClient | undefined> {
  if (folder === undefined) return undefined;
  const host = await system();
  const place = (name: string): string => `${folder.replace(/[/\\]+$/, '')}/${name}`;
  const text = (name: string) =>
    withSource(place(name), async (source) => ({
      name: source.name,
      text: await readText(source, largestTokenizer),
    }));
  const config = (await host.info(place('tokenizer_config.json'))) !== undefined;
  return TokenizerClient.open({
    tokenizer: await text('tokenizer.json'),
    ...(config && { config: await text('tokenizer_config.json') }),
  });
}

/** Texts of prompts that a file has as token ids; without a tokenizer the ids stand for themselves. */
function tokenTexts(tokenizer: TokenizerClient | undefined, hasPool: boolean) {
  const known = new Map<string, string>();
  return async (tokens: readonly number[], where: string): Promise<string> => {
    const key = JSON.stringify(tokens);
    if (!tokenizer) {
      if (!hasPool) return key;
      throw new UsageError(
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

async function importAll(found: RolloutFiles, options: ImportOptions): Promise<Imported> {
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
  let format: Detected | undefined;
  for (const [i, file] of files.entries()) {
    const whole = await withSource(file, async (bytes): Promise<Imported | undefined> => {
      const detected = await formatOf(bytes, options, onCut);
      if (detected === 'empty') {
        source.emptyFiles++;
        return undefined;
      }
      if (detected === 'safetensors' || detected === 'curves') {
        if (files.length > 1) throw new UsageError(`${file}: a reward matrix is scored alone`);
        if (detected === 'safetensors') return importSafetensors(bytes, options);
        return importCurves(bytes, onCut);
      }
      format = detected;
      const rows = readRollouts(bytes, detected, { reward: options.reward, summary: read, onCut });
      for await (const row of rows) {
        if (row.answered && !options.pool) {
          throw new UsageError(
            `${row.where}: content holds prompt and response in one text; ` +
              'name the prompts: --prompts pool.jsonl',
          );
        }
        if (row.tokens) source.tokenPrompts++;
        const prompt = row.tokens ? await options.textOf(row.tokens, row.where) : row.prompt;
        table.add({ ...row, prompt, step: row.step ?? steps[i] ?? i });
      }
      return undefined;
    });
    if (!whole) continue;
    if (options.epochs !== undefined && options.epochs !== whole.matrix.epochs) {
      throw new ConfigError(`${file}: holds ${whole.matrix.epochs} epochs, not ${options.epochs}`);
    }
    return { ...whole, summary: { ...whole.summary, ...source } };
  }
  if (format === undefined) {
    throw new UsageError(`${files[0] ?? ''}: no rows in ${files.length} file(s)`);
  }
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

/** What a file is to be read as: what was asked for, unless it has no rows. */
async function formatOf(
  source: ByteSource,
  options: ImportOptions,
  onCut: ((where: string) => void) | undefined,
): Promise<Detected> {
  const { format } = options;
  if (format === 'safetensors') return format;
  const detected =
    format === 'auto' || format === 'jsonl'
      ? await detectRollouts(source, { onCut })
      : (await hasRows(source, onCut))
        ? (format as RolloutFormat)
        : 'empty';
  // What is left of a file that was cut in its first row.
  if (detected === 'empty' && onCut) await readThrough(source, onCut);
  return format === 'jsonl' && detected !== 'curves' && detected !== 'empty' ? format : detected;
}

/** Reads what has no rows, for what there is to say of it. */
async function readThrough(source: ByteSource, onCut: (where: string) => void): Promise<void> {
  const rows = recordsOf(source, { onCut });
  while ((await rows.next()).done !== true) continue;
}

async function hasRows(
  source: ByteSource,
  onCut: ((where: string) => void) | undefined,
): Promise<boolean> {
  const rows = recordsOf(source, { onCut: onCut && (() => undefined) });
  const { done } = await rows.next();
  await rows.return(undefined);
  return done !== true;
}

async function importSafetensors(source: ByteSource, options: ImportOptions): Promise<Imported> {
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
  const names = pool ?? (await runPrompts(where, prompts));
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

/** The prompts of a run's matrix, from the scores beside it. */
async function runPrompts(matrix: string, rows: number): Promise<TablePrompt[] | undefined> {
  const host = await system();
  if (baseName(matrix) !== 'rewards.safetensors') return undefined;
  const beside = `${matrix.slice(0, -'rewards.safetensors'.length)}scores.json`;
  if ((await host.info(beside))?.kind !== 'file') return undefined;
  return withSource(beside, async (source) => {
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

function* scoreRows({ matrix, prompts }: Imported, result: LimResult) {
  const filled = result.rule === 'limr' ? fillRows(matrix) : matrix;
  for (const [p, { prompt, messages, id, answer }] of prompts.entries()) {
    const score = result.scores[p] ?? NaN;
    // A dropped prompt shows what it was dropped for.
    const curve = rowOf(Number.isNaN(score) ? matrix : filled, p);
    yield {
      prompt,
      ...(messages && { messages }),
      ...(id === undefined ? {} : { id }),
      ...(answer === undefined ? {} : { answer }),
      score: Number.isNaN(score) ? null : shortest(score),
      rewards: [...curve].map((value) => (Number.isNaN(value) ? null : value)),
    };
  }
}

/** The fewest digits that mean the same f32, for a number that is one. */
function shortest(value: number): number {
  if (Math.fround(value) !== value) return value;
  for (const digits of [6, 7, 8]) {
    const rounded = Number(value.toPrecision(digits));
    if (Math.fround(rounded) === value) return rounded;
  }
  return value;
}
