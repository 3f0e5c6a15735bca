import { defineCommand } from 'citty';
import { jsonRows, rowJson } from '../formats/json-rows.ts';
import { baseName } from '../formats/paths.ts';
import { readPrompts } from '../formats/prompts.ts';
import { parseRewardTerms } from '../formats/rewards.ts';
import { rolloutFormats } from '../formats/rollouts.ts';
import { withBundles } from '../imports/bundled-files.ts';
import { importRollouts } from '../imports/rollout-import.ts';
import { rolloutFiles } from '../imports/rollout-files.ts';
import { scoreRows } from '../imports/score-rows.ts';
import { scoreSummary } from '../imports/score-summary.ts';
import { unsolvedSignal } from '../lim/matrix.ts';
import { type LimResult, scoreMatrix } from '../lim/score.ts';
import { signals } from '../vocabulary/signals.ts';
import { openCommandGpu } from './adapter.ts';
import { commonArgs, numberOption, optionalNumber, outArg } from './arguments.ts';
import { expectFileOut } from './output.ts';
import { withSource } from './sources.ts';
import { system } from './system.ts';

export const command = defineCommand({
  meta: { name: 'score', description: "LIM scores of somebody's rollouts, or of a reward matrix" },
  args: {
    path: {
      type: 'positional',
      description:
        'rollout files, folders of them or above them, a run or its bundle, or a reward matrix ' +
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
      options: [...signals],
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
    const from = await withBundles(host, args._);
    const found = await rolloutFiles(from, args._);
    const { files } = found;
    if (out !== undefined) {
      // Among the files of a folder, only a file with this name can be the output file.
      const named = files.filter((file) => baseName(file) === baseName(out));
      const given = promptFile === undefined ? args._ : [...args._, promptFile];
      await expectFileOut(out, [...given, ...named]);
    }
    const pool =
      promptFile === undefined
        ? undefined
        : await withSource(promptFile, async (source) => (await readPrompts(source)).rows);
    const own = promptFile === undefined ? '' : await host.resolve(promptFile);
    const leftOut: string[] = [];
    for (const file of found.leftOut) if ((await host.resolve(file)) !== own) leftOut.push(file);
    const imported = await importRollouts(
      from,
      { files, leftOut },
      {
        format: args.format,
        signal: args.signal,
        epochs: optionalNumber('epochs', args.epochs, counts),
        stepsPerEpoch: optionalNumber('steps-per-epoch', args['steps-per-epoch'], counts),
        pool,
        reward,
        allowPartial: args['allow-partial'] ?? false,
        tokenizer: args.tokenizer,
      },
    );
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
