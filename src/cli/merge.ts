import { defineCommand } from 'citty';
import { baseName } from '../formats/paths.ts';
import { type MergedMatrix, mergedTensors } from '../model/merge-adapter.ts';
import { modelDirectoryPieces } from '../model/save-model.ts';
import { readDiskAdapter } from './adapter-files.ts';
import { commonArgs, dtypeArg, dtypes, outArg, UsageError } from './arguments.ts';
import { openDiskModel, writeModelFiles } from './model-files.ts';
import { expectFreshRun, nextFree } from './output.ts';
import { system } from './system.ts';

export const command = defineCommand({
  meta: { name: 'merge', description: 'a model directory with a LoRA adapter in it' },
  args: {
    adapter: { type: 'positional', required: true, description: "folder of an adapter, as PEFT's" },
    base: { type: 'string', valueHint: 'MODEL', required: true, description: 'model directory' },
    dtype: dtypeArg,
    out: outArg('model directory to write (default: runs/merged-ADAPTER)'),
    json: commonArgs.json,
  },
  async run({ args }) {
    const host = await system();
    const stem = baseName(args.adapter);
    const out = args.out ?? (await nextFree(`runs/merged-${stem}`));
    await expectFreshRun(out);
    if (await host.info(`${out}/adapter_config.json`)) {
      throw new UsageError(`--out ${out} holds an adapter, which loaders would add to the model`);
    }
    const dtype = dtypes[args.dtype];
    const model = await openDiskModel(args.base);
    try {
      const adapter = await readDiskAdapter(args.adapter, model.config);
      const matrices: MergedMatrix[] = [];
      const tensors = await mergedTensors(model, adapter, dtype, (matrix) => {
        matrices.push(matrix);
        if (dtype !== 'F32') void host.stderr(`${matrix.name}: ${lossText(matrix)}\n`);
      });
      const { openFile: tokenizerFrom } = model;
      await writeModelFiles(
        out,
        await modelDirectoryPieces(model.config, tensors, { dtype, tokenizerFrom }),
      );
      const errors = matrices.flatMap(({ error }) => error ?? []);
      const worst = errors.reduce((most, error) => Math.max(most, error), 0);
      await host.stderr(
        `model: ${out}, ${matrices.length === 1 ? '1 matrix' : `${matrices.length} matrices`} merged; ` +
          `rounding to ${args.dtype} took ${shareText(worst)} of a change at most\n`,
      );
      if (args.json) {
        const told = matrices.map(({ name, error }) => ({ name, error: error ?? null }));
        await host.stdout(`${JSON.stringify({ out, dtype: args.dtype, worst, matrices: told })}\n`);
      }
    } finally {
      await model.close();
    }
  },
});

const lossText = ({ error }: MergedMatrix): string =>
  error === undefined
    ? 'the adapter adds nothing'
    : `rounding took ${shareText(error)} of the change`;

const shareText = (share: number): string => `${Number((100 * share).toPrecision(2))} %`;
