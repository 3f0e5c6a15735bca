import { SafetensorsError } from '../formats/safetensors.ts';
import type { Gpu } from '../gpu/device.ts';
import { bindingElements, type Purpose } from '../gpu/memory.ts';
import type { ModelDirectory } from './model-directory.ts';
import {
  type Head,
  parameterLayout,
  parameterNames,
  ParameterStore,
  type WeightStorage,
} from './parameters.ts';

/** Tensors of older files that hold what the config says already. */
const redundant = /\.rotary_emb\.inv_freq$/;

/**
 * Brings a model's weights onto the device, one tensor at a time, to be used and not trained.
 *
 * @throws SafetensorsError unless the files hold exactly the parameters that the config calls for;
 *   ConfigError when `storage` cannot hold one.
 */
export async function loadParameters(
  gpu: Gpu,
  model: ModelDirectory,
  head: Head,
  options: {
    readonly label?: string;
    readonly purpose?: Purpose;
    readonly storage?: WeightStorage | undefined;
  } = {},
): Promise<ParameterStore> {
  const layout = parameterLayout(model.config, head, bindingElements(gpu.limits), options.storage);
  await expectParameters(model, head);
  const { label = 'weights', purpose = 'weights' } = options;
  const store = new ParameterStore(gpu, layout, label, purpose, { frozen: true });
  for (const stored of layout.stored) {
    for (const part of stored.parts) store.write(stored, part, await model.read(part.name));
  }
  return store;
}

/** @throws SafetensorsError unless the files hold exactly what the config calls for. */
export async function expectParameters(model: ModelDirectory, head: Head): Promise<void> {
  const { config, shapes, where } = model;
  const wanted = new Map(
    parameterNames(parameterLayout(config, head)).map(({ name, shape }) => [name, shape]),
  );
  for (const [name, shape] of wanted) {
    const found = shapes.get(name);
    if (!found) throw new SafetensorsError(`${where}: no tensor '${name}'`);
    if (found.join() !== shape.join()) {
      throw new SafetensorsError(
        `${where}: tensor '${name}' must be (${shape.join(', ')}), is (${found.join(', ')})`,
      );
    }
  }
  for (const name of shapes.keys()) {
    if (wanted.has(name) || redundant.test(name)) continue;
    if (name !== 'lm_head.weight' || head !== 'lm') {
      throw new SafetensorsError(`${where}: tensor '${name}' is no part of the model`);
    }
    // Some tied models are saved with the embedding twice: harmless only while they are equal.
    const [projection, embedding] = [
      await model.read(name),
      await model.read('model.embed_tokens.weight'),
    ];
    const equal =
      projection.length === embedding.length && projection.every((x, i) => x === embedding[i]);
    if (!equal) {
      throw new SafetensorsError(
        `${where}: tensor '${name}' differs from the embedding that the config ties it to`,
      );
    }
  }
}
