import { defineCommand } from 'citty';
import { readPrompts, type RowLayout } from '../formats/prompts.ts';
import { readScores } from '../formats/score-file.ts';
import { readSubset } from '../formats/subset-rows.ts';
import { exportFormats, subsetFile } from '../formats/subsets.ts';
import { chooseRows, keptRows } from '../imports/row-choice.ts';
import { counted } from '../look/wording.ts';
import { methodFileName } from '../run-folder/names.ts';
import { isMethodName, methodForms, type MethodName } from '../selection/methods.ts';
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
    const { selection, differing } = await chooseRows(rows, name, {
      threshold: optionalNumber('threshold', args.threshold),
      count: optionalNumber('count', args.count, { min: 0, integer: true }),
      seed: numberOption('seed', args.seed, { min: 0, max: 0xffff_ffff, integer: true }),
      samples: optionalNumber('samples', args.samples, { min: 2, max: 1e6, integer: true }),
      readList: (file) => withSource(file, readSubset),
    });
    if (differing > 0) {
      await host.stderr(
        `${differing} scores at the cut do not follow from their rewards: taken as they are\n`,
      );
    }
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
