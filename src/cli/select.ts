import { defineCommand } from 'citty';
import { fileIn } from '../formats/paths.ts';
import { readPrompts, type RowLayout } from '../formats/prompts.ts';
import { readScores } from '../formats/score-file.ts';
import { readSubset } from '../formats/subset-rows.ts';
import { exportFormats, subsetFile } from '../formats/subsets.ts';
import { chooseRows, keptRows } from '../imports/row-choice.ts';
import { counted } from '../look/wording.ts';
import { kitEngines, kitVerifiers } from '../kits/engines.ts';
import { methodFileName, SCORES } from '../run-folder/names.ts';
import { isMethodName, methodForms, type MethodName } from '../selection/methods.ts';
import { commonArgs, numberOption, optionalNumber, outArg, UsageError } from './arguments.ts';
import { kitOf } from './kit.ts';
import { expectFileOut, expectNewFolder, nextFree } from './output.ts';
import { withSource } from './sources.ts';
import { system } from './system.ts';

export const command = defineCommand({
  meta: { name: 'select', description: 'the subset that a method keeps of scored prompts' },
  args: {
    scores: {
      type: 'positional',
      description: 'score file, as limr score writes, or the folder of a run',
      required: true,
    },
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
    kit: {
      type: 'enum',
      options: [...kitEngines],
      description:
        'write a folder that this engine trains from: data, reward, launch script, README',
    },
    model: {
      type: 'string',
      valueHint: 'model',
      description: 'model that a kit trains: a folder, or hf:ORG/NAME[@REVISION], never fetched',
    },
    verifier: {
      type: 'string',
      valueHint: 'rule',
      description: `rule that a kit judges by: ${kitVerifiers.join(' or ')} (default: the run's, else math)`,
    },
    system: {
      type: 'string',
      valueHint: 'text',
      description: "system message of a kit's prompts that have none (default: the run's)",
    },
    out: outArg('subset file to write, or new or empty folder of a kit (default under runs/)'),
    json: commonArgs.json,
  },
  async run({ args }) {
    const host = await system();
    const name = methodNamed(args.method);
    const { kit } = args;
    expectKitOptions(args);
    const path = await scoreFile(args.scores);
    const layoutPath = args.prompts ?? path;
    const { rows, layout } = await withSource(path, readScores);
    const pool =
      args.prompts === undefined ? undefined : await withSource(args.prompts, readPrompts);
    const target: RowLayout = pool?.layout ?? layout;
    const format = args.export;
    const extension = format === undefined ? target : format === 'parquet' ? format : 'jsonl';
    const stem = `runs/subset-${methodFileName(name)}`;
    const out =
      args.out ??
      (kit !== undefined
        ? await nextFree(`runs/kit-${kit}`)
        : args.json
          ? undefined
          : `${stem}.${extension}`);
    if (kit !== undefined) await expectNewFolder(out ?? '');
    else if (out !== undefined) await expectFileOut(out, [path, layoutPath]);
    const seed = numberOption('seed', args.seed, { min: 0, max: 0xffff_ffff, integer: true });
    const { selection, differing } = await chooseRows(rows, name, {
      threshold: optionalNumber('threshold', args.threshold),
      count: optionalNumber('count', args.count, { min: 0, integer: true }),
      seed,
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
    if (kit !== undefined && out !== undefined) {
      const { prompts, model, verifier, system: text } = args;
      const files = await kitOf(
        { engine: kit, model, verifier, system: text },
        { scores: path, prompts, rows, kept, selection, seed },
      );
      for (const file of files) await host.write(`${out}/${file.path}`, file.content);
      await host.stderr(`kit: ${out} (${files.map((file) => file.path).join(', ')})\n`);
    } else if (kept.length === 0) await host.stderr('no prompt is kept: the subset is empty\n');
    if (kit === undefined && out !== undefined) {
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

/** @throws UsageError if options of a kit and of a subset are mixed. */
function expectKitOptions(args: Readonly<Record<string, unknown>>): void {
  if (args['kit'] === undefined) {
    const alone = ['model', 'verifier', 'system'].find((name) => args[name] !== undefined);
    if (alone !== undefined) throw new UsageError(`--${alone} is an option of --kit`);
  } else if (args['export'] !== undefined) {
    throw new UsageError('--export and --kit exclude each other: a kit has its own data');
  }
}

/** The score file itself, or that of a run's folder. */
async function scoreFile(given: string): Promise<string> {
  const host = await system();
  if ((await host.info(given))?.kind !== 'directory') return given;
  const path = fileIn(given, SCORES);
  if ((await host.info(path))?.kind === 'file') return path;
  throw new UsageError(`${given}: no ${SCORES} in this folder`);
}

function methodNamed(name: string): MethodName {
  if (isMethodName(name)) return name;
  throw new UsageError(`--method must be ${methodForms}, got '${name}'`);
}
