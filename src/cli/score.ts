import { defineCommand } from 'citty';
import { ConfigError } from '../config-error.ts';
import type { ByteSource } from '../formats/byte-source.ts';
import { readAll } from '../formats/byte-source.ts';
import { readPrompts } from '../formats/prompts.ts';
import {
  detectRollouts,
  readCurves,
  readRollouts,
  rolloutFormats,
  type RolloutFormat,
} from '../formats/rollouts.ts';
import { readSafetensors, toFloat32, toInt32 } from '../formats/safetensors.ts';
import { describeBound } from '../lim/bound.ts';
import { fillRows } from '../lim/fill.ts';
import { type RewardMatrix, rowOf, type Signal, unsolvedSignal } from '../lim/matrix.ts';
import { RewardTable, type TablePrompt, type TableSummary } from '../lim/reward-table.ts';
import { type LimResult, scoreMatrix } from '../lim/score.ts';
import { openCommandGpu } from './adapter.ts';
import { commonArgs, numberOption, optionalNumber, outArg, UsageError } from './arguments.ts';
import { expectFileOut, jsonRows, rowJson } from './output.ts';
import { baseName, expandPaths, withSource } from './sources.ts';
import { system } from './system.ts';

/** Largest reward matrix that is read from safetensors, in bytes. */
const largestMatrixFile = 4 * 2 ** 30;

/** A matrix with the prompts its rows belong to. */
interface Imported {
  readonly matrix: RewardMatrix;
  readonly prompts: readonly TablePrompt[];
  readonly summary: Partial<TableSummary>;
}

interface ImportOptions {
  readonly format: string;
  readonly signal: Signal;
  readonly epochs: number | undefined;
  readonly stepsPerEpoch: number | undefined;
  readonly pool: readonly TablePrompt[] | undefined;
  readonly rewardField: string | undefined;
}

export const command = defineCommand({
  meta: { name: 'score', description: "LIM scores of somebody's rollouts, or of a reward matrix" },
  args: {
    path: {
      type: 'positional',
      description: 'rollout files, folders of them, a run, or a reward matrix',
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
      description: 'score the share of rewards that are 1, or the rewards themselves',
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
      valueHint: 'field',
      description: 'field or column of the reward, where there are several',
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
    const files = await rolloutFiles(args._);
    if (out !== undefined) {
      // Of the files of a folder only one of this name can be the file to write.
      const named = files.filter((file) => baseName(file) === baseName(out));
      const given = promptFile === undefined ? args._ : [...args._, promptFile];
      await expectFileOut(out, [...given, ...named]);
    }
    const imported = await importAll(files, {
      format: args.format,
      signal: args.signal,
      epochs: optionalNumber('epochs', args.epochs, counts),
      stepsPerEpoch: optionalNumber('steps-per-epoch', args['steps-per-epoch'], counts),
      pool:
        promptFile === undefined
          ? undefined
          : await withSource(promptFile, async (source) => (await readPrompts(source)).rows),
      rewardField: args.reward,
    });
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
      files: files.length,
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
    await host.stderr(summaryText(summary));
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

/** The files of a folder that hold rollouts: those named as an engine names its dumps, if any. */
async function rolloutFiles(paths: readonly string[]): Promise<string[]> {
  const host = await system();
  const families = [/^step_\d+\.json$/, /^completions_\d+\.parquet$/, /^\d+\.jsonl$/];
  const files: string[] = [];
  for (const given of paths) {
    let path = given;
    if ((await host.info(path))?.kind === 'directory') {
      // LIMR saves its steps in the folder train of the path it was given.
      if ((await host.info(`${path}/train/step_1.json`))?.kind === 'file') path += '/train';
      const names = await host.list(path);
      const family =
        families.find((pattern) => names.some((name) => pattern.test(name))) ??
        (names.includes('rewards.safetensors') ? /^rewards\.safetensors$/ : /\.(jsonl?|parquet)$/);
      files.push(...(await expandPaths([path], (name) => family.test(name))));
    } else files.push(...(await expandPaths([path], () => true)));
  }
  return files;
}

async function importAll(files: readonly string[], options: ImportOptions): Promise<Imported> {
  const [first = ''] = files;
  const whole = await withSource(first, (source) => importWhole(source, options));
  if (whole) {
    if (files.length > 1) throw new UsageError(`${first}: a reward matrix is scored alone`);
    if (options.epochs !== undefined && options.epochs !== whole.matrix.epochs) {
      throw new ConfigError(`${first}: holds ${whole.matrix.epochs} epochs, not ${options.epochs}`);
    }
    return whole;
  }
  const table = new RewardTable(options.pool);
  const numbers = files.map((file) => /(\d+)\D*$/.exec(baseName(file))?.[1]);
  const numbered = numbers.every((number) => number !== undefined);
  for (const [i, file] of files.entries()) {
    const fileStep = numbered ? Number(numbers[i]) : i;
    await withSource(file, async (source) => {
      const format = options.format === 'auto' ? await detectRollouts(source) : options.format;
      if (format === 'curves' || format === 'safetensors') {
        throw new UsageError(`${file}: a reward matrix is scored alone`);
      }
      const read = options.rewardField === undefined ? {} : { rewardField: options.rewardField };
      for await (const row of readRollouts(source, format as RolloutFormat, read)) {
        table.add({ ...row, step: row.step ?? fileStep });
      }
    });
  }
  const { epochs, stepsPerEpoch } = options;
  return { ...table.matrix(options.signal, { epochs, stepsPerEpoch }), prompts: table.prompts };
}

/** A file that holds a whole reward matrix; undefined where it holds rollouts. */
async function importWhole(
  source: ByteSource,
  options: ImportOptions,
): Promise<Imported | undefined> {
  const { format } = options;
  if (format !== 'auto' && format !== 'safetensors' && format !== 'jsonl') return undefined;
  const found = format === 'safetensors' ? format : await detectRollouts(source);
  if (found === 'safetensors') return importSafetensors(source, options);
  return found === 'curves' ? importCurves(source) : undefined;
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

async function importCurves(source: ByteSource): Promise<Imported> {
  const prompts: TablePrompt[] = [];
  const means: number[] = [];
  let epochs: number | undefined;
  for await (const row of readCurves(source)) {
    epochs ??= row.curve.length;
    if (row.curve.length !== epochs) {
      throw new ConfigError(`${row.where}: rewards must hold ${epochs} numbers as in row 1`);
    }
    prompts.push(row);
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
  for (const [p, { prompt, id, answer }] of prompts.entries()) {
    const score = result.scores[p] ?? NaN;
    // A dropped prompt shows what it was dropped for.
    const curve = rowOf(Number.isNaN(score) ? matrix : filled, p);
    yield {
      prompt,
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

function summaryText(
  summary: Partial<TableSummary> & {
    readonly rule: string;
    readonly theta: number;
    readonly kept: number;
    readonly unscored: number;
    readonly meanCurve: readonly number[];
    readonly bound: LimResult['bound'];
  },
): string {
  const { prompts = 0, epochs = 0 } = summary;
  const lines = [`${prompts} prompts x ${epochs} epochs, rule '${summary.rule}'`];
  const note = (count: number | undefined, text: string): void => {
    if (count) lines.push(`  ${count} ${text}`);
  };
  if (summary.grouping !== undefined) {
    const per = summary.stepsPerEpoch ?? null;
    lines.push(
      `  ${summary.rows ?? 0} rows in ${summary.steps ?? 0} steps, epochs by ` +
        (per === null ? summary.grouping : `${per} steps each`) +
        `, ${summary.samplesPerEntry ?? 0} samples a prompt`,
    );
  }
  note(summary.unmatchedRows, 'rows left out: prompt not in the prompt file');
  note(summary.templatedRows, 'rows matched by their prompt inside a chat template');
  note(summary.containedRows, 'rows matched by the one prompt of the prompt file in their text');
  note(summary.rowsPastEnd, 'rows left out: past the last epoch');
  note(summary.mergedPrompts, 'prompts merged with one of the same text or id');
  note(summary.neverRolledOut, 'prompts never rolled out');
  note(summary.missingEntries, 'entries missing (prompt not rolled out in an epoch)');
  note(summary.duplicateEntries, 'entries rolled out in several steps of an epoch: pooled');
  note(summary.partialEntries, 'entries with fewer samples than most');
  note(summary.missingSteps, 'steps missing in the numbering');
  note(summary.unscored, 'prompts without a score');
  const curve = summary.meanCurve.map((mean) => mean.toFixed(3)).slice(0, 32);
  lines.push(`mean curve: ${curve.join(' ')}${summary.meanCurve.length > 32 ? ' ...' : ''}`);
  lines.push(`kept at theta ${summary.theta}: ${summary.kept}`, describeBound(summary.bound), '');
  return lines.join('\n');
}
