import { defineCommand } from 'citty';
import { FormatError } from '../formats/format-error.ts';
import { float32Entry, writeSafetensors } from '../formats/safetensors.ts';
import { clearStep } from '../gpu/plan.ts';
import { adapterGradients } from '../model/adapters.ts';
import type { Gpu } from '../gpu/device.ts';
import type { PeftAdapter } from '../model/hugging-face/peft.ts';
import { deviceLayout, expectParameters, loadModel } from '../model/load-parameters.ts';
import type { ModelDirectory } from '../model/model-directory.ts';
import type { Weights } from '../model/weights.ts';
import type { BaseStorage } from '../vocabulary/storages.ts';
import {
  batchesOf,
  learnedSizes,
  NextTokenLoss,
  nextTokenSequences,
} from '../model/next-token-loss.ts';
import { parameterNames, ParameterStore, trainedStorage } from '../model/parameters.ts';
import { adapterDirArg, givenAdapter } from './adapter-files.ts';
import { openCommandGpu } from './adapter.ts';
import { commonArgs, outArg, weightsArg } from './arguments.ts';
import { readIds } from './ids-file.ts';
import { openDiskModel } from './model-files.ts';
import { expectFileOut, nextFree } from './output.ts';
import { system } from './system.ts';

/** Token rows of one pass; the gradients of several passes are accumulated. */
const passRows = 1024;

export const command = defineCommand({
  meta: { name: 'grads', description: 'next-token cross-entropy of a model and its gradient' },
  args: {
    model: { type: 'positional', required: true, description: 'model directory' },
    ids: {
      type: 'string',
      valueHint: 'ids.json',
      required: true,
      description: '{"input_ids": [[...]], "attention_mask"?: [[...]]}',
    },
    out: outArg(
      'safetensors file: scalar loss, and a tensor per parameter (default: runs/grads.safetensors)',
    ),
    weights: weightsArg,
    'adapter-dir': {
      ...adapterDirArg,
      description: `${adapterDirArg.description}; then the gradient of the adapter alone`,
    },
    ...commonArgs,
  },
  async run({ args }) {
    const out = args.out ?? (await nextFree('runs/grads', '.safetensors'));
    await expectFileOut(out, [args.ids]);
    const host = await system();
    const model = await openDiskModel(args.model);
    try {
      const { ids, mask } = await readIds(args.ids, model.config);
      const sequences = nextTokenSequences(ids, mask);
      if (sequences.length === 0) {
        throw new FormatError(`${args.ids}: no token follows another, so there is no loss`);
      }
      const adapter = await givenAdapter(args, model.config);
      const gpu = await openCommandGpu(args, {
        headDim: model.config.headDim,
        training: true,
        storage: args.weights,
      });
      try {
        const { weights, trained } = await loadTrained(gpu, model, args.weights, adapter);
        await host.doing?.('computing gradients');
        const { layout } = trained;
        const gradients = new ParameterStore(gpu, layout, 'gradients', 'gradients');
        const learned = adapter ? adapterGradients(gradients) : gradients;
        const batches = batchesOf(sequences, passRows);
        const sizes = batches.map(learnedSizes);
        const most = (key: 'rows' | 'actions' | 'sequences') =>
          sizes.reduce((largest, size) => Math.max(largest, size[key]), 0);
        const pass = new NextTokenLoss(gpu, weights, {
          capacity: { rows: most('rows'), actions: most('actions'), sequences: most('sequences') },
          positions: sequences.reduce((most, { ids: row }) => Math.max(most, row.length), 0),
        });
        const clear = gpu.plan('clear gradients', gradients.pages.map(clearStep));
        const backward = gpu.plan('next-token loss', pass.forwardBackward(weights, learned));
        await gpu.run(clear);
        let loss = 0;
        for (const batch of batches) {
          pass.upload(batch);
          await gpu.run(backward);
          const logprobs = await pass.logprobs();
          const own = batch.flatMap((sequence) => Array.from(sequence.weights));
          for (const [i, weight] of own.entries()) loss -= weight * (logprobs[i] ?? NaN);
        }
        const found = await gradients.read();
        if (!Number.isFinite(loss)) throw new Error(`${args.model}: the loss is ${loss}`);
        const entries = parameterNames(layout).map(({ name, shape }) =>
          float32Entry(name, shape, found.get(name) ?? new Float32Array(0)),
        );
        entries.push(float32Entry('loss', [], Float32Array.of(loss)));
        await host.write(out, writeSafetensors(entries));
        await host.stderr(`loss ${loss.toFixed(6)}, gradients in ${out}\n`);
        if (args.json) {
          await host.stdout(`${JSON.stringify({ loss, out, adapter: gpu.name })}\n`);
        }
      } finally {
        await gpu.close();
      }
    } finally {
      await model.close();
    }
  },
});

/** The network, and the weights whose gradients are wanted: all of them, or the adapter's. */
async function loadTrained(
  gpu: Gpu,
  model: ModelDirectory,
  storage: BaseStorage | undefined,
  adapter: PeftAdapter | undefined,
): Promise<{ readonly weights: Weights; readonly trained: ParameterStore }> {
  if (adapter) {
    const { weights, adapters } = await loadModel(gpu, model, { storage, adapter });
    if (adapters) return { weights, trained: adapters };
  }
  await expectParameters(model, 'lm');
  const layout = deviceLayout(gpu, model.config, 'lm', trainedStorage(storage));
  const whole = new ParameterStore(gpu, layout, 'weights', 'weights');
  await whole.loadFrom(model);
  return { weights: whole, trained: whole };
}
