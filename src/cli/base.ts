import { defineCommand } from 'citty';
import { drawnConfig } from '../config.ts';
import { jsonText } from '../formats/json.ts';
import { parameterLayout } from '../model/parameters.ts';
import { modelConfigOf, pretrainBase } from '../scheduler/base.ts';
import { baseFile, baseIdentity } from '../scheduler/base-file.ts';
import { openTask } from '../tasks/registry.ts';
import { withLastingGpu } from './adapter.ts';
import { commonArgs, outArg } from './arguments.ts';
import { chosenConfig } from './chosen-config.ts';
import { KeptTraining } from './kept-training.ts';
import { expectFileOut, nextFree } from './output.ts';
import { system } from './system.ts';

export const command = defineCommand({
  args: {
    config: {
      type: 'positional',
      required: false,
      description: 'JSON file whose fields replace those of the preset',
    },
    preset: {
      type: 'string',
      valueHint: 'name',
      description: 'preset (default: quick, or what the file says)',
    },
    out: outArg('safetensors file of the base (default: runs/base-PRESET.safetensors)'),
    ...commonArgs,
  },
  async run({ args }) {
    const config = drawnConfig(
      await chosenConfig('the options', args.config, args.preset),
      'limr base',
    );
    const out = args.out ?? (await nextFree(`runs/base-${config.preset}`, '.safetensors'));
    await expectFileOut(out, args.config === undefined ? [] : [args.config]);
    const host = await system();
    const task = await openTask(config.task);
    try {
      const kept = new KeptTraining(parameterLayout(modelConfigOf(config, task), 'lm'));
      let adapter = '';
      const parameters = await withLastingGpu(
        args,
        { headDim: config.model.headDim, training: true },
        async (gpu) => {
          adapter = gpu.name;
          await kept.begin();
          return pretrainBase(
            gpu,
            config,
            task,
            (update, of, loss) =>
              void host.stderr(`update ${update}/${of}, loss ${loss.toFixed(4)}\n`),
            () => Promise.resolve(true),
            kept,
          );
        },
      );
      if (!parameters) return 1;
      await host.write(out, baseFile(config, parameters, adapter));
      await host.stderr(`base: ${out}\n`);
      if (args.json) {
        const identity = baseIdentity(config);
        const count = [...parameters.values()].reduce((sum, { length }) => sum + length, 0);
        await host.stdout(jsonText({ out, identity, parameters: count, config, adapter }));
      }
      return 0;
    } finally {
      await task.text.close();
    }
  },
});
