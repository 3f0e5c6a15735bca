import { defineCommand } from 'citty';
import { isModelId } from '../hub/model-id.ts';
import { UsageError } from './arguments.ts';
import { modelFolder } from './model-files.ts';
import { system } from './system.ts';

export const command = defineCommand({
  args: {
    model: {
      type: 'positional',
      required: true,
      description: 'hf:ORG/NAME or hf:ORG/NAME@REVISION, a branch, a tag or a commit',
    },
    json: { type: 'boolean', description: 'print {"folder"} as JSON on stdout' },
  },
  async run({ args }) {
    const host = await system();
    if (!isModelId(args.model))
      throw new UsageError(`${args.model}: a model of the hub is hf:ORG/NAME`);
    const folder = await modelFolder(args.model, { weights: true, refresh: true });
    await host.stdout(args.json ? `${JSON.stringify({ folder })}\n` : `${folder}\n`);
  },
});
