import { elementCount } from '../../kernels/lib/tensor.ts';
import { SafetensorsError } from '../formats/safetensors.ts';
import { AdapterError, type Gpu } from '../gpu/device.ts';
import { bindingElements, type MemoryPurpose } from '../gpu/memory.ts';
import { AdaptedWeights, adapterLayout, type AdapterPlan } from './adapters.ts';
import type { ModelConfig } from './config.ts';
import { hfName, isRedundant, isValueHead } from './hugging-face/names.ts';
import type { PeftAdapter } from './hugging-face/peft.ts';
import type { ModelDirectory } from './model-directory.ts';
import {
  type Head,
  type ParameterLayout,
  parameterLayout,
  parameterNames,
  ParameterStore,
} from './parameters.ts';
import { type LoadOptions, pieceNumbers } from './parameter-source.ts';
import type { Weights } from './weights.ts';
import { FrozenStore } from './frozen-store.ts';
import type { BaseStorage, Storage } from '../vocabulary/storages.ts';

/**
 * Loads a model's weights onto the device, one tensor at a time, for use without training.
 *
 * @throws SafetensorsError unless the files hold exactly the parameters that the config calls for;
 *   ConfigError when `storage` cannot hold one; AdapterError when the device cannot bind one.
 */
export async function loadParameters(
  gpu: Gpu,
  model: ModelDirectory,
  head: Head,
  options: LoadOptions & {
    readonly label?: string;
    readonly purpose?: MemoryPurpose;
    readonly storage?: BaseStorage | undefined;
  } = {},
): Promise<FrozenStore> {
  await expectParameters(model, head);
  const { label = 'weights', purpose, storage } = options;
  const store = new FrozenStore(gpu, model.config, head, label, { storage, purpose });
  try {
    await store.loadFrom(model, options);
  } catch (error) {
    store.destroy();
    throw error;
  }
  return store;
}

/** A language model on a device, and its adapter if it has one. */
export interface LoadedModel {
  /** The model as passes read it. */
  readonly weights: Weights;
  /** The adapter's numbers; undefined for the model alone. */
  readonly adapters: ParameterStore | undefined;
  /** Frees all of it. */
  destroy(): void;
}

/**
 * Loads a language model as `loadParameters` does, and puts an adapter on it.
 *
 * @param options.adapter An adapter that was read for this model.
 * @throws As `loadParameters`.
 */
export async function loadModel(
  gpu: Gpu,
  model: ModelDirectory,
  options: LoadOptions & {
    readonly storage?: BaseStorage | undefined;
    readonly adapter?: Pick<PeftAdapter, 'plan' | 'tensors'> | undefined;
  } = {},
): Promise<LoadedModel> {
  const { adapter } = options;
  const base = await loadParameters(gpu, model, 'lm', options);
  if (!adapter) return { weights: base, adapters: undefined, destroy: () => base.destroy() };
  const { weights, adapters } = adaptedOn(gpu, base, adapter.plan);
  adapters.load(adapter.tensors);
  const destroy = (): void => {
    adapters.destroy();
    base.destroy();
  };
  return { weights, adapters, destroy };
}

/**
 * Room for adapters on the device of a language model.
 *
 * @param head `value`: the adapters are a critic's over that model.
 */
export function adaptedOn(
  gpu: Gpu,
  base: Weights,
  plan: AdapterPlan,
  head: Head = 'lm',
): { readonly weights: AdaptedWeights; readonly adapters: ParameterStore } {
  const pageLimit = bindingElements(gpu.limits);
  const layout = adapterLayout(base.config, plan, { head, pageLimit });
  const adapters = new ParameterStore(gpu, layout, 'adapters', 'weights');
  return { weights: new AdaptedWeights(base, adapters, plan), adapters };
}

/**
 * Where the parameters of a model lie on a device that trains them.
 *
 * @throws AdapterError when the device cannot bind one.
 */
export function deviceLayout(
  gpu: Gpu,
  config: ModelConfig,
  head: Head,
  storage?: Storage,
): ParameterLayout {
  try {
    return parameterLayout(config, head, bindingElements(gpu.limits), storage);
  } catch (error) {
    // A parameter is larger than a page. The layout does not know that the device sets the limit.
    if (error instanceof RangeError) throw new AdapterError(error.message, { cause: error });
    throw error;
  }
}

/**
 * Checks that the last layer is there before a layout is made: a few bytes of a config can ask for
 * very many layers.
 *
 * @throws SafetensorsError when the last layer is not there.
 */
export function expectLayers({ config, shapes, where }: ModelDirectory): void {
  const last = hfName(config.architecture, `layers.${config.layers - 1}.input_norm`);
  if (shapes.has(last)) return;
  throw new SafetensorsError(
    `${where}: no tensor '${last}', of the last of num_hidden_layers ${config.layers}`,
  );
}

/**
 * @throws SafetensorsError unless the files hold what the config calls for. Redundant tensors and
 *   value heads may be there too.
 */
export async function expectParameters(model: ModelDirectory, head: Head): Promise<void> {
  expectLayers(model);
  const { config, shapes, where } = model;
  const ownHead = hfName(config.architecture, 'lm_head');
  const wanted = new Map(
    parameterNames(parameterLayout(config, head)).map(({ name, shape }) => [name, shape]),
  );
  for (const [name, shape] of wanted) {
    const found = shapes.get(name);
    if (!found) {
      const other = [...shapes.keys()].find(isValueHead);
      const why =
        name === ownHead && other !== undefined
          ? `; '${other}' makes it a critic or reward model, not a language model`
          : '';
      throw new SafetensorsError(`${where}: no tensor '${name}'${why}`);
    }
    if (found.join() !== shape.join()) {
      throw new SafetensorsError(
        `${where}: tensor '${name}' must be (${shape.join(', ')}), is (${found.join(', ')})`,
      );
    }
  }
  for (const name of shapes.keys()) {
    if (wanted.has(name) || isRedundant(name) || isValueHead(name)) continue;
    if (name !== ownHead || head !== 'lm') {
      throw new SafetensorsError(`${where}: tensor '${name}' is no part of the model`);
    }
    // Some tied models are saved with the embedding twice: harmless only while they are equal.
    if (!(await isEqual(model, name, hfName(config.architecture, 'embed')))) {
      throw new SafetensorsError(
        `${where}: tensor '${name}' differs from the embedding that the config ties it to`,
      );
    }
  }
}

/** Whether two tensors hold the same numbers; the host holds a piece of each. */
async function isEqual(model: ModelDirectory, one: string, other: string): Promise<boolean> {
  const [shape, otherShape] = [model.shapes.get(one), model.shapes.get(other)];
  if (!shape || shape.join() !== otherShape?.join()) return false;
  const of = elementCount(shape);
  for (let first = 0; first < of; first += pieceNumbers) {
    const range = { first, count: Math.min(pieceNumbers, of - first), of };
    const [a, b] = [await model.read(one, range), await model.read(other, range)];
    if (!a.every((x, i) => x === b[i])) return false;
  }
  return true;
}
