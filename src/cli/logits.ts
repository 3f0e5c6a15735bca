import { defineCommand } from 'citty';
import { float32Entry, writeSafetensors } from '../formats/safetensors.ts';
import { AllLogits } from '../model/all-logits.ts';
import { loadModel } from '../model/load-parameters.ts';
import { attentionUse } from '../variants/self-check.ts';
import { adapterDirArg, givenAdapter } from './adapter-files.ts';
import { openCommandGpu } from './adapter.ts';
import { commonArgs, outArg, UsageError, weightsArg } from './arguments.ts';
import { readIds } from './ids-file.ts';
import { openDiskModel } from './model-files.ts';
import { expectFileOut, nextFree } from './output.ts';
import { system } from './system.ts';

/** Largest output tensor, in numbers: 4 GiB of f32. */
const mostLogits = 2 ** 30;

export const command = defineCommand({
  meta: { name: 'logits', description: 'logits of a Hugging Face model directory' },
  args: {
    model: { type: 'positional', required: true, description: 'model directory' },
    ids: {
      type: 'string',
      valueHint: 'ids.json',
      required: true,
      description: '{"input_ids": [[...]], "attention_mask"?: [[...]]}',
    },
    out: outArg(
      'safetensors file: tensor logits, f32 (B, T, V), 0 where masked (default: runs/logits.safetensors)',
    ),
    weights: weightsArg,
    'adapter-dir': adapterDirArg,
    ...commonArgs,
  },
  async run({ args }) {
    const out = args.out ?? (await nextFree('runs/logits', '.safetensors'));
    await expectFileOut(out, [args.ids]);
    const host = await system();
    const model = await openDiskModel(args.model);
    try {
      const { mask, sequences } = await readIds(args.ids, model.config);
      const [rows, columns] = [mask.length, mask[0]?.length ?? 0];
      const { vocabSize } = model.config;
      if (rows * columns * vocabSize > mostLogits) {
        throw new UsageError(
          `--ids: ${rows} x ${columns} x ${vocabSize} logits are more than ${mostLogits}`,
        );
      }
      const adapter = await givenAdapter(args, model.config);
      const gpu = await openCommandGpu(args, {
        ...attentionUse(model.config),
        training: false,
        storage: args.weights,
      });
      const logits = new Float32Array(rows * columns * vocabSize);
      try {
        const { weights } = await loadModel(gpu, model, { storage: args.weights, adapter });
        await host.doing?.('computing logits');
        const longest = sequences.reduce((most, { length }) => Math.max(most, length), 0);
        const total = sequences.reduce((sum, { length }) => sum + length, 0);
        let b = 0;
        for await (const own of new AllLogits(gpu, weights, { longest, total }).of(sequences)) {
          let from = 0;
          for (let t = 0; t < columns; t++) {
            if (mask[b]?.[t] !== 1) continue;
            logits.set(own.subarray(from, from + vocabSize), (b * columns + t) * vocabSize);
            from += vocabSize;
          }
          b++;
        }
      } finally {
        await gpu.close();
      }
      const shape = [rows, columns, vocabSize];
      await host.write(out, writeSafetensors([float32Entry('logits', shape, logits)]));
      await host.stderr(`logits: (${shape.join(', ')}) in ${out}\n`);
      if (args.json) {
        await host.stdout(`${JSON.stringify({ shape, out, adapter: gpu.name })}\n`);
      }
    } finally {
      await model.close();
    }
  },
});
