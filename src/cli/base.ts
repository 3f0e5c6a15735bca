import { defineCommand } from 'citty';
import { configFrom } from '../config.ts';
import { float32Entry, writeSafetensors } from '../formats/safetensors.ts';
import { baseIdentity, pretrainBase } from '../scheduler/base.ts';
import { createTask } from '../tasks/registry.ts';
import { openCommandGpu } from './adapter.ts';
import { commonArgs, outArg, UsageError } from './arguments.ts';
import { readJson } from './json-file.ts';
import { expectFileOut } from './output.ts';
import { system } from './system.ts';

export const command = defineCommand({
  args: {
    config: {
      type: 'positional',
      required: false,
      description: 'JSON file whose fields replace those of the preset',
    },
    preset: { type: 'string', valueHint: 'name', default: 'quick', description: 'preset' },
    out: outArg('safetensors file of the base'),
    ...commonArgs,
  },
  async run({ args }) {
    if (args.out === undefined) throw new UsageError('--out is needed');
    await expectFileOut(args.out);
    const where = args.config ?? 'limr base';
    const given = args.config === undefined ? undefined : await readJson(args.config);
    const config = configFrom(args.preset, given, where);
    const host = await system();
    const gpu = await openCommandGpu(args);
    const parameters = await pretrainBase(
      gpu,
      config,
      createTask(config.task),
      (update, of, loss) => void host.stderr(`update ${update}/${of}, loss ${loss.toFixed(4)}\n`),
      () => Promise.resolve(true),
    );
    if (!parameters) return 1;
    const entries = [...parameters].map(([name, data]) => float32Entry(name, [data.length], data));
    const identity = baseIdentity(config);
    await host.write(args.out, writeSafetensors(entries, { identity, adapter: gpu.name }));
    await gpu.close();
    return 0;
  },
});
