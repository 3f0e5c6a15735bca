import { configFrom } from '../config.ts';
import type { Gpu } from '../gpu/device.ts';
import { bindingElements } from '../gpu/memory.ts';
import type { ModelConfig } from '../model/config.ts';
import {
  initialParameters,
  parameterLayout,
  ParameterStore,
  type WeightStorage,
} from '../model/parameters.ts';
import { Decoder } from '../rollout/decoder.ts';
import { modelConfigOf } from '../scheduler/base.ts';
import { openTask } from '../tasks/registry.ts';
import { type Bench, measure } from './record.ts';
import { tinyConfig } from './tiny.ts';
import { referenceModel, referenceShape } from './train.ts';

/** Responses of a random model to prompts, each as long as it may be. */
interface RolloutShape {
  readonly prompts: number;
  readonly samples: number;
  readonly promptTokens: number;
  readonly newTokens: number;
  readonly temperature: number;
}

/** Rollouts: prefill, every decoding step, and the readback of responses. */
export async function benchRollout(bench: Bench): Promise<void> {
  const config = bench.tiny ? tinyConfig : configFrom('quick', undefined, 'bench');
  const task = await openTask(config.task);
  const { prompts, samples } = config.rollout;
  await measureRollout(bench, `rollout, ${config.preset}`, modelConfigOf(config, task), {
    prompts,
    samples,
    promptTokens: task.maxPromptTokens,
    newTokens: task.maxResponseTokens,
    temperature: 1,
  });
  if (bench.tiny) return;
  await measureRollout(bench, 'rollout, reference', referenceModel(referenceShape), {
    prompts: 8,
    samples: 8,
    promptTokens: 32,
    newTokens: 32,
    temperature: 1,
  });
  for (const batch of [1, 256]) {
    const [name, shape] = [`generation, batch ${batch}`, generationShape(batch)];
    await measureRollout(bench, name, referenceModel(referenceShape), shape);
    await measureRollout(bench, `${name}, f16`, referenceModel(referenceShape), shape, 'f16');
  }
}

/** The shape at which small generation engines are compared: no prompt but a first token. */
export const generationShape = (batch: number): RolloutShape => ({
  prompts: batch,
  samples: 1,
  promptTokens: 1,
  newTokens: 64,
  temperature: 0,
});

/** A decoder of the reference model, and responses to `batch` prompts of one token. */
export const referenceGeneration = (gpu: Gpu, batch: number, storage?: WeightStorage) =>
  openRollout(gpu, referenceModel(referenceShape), generationShape(batch), storage);

/**
 * Measures responses of a random model.
 *
 * @param storage Storage of its weights and cache.
 */
export async function measureRollout(
  bench: Bench,
  name: string,
  model: ModelConfig,
  shape: RolloutShape,
  storage?: WeightStorage,
): Promise<void> {
  const { hiddenSize: C, layers: L, heads: H, vocabSize: V, intermediateSize: F } = model;
  const { generate, destroy } = openRollout(bench.gpu, model, shape, storage);
  try {
    await measure(bench, {
      suite: 'rollout',
      name,
      shapes: { ...shape, C, L, H, V, F },
      bound: 'matmul',
      run: async () => ({ tokens: await generate() }),
    });
  } finally {
    await bench.gpu.idle();
    destroy();
  }
}

/** A decoder of a random model. `generate` returns how many tokens it drew. */
function openRollout(gpu: Gpu, model: ModelConfig, shape: RolloutShape, storage?: WeightStorage) {
  const { prompts, samples, promptTokens, newTokens, temperature } = shape;
  const layout = parameterLayout(model, 'lm', bindingElements(gpu.limits), storage);
  const weights = new ParameterStore(gpu, layout, 'model', 'weights');
  weights.load(initialParameters(model, 1, 0.02));
  const decoder = new Decoder(gpu, model, weights, {
    rows: prompts * samples,
    prompts,
    promptRows: prompts * promptTokens,
    promptLength: promptTokens,
    newTokens,
    cacheStorage: storage,
  });
  const texts = Array.from({ length: prompts }, (_, p) =>
    Uint32Array.from({ length: promptTokens }, (_, i) => (p * 5 + i) % model.vocabSize),
  );
  return {
    generate: async (): Promise<number> => {
      const request = { prompts: texts, samplesPerPrompt: samples, seed: 1, stopIds: [] };
      const { lengths } = await decoder.generate({ ...request, temperature });
      return lengths.reduce((sum, length) => sum + length, 0);
    },
    destroy: (): void => {
      decoder.destroy();
      weights.destroy();
    },
  };
}
